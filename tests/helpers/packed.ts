import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { ROOT, WORK_FOLDER } from "../../build/paths.ts";
import { freePorts } from "../../localstack/service.ts";

const run = promisify(execFile);

export interface Packed {
  folder: string;
  /** Paths of the tarballs. */
  lovage: string;
  createLovage: string;
}

/** Packs this repository into a folder of its own. */
export async function pack(): Promise<Packed> {
  await mkdir(WORK_FOLDER, { recursive: true });
  const folder = await mkdtemp(join(WORK_FOLDER, "packed-"));
  const { stdout } = await run("node", ["build/pack.ts", folder], { cwd: ROOT });
  const [lovage = "", createLovage = ""] = stdout.trim().split("\n");
  return { folder, lovage, createLovage };
}

/** Puts a tarball into the node_modules of a folder, and beside it whatever this repository has installed. */
export async function install(tarball: string, folder: string): Promise<void> {
  const modules = join(folder, "node_modules");
  const own = join(modules, "lovage");
  await mkdir(own, { recursive: true });
  await run("tar", ["-xzf", tarball, "--strip-components=1", "-C", own]);
  for (const name of await readdir(join(ROOT, "node_modules"))) {
    if (name !== "lovage") await symlink(join(ROOT, "node_modules", name), join(modules, name));
  }
}

/**
 * `serverless offline start` in a service's folder, as its user calls it.
 * @param variables of its environment, beside this process's own
 * @throws Error with what it printed, if it ends too early
 */
export async function start(
  service: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<{ url: string; stop(): Promise<void> }> {
  const [PORT, LAMBDA_PORT, LOVAGE_CLOUD_PORT] = (await freePorts(3)).map(String);
  const child = spawn(join(ROOT, "node_modules/.bin/serverless"), ["offline", "start"], {
    cwd: service,
    env: { ...process.env, PORT, LAMBDA_PORT, LOVAGE_CLOUD_PORT, ...variables },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const lines: string[] = [];
  const output = createInterface({ input: child.stdout });
  const isReady = await new Promise<boolean>((resolve) => {
    output.on("line", (line) => {
      lines.push(line);
      if (line.startsWith("Lovage is ready at")) resolve(true);
    });
    output.once("close", () => resolve(false));
  });
  if (!isReady) throw new Error(`The service did not start:\n${lines.join("\n")}`);
  return {
    url: `http://127.0.0.1:${PORT}`,
    async stop() {
      child.kill("SIGINT");
      await ended;
    },
  };
}
