import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { ROOT } from "../../build/paths.ts";

/** The emulators in a process of their own, which can be killed and comes back on the same port. */
export interface Cloud {
  endpoint: string;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Resolves when it answers again. */
  start(): Promise<void>;
}

/** Below the ports that outgoing connections get: while the cloud is down, none of them may take its port. */
const FIRST_PORT = 20_000;
const PORTS = 10_000;

/** @param dataDir keeps its data there; absent: in memory */
export async function startCloud(dataDir?: string): Promise<Cloud> {
  const port = await freePort();
  const data = dataDir === undefined ? [] : ["--data", dataDir];
  let child: ChildProcess | undefined;

  const start = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const started = spawn(process.execPath, ["localstack/serve.ts", "--port", String(port), ...data], {
        cwd: ROOT,
        stdio: ["ignore", "pipe", "inherit"],
      });
      child = started;
      started.stdout.once("data", () => resolve());
      started.once("exit", (code) => reject(new Error(`The emulators ended with code ${code}.`)));
    });
  await start();
  return {
    endpoint: `http://127.0.0.1:${port}`,
    start,
    kill: () =>
      new Promise((resolve) => {
        child?.once("exit", () => resolve());
        child?.kill("SIGKILL");
      }),
  };
}

/** Begins at a place of this process's own, since tests run side by side. */
async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS; tries += 1) {
    const port = FIRST_PORT + ((process.pid * 7 + tries) % PORTS);
    if (await isFree(port)) return port;
  }
  throw new Error(`No port between ${FIRST_PORT} and ${FIRST_PORT + PORTS} is free.`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
