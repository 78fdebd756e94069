/** Processes that the benchmark starts, and questions to them over IPC. */

import { type ChildProcess, fork } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { WORK_FOLDER } from "../../build/paths.ts";

/** The requests that a process takes. */
export type Commands = Record<string, (count: number) => Promise<unknown>>;

export interface Child<C extends Commands> {
  /** The lines that it printed so far. */
  readonly output: () => string;
  /** @throws Error what the command threw, or that the process has ended */
  ask<Name extends keyof C & string>(name: Name, count?: number): Promise<Awaited<ReturnType<C[Name]>>>;
  /** Waits until its output matches. */
  says(pattern: RegExp): Promise<string>;
  /** Lets it end by itself, so that a CPU profile is written. */
  stop(): Promise<void>;
}

interface Question {
  id: number;
  name: string;
  count: number;
}

interface Answer<Value> {
  id: number;
  value: Value;
  /** Present if the command threw. */
  error?: string;
}

interface Waiting {
  /** Takes the whole answer, for only the asker knows the type of its value. */
  settle(text: string): void;
  fail(reason: string): void;
}

export const PROFILES = join(WORK_FOLDER, "bench-profiles");

const STOP_MILLISECONDS = 15_000;

export interface ChildOptions {
  /** Names its CPU profile. */
  name: string;
  module: string;
  arguments?: readonly string[];
  /** A module to load first. */
  preload?: string;
  environment?: Readonly<Record<string, string>>;
  profile: boolean;
}

/** Starts a module as a process of its own. Its environment is only what is given here. */
export function startChild<C extends Commands>(options: ChildOptions): Child<C> {
  const { name, module, preload, environment, profile } = options;
  const child = fork(module, options.arguments ?? [], {
    env: { PATH: process.env.PATH, ...environment },
    execArgv: [
      ...(preload === undefined ? [] : ["--import", preload]),
      ...(profile ? ["--cpu-prof", `--cpu-prof-dir=${PROFILES}`, `--cpu-prof-name=${name}.cpuprofile`] : []),
    ],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const waiting = new Map<number, Waiting>();
  let asked = 0;
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text) => (output += String(text)));
  child.on("message", (text) => {
    const { id, error }: Answer<unknown> = JSON.parse(String(text));
    const question = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) question?.settle(String(text));
    else question?.fail(`Process '${name}' failed: ${error}`);
  });
  const farewell = (): string => `Process '${name}' has ended. It said: ${output}`;
  const ended = whenEnded(child).then(() => {
    for (const { fail } of waiting.values()) fail(farewell());
  });

  return {
    output: () => output,
    ask<Name extends keyof C & string>(command: Name, count = 0) {
      const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<C[Name]>>>();
      asked += 1;
      waiting.set(asked, {
        settle(text) {
          const { value }: Answer<Awaited<ReturnType<C[Name]>>> = JSON.parse(text);
          resolve(value);
        },
        fail: (reason) => reject(new Error(reason)),
      });
      if (child.connected) child.send(JSON.stringify({ id: asked, name: command, count }));
      else reject(new Error(farewell()));
      return promise;
    },
    says(pattern) {
      const said = Promise.withResolvers<string>();
      const look = (): void => {
        const [found] = pattern.exec(output) ?? [];
        if (found !== undefined) said.resolve(found);
      };
      child.stdout?.on("data", look);
      look();
      void ended.then(() => said.reject(new Error(farewell())));
      return said.promise;
    },
    async stop() {
      if (child.connected) child.disconnect();
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MILLISECONDS);
      await ended;
      clearTimeout(timer);
    },
  };
}

function whenEnded(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
}

/**
 * In the started process: answers the questions it knows; others are left to another module of the same process.
 * @param atEnd runs when the benchmark is done with the process, or has died
 */
export function answer(commands: Commands, atEnd: () => void | Promise<void>): void {
  const reply = (answered: Answer<unknown>): void => void process.send?.(JSON.stringify(answered));
  process.on("message", (text) => {
    const { id, name, count }: Question = JSON.parse(String(text));
    commands[name]?.(count).then(
      (value) => reply({ id, value }),
      (error: unknown) => reply({ id, value: undefined, error: describe(error) }),
    );
  });
  process.once("disconnect", () => void atEnd());
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

const CLOCK_TICK_MILLISECONDS = 10;

/** Milliseconds of processor time of a process that is not Node: user and system are the 14th and 15th field. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
export function cpuOf({ pid }: { pid?: number | undefined }): number {
  const fields = statOf(pid);
  return (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK_MILLISECONDS;
}

/** Milliseconds of processor time of this process's living children; undefined where the system has no /proc. */
export function cpuOfChildren(): number | undefined {
  if (!existsSync("/proc/self/stat")) return undefined;
  const pids = readdirSync("/proc").map(Number).filter(Number.isInteger);
  return pids.filter(isChild).reduce((sum, pid) => sum + cpuOf({ pid }), 0);
}

function isChild(pid: number): boolean {
  try {
    return statOf(pid)[1] === String(process.pid);
  } catch {
    // It has ended since it was listed.
    return false;
  }
}

/** The fields behind a process's name: its state, its parent, and so on. */
function statOf(pid: number | undefined): string[] {
  return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
}

/** Milliseconds of processor time that this process has used. */
export function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
