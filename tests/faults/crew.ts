import { type ChildProcess, fork } from "node:child_process";
import { bundleOf } from "./bundle.ts";
import type { Chance } from "./chance.ts";
import { type Route, type Proxy as StartedProxy, startProxy } from "./proxy.ts";

/** Worker processes, each behind a proxy of its own. */
export interface Crew {
  readonly workers: readonly Worker[];
  /** Lines that the workers printed; those that a killed one did not finish are left out. */
  readonly said: readonly string[];
  /** Rejects if a worker ends that nobody killed. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
}

export interface Worker {
  index: number;
  /** SIGKILL, and another process in its place. @param deployed by default what was there before */
  replace(deployed?: Deployed): Promise<void>;
}

/** The program of a worker. */
export interface Deployed {
  /** @defaultValue this version of Lovage, bundled */
  module?: string;
  /** The code of the task that has changed. @defaultValue newer */
  code?: "older" | "newer";
}

export interface CrewOptions {
  endpoint: string;
  environment: Readonly<Record<string, string>>;
  /** One worker each. */
  members: readonly { route: Route; clockOffsetMilliseconds: number; deployed?: Deployed }[];
  /** Polls at once of each worker. */
  lanes: number;
  functionMilliseconds: number;
}

export async function startCrew(options: CrewOptions): Promise<Crew> {
  const own = bundleOf("worker");
  const said: string[] = [];
  const failed = Promise.withResolvers<never>();
  // It is looked at when a test waits; until then it must not end the test run.
  failed.promise.catch(() => {});
  const members = await Promise.all(
    options.members.map(async (member, index) => {
      const proxy = await startProxy(options.endpoint, member.route);
      let { deployed = {} } = member;
      const start = (): Post => {
        const { module = own, code = "newer" } = deployed;
        const environment = { ...environmentOf(options, member, proxy), CODE: code };
        return startPost(module, environment, said, failed.reject);
      };
      let post = start();
      const worker: Worker = {
        index,
        async replace(other) {
          deployed = other ?? deployed;
          await post.kill();
          post = start();
        },
      };
      return { worker, proxy, kill: () => post.kill() };
    }),
  );
  return {
    workers: members.map(({ worker }) => worker),
    said,
    failed: failed.promise,
    async stop() {
      await Promise.all(members.map(({ kill }) => kill()));
      await Promise.all(members.map(({ proxy }) => proxy.close()));
    },
  };
}

export interface Killer {
  kills(): number;
  stop(): Promise<void>;
}

/** Kills each worker again and again, each time after 0.2 to 2 s of its life, until `enough` were killed. */
export function startKiller(workers: readonly Worker[], chance: Chance, enough: number): Killer {
  const stopping = new AbortController();
  let kills = 0;
  const hunt = async (worker: Worker): Promise<void> => {
    const own = chance.fork(`worker ${worker.index}`);
    while (kills < enough) {
      await lifetime(own.between(200, 2000), stopping.signal);
      if (stopping.signal.aborted) return;
      await worker.replace();
      kills += 1;
    }
  };
  const hunts = workers.map(hunt);
  return {
    kills: () => kills,
    async stop() {
      stopping.abort();
      await Promise.all(hunts);
    },
  };
}

function lifetime(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

interface Post {
  kill(): Promise<void>;
}

function startPost(module: string, environment: NodeJS.ProcessEnv, said: string[], fail: (error: Error) => void): Post {
  const child: ChildProcess = fork(module, [], { env: environment, stdio: ["ignore", "pipe", "inherit", "ipc"] });
  let killed = false;
  let rest = "";
  child.stdout?.on("data", (text) => {
    const lines = (rest + String(text)).split("\n");
    rest = lines.pop() ?? "";
    said.push(...lines);
  });
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  child.once("exit", (code) => {
    if (!killed) fail(new Error(`A worker ended with code ${code}, and nobody killed it.`));
  });
  return {
    kill() {
      killed = true;
      child.kill("SIGKILL");
      return closed;
    },
  };
}

function environmentOf(
  { environment, lanes, functionMilliseconds }: CrewOptions,
  { clockOffsetMilliseconds }: CrewOptions["members"][number],
  proxy: StartedProxy,
): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    ...environment,
    AWS_ENDPOINT_URL: proxy.endpoint,
    LANES: String(lanes),
    FUNCTION_MILLISECONDS: String(functionMilliseconds),
    CLOCK_OFFSET_MILLISECONDS: String(clockOffsetMilliseconds),
  };
}
