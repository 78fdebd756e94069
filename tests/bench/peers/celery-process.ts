/** Celery's sender or worker as a process of the benchmark: `celery-process.ts <sender | worker>`. */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { answer, cpuOf } from "../child.ts";
import { python } from "./celery.ts";

const SCRIPT = "celery_side";
/** The best setting of those that do not stall: two prefork children that share a socket wait for it for a minute at a time. */
const THREADS = 8;

const options = { cwd: import.meta.dirname, env: process.env };

function startSender() {
  const child = spawn(python, [`${SCRIPT}.py`], options);
  const waiting: ((value: unknown) => void)[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => waiting.shift()?.(JSON.parse(line).value));
  child.stderr.on("data", (text) => process.stderr.write(text));
  child.once("exit", () => process.exit());
  const ask = (name: string, count: number) =>
    new Promise<unknown>((resolve) => {
      waiting.push(resolve);
      child.stdin.write(`${JSON.stringify({ name, count })}\n`);
    });
  const commands = {
    cpu: async () => cpuOf(child),
    send: (count: number) => ask("send", count),
    latency: (count: number) => ask("latency", count),
    get: (count: number) => ask("get", count),
  };
  return { child, commands };
}

function startWorker() {
  const settings = ["--pool", "threads", "--concurrency", `${THREADS}`, "--loglevel", "INFO"];
  const quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"];
  const child = spawn(python, ["-m", "celery", "-A", SCRIPT, "worker", ...settings, ...quiet], options);
  let said = "";
  const ready = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (text) => {
        said = `${said}${text}`.slice(-10_000);
        if (/ ready\./.test(said)) resolve();
      });
    }
    child.once("exit", () => {
      process.stderr.write(said);
      process.exit();
    });
  });
  const commands = {
    cpu: async () => cpuOf(child),
    async start() {
      child.kill("SIGCONT");
      await ready;
    },
    /** It has no way to rest but to be stopped. */
    async stop() {
      await ready;
      child.kill("SIGSTOP");
    },
  };
  return { child, commands };
}

const { child, commands } = process.argv[2] === "worker" ? startWorker() : startSender();
answer(commands, () => {
  child.kill("SIGKILL");
  process.exit();
});
