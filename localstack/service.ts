import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { ROOT } from "../build/paths.ts";

export interface ServiceOptions {
  /** Added to this process's environment; `PORT`, `LAMBDA_PORT` and `LOVAGE_CLOUD_PORT` are free ports unless given. */
  environment?: Readonly<Record<string, string>>;
  /** `serverless offline start`, or without `start`. @defaultValue true */
  withStart?: boolean;
  /** Arguments for `serverless offline`. */
  args?: readonly string[];
}

/** `serverless offline` in a process of its own, as a user starts it. */
export interface Service {
  url: string;
  lambdaUrl: string;
  /** Where AWS's API is: the embedded cloud, or `AWS_ENDPOINT_URL`. */
  endpoint: string;
  process: ChildProcess;
  output(): string;
  /** Waits for a line of the output, also of what was printed before. @throws Error after `timeoutMilliseconds` */
  waitForLine(pattern: RegExp, timeoutMilliseconds?: number): Promise<string>;
  /**
   * Turns the clock of the whole local cloud to a time. On the way each thing that is due happens at its own time, and is waited for.
   * @throws Error one sentence: for a time that has passed or is more than 400 days ahead, and with an `AWS_ENDPOINT_URL`
   */
  turnClock(to: Date): Promise<void>;
  /** Ctrl-C, which reaches the whole process group; answers with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** Whether a process of the group is still there. */
  leftBehind(): boolean;
}

const READY = /^Lovage is ready at /;
const START_MILLISECONDS = 60_000;

/** @throws Error with what the service printed, if it ends before it is ready */
export async function startService(options: ServiceOptions = {}): Promise<Service> {
  const service = await spawnService(options);
  try {
    await service.waitForLine(READY, START_MILLISECONDS);
  } catch (error) {
    await service.stop("SIGKILL");
    throw error;
  }
  return service;
}

/** Starts the service without waiting for it, to see how it refuses. */
export async function spawnService(options: ServiceOptions = {}): Promise<Service> {
  const [PORT, LAMBDA_PORT, LOVAGE_CLOUD_PORT] = await freePorts(3);
  const ports = { PORT: String(PORT), LAMBDA_PORT: String(LAMBDA_PORT), LOVAGE_CLOUD_PORT: String(LOVAGE_CLOUD_PORT) };
  const environment: NodeJS.ProcessEnv = { ...process.env, ...ports, ...options.environment };
  const command = options.withStart === false ? ["offline"] : ["offline", "start"];
  const child = spawn(join(ROOT, "node_modules", ".bin", "serverless"), [...command, ...(options.args ?? [])], {
    cwd: ROOT,
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
    // A process group of its own, as a terminal gives it: whoever is left in it was left behind.
    detached: true,
  });
  const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  const lines: string[] = [];
  const watchers = new Set<(line: string) => void>();
  const watch = (line: string): void => {
    lines.push(line);
    for (const watcher of watchers) watcher(line);
  };
  createInterface({ input: child.stdout }).on("line", watch);
  createInterface({ input: child.stderr }).on("line", watch);

  const endpoint = environment.AWS_ENDPOINT_URL || `http://127.0.0.1:${environment.LOVAGE_CLOUD_PORT}`;
  return {
    url: `http://127.0.0.1:${environment.PORT}`,
    lambdaUrl: `http://127.0.0.1:${environment.LAMBDA_PORT}`,
    endpoint,
    process: child,
    output: () => lines.join("\n"),
    waitForLine: (pattern, timeoutMilliseconds = 10_000) =>
      new Promise((resolve, reject) => {
        const settle = (act: () => void): void => {
          clearTimeout(timer);
          watchers.delete(check);
          act();
        };
        const check = (line: string): void => {
          if (pattern.test(line)) settle(() => resolve(line));
        };
        const fail = (what: string) => () => reject(new Error(`The service ${what}:\n${lines.join("\n")}`));
        const timer = setTimeout(() => settle(fail(`did not print ${pattern} in time`)), timeoutMilliseconds);
        watchers.add(check);
        for (const line of lines) check(line);
        void exited.then((code) => settle(fail(`ended with code ${code}`)));
      }),
    async turnClock(to) {
      if (environment.AWS_ENDPOINT_URL)
        throw new Error("Only the embedded cloud's clock can be turned: unset AWS_ENDPOINT_URL.");
      // Not by fetch, which waits five minutes for an answer: a month of an hourly entry may take longer.
      const sent = request(`${endpoint}/_lovage/clock`, { method: "POST" }).end(JSON.stringify({ to }));
      const [answer]: IncomingMessage[] = await once(sent, "response");
      if (answer === undefined) return;
      const said = await text(answer);
      if (answer.statusCode !== 200) throw new Error(said.trim());
    },
    async stop(signal = "SIGINT") {
      signalGroup(child, signal);
      return exited;
    },
    leftBehind: () => signalGroup(child, 0),
  };
}

/** @returns false if nobody is in the group any more */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  try {
    return pid !== undefined && process.kill(-pid, signal);
  } catch {
    return false;
  }
}

/** Ports of the loopback interface that nobody listens on now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve) => {
          const server = createServer().listen(0, "127.0.0.1", () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === "object" && address ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
