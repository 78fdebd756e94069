/** Processes of the cloud tests: started in a group, awaited by their health, and ended with whoever started them. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createConnection, createServer, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** The program, and the sign that it is ready. */
interface Launch {
  /** For error messages. */
  readonly name: string;
  readonly command: readonly string[];
  /** The port of 127.0.0.1 that the peer listens on. */
  readonly port: number;
  /** The path whose answer tells how the peer is. */
  readonly health: string;
  readonly isReady: (health: string, hasSucceeded: boolean) => boolean;
  /** Environment variables; the workspace is a fresh folder that goes with the peer. */
  readonly settings: (workspace: string) => Record<string, string>;
  /** Ports of processes that the peer starts in a group of their own. */
  readonly alsoOpen: readonly number[];
}

/** Runs a command in a process group that ends with it, or when this process does and so closes the standard input. */
const guard = '("$@" </dev/null; kill -KILL 0) & cat >/dev/null; rm -rf "$0"; kill -KILL 0';

/** Starts the peer and waits until it is ready. Its environment holds no variable of ours but the search path. */
export async function start(launch: Launch): Promise<{ stop(): Promise<void> }> {
  const workspace = mkdtempSync(join(tmpdir(), "lovage-peer-"));
  const logFile = join(workspace, "peer.log");
  const log = openSync(logFile, "w");
  const child = spawn("sh", ["-c", guard, workspace, ...launch.command], {
    cwd: workspace,
    detached: true,
    env: { PATH: process.env.PATH, HOME: workspace, LANG: "C.UTF-8", ...launch.settings(workspace) },
    stdio: ["pipe", log, log],
  });
  closeSync(log);
  child.unref();
  if (child.stdin instanceof Socket) child.stdin.unref();
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const kill = () => {
    if (child.pid !== undefined && !hasEnded()) killGroup(child.pid);
  };
  const clear = () => rmSync(workspace, { recursive: true, force: true, maxRetries: 3 });
  const onExit = () => {
    kill();
    clear();
  };
  process.once("exit", onExit);
  const stop = async () => {
    const ended = hasEnded() ? undefined : once(child, "exit");
    child.ref();
    kill();
    await ended;
    await Promise.all([launch.port, ...launch.alsoOpen].map(portClosed));
    process.off("exit", onExit);
    clear();
  };
  try {
    await ready(launch, child);
  } catch (cause) {
    const lastLines = readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-20).join("\n");
    await stop();
    throw new Error(`${launch.name} did not start. The end of its log:\n${lastLines}`, { cause });
  }
  return { stop };
}

/** Polls the health address until the peer says that it is ready, it ends, or two minutes have passed. */
async function ready(launch: Launch, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 120_000;
  let lastAnswer = "no answer";
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error("Its process ended before it was ready.");
    try {
      const response = await fetch(`http://127.0.0.1:${launch.port}${launch.health}`, {
        signal: AbortSignal.timeout(5000),
      });
      lastAnswer = await response.text();
      if (launch.isReady(lastAnswer, response.ok)) return;
    } catch (error) {
      lastAnswer = String(error);
    }
    await pause(100);
  }
  throw new Error(`Not ready within 120 s; the last answer of ${launch.health}: ${lastAnswer.slice(0, 500)}`);
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** A port that was free a moment ago on 127.0.0.1. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("No free port on 127.0.0.1.");
  return address.port;
}

/** Waits until nothing listens on the port any more, so that a stopped peer leaves nothing behind. */
async function portClosed(port: number): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    const socket = createConnection({ port, host: "127.0.0.1" });
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    if (!isOpen) return;
    await pause(50);
  }
  throw new Error(`Port ${port} is still open 10 s after its process was ended.`);
}
