import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import { build, type Metafile } from "esbuild";
import { type Zippable, zipSync } from "fflate";
import { bundleOptions } from "./bundle.ts";
import { ROOT, WORK_FOLDER } from "./paths.ts";
import type { TaskSource } from "./task-modules.ts";

/** A fixed time in every zip, so that the same code is the same file and nothing is deployed that did not change. */
const EPOCH = new Date("1980-01-02T00:00:00Z");

/** The processor of each architecture of Lambda, in npm's words. https://docs.aws.amazon.com/lambda/latest/dg/foundation-arch.html */
const PROCESSORS: Readonly<Record<string, string | undefined>> = { arm64: "arm64", x86_64: "x64" };

/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#function-configuration-deployment-and-execution */
const MAX_UNZIPPED_BYTES = 262_144_000;

export interface PackageOptions {
  name: string;
  handler: string;
  tasks: TaskSource;
  /**
   * Native packages that the function runs; a bundle which only carries the schemas of tasks that do needs none. Those that no module
   * of the bundle imports are left out.
   */
  native: readonly string[];
  /** `arm64` or `x86_64`: the processor that the function runs on. */
  architecture: string;
}

/**
 * Bundles one function and zips it with native packages beside the bundle. Answers with the zip's path.
 * @throws Error for an architecture that Lambda does not have, a package that cannot be installed, and a function that is too large
 */
export async function packageFunction(options: PackageOptions): Promise<string> {
  const { name, handler, tasks, native, architecture } = options;
  const processor = PROCESSORS[architecture];
  if (processor === undefined) {
    throw new Error(
      `Function '${name}' has the architecture '${architecture}': expected ${Object.keys(PROCESSORS).join(" or ")}. Set it under 'provider' or under the function in serverless.yml.`,
    );
  }
  const folder = join(WORK_FOLDER, "package", name);
  await rm(folder, { recursive: true, force: true });
  const { metafile } = await build({ ...bundleOptions([handler], folder, tasks), metafile: true });

  const files: Zippable = {};
  await addFolder(files, folder, "");
  for (const wanted of native.filter((one) => imports(metafile, one))) {
    await addFolder(files, join(await installNative(wanted, processor), "node_modules"), "node_modules/");
  }
  const bytes = Object.values(files).reduce((sum, file) => sum + (file instanceof Uint8Array ? file.byteLength : 0), 0);
  if (bytes > MAX_UNZIPPED_BYTES) {
    throw new Error(
      `Function '${name}' is ${bytes} bytes unzipped: Lambda accepts at most ${MAX_UNZIPPED_BYTES}. Import large packages in fewer functions, or remove native packages from custom.native.`,
    );
  }
  const artifact = join(WORK_FOLDER, "package", `${name}.zip`);
  await writeFile(artifact, zipSync(files, { mtime: EPOCH }));
  return artifact;
}

/** Whether a module of the bundle imports the package, which is left out of it. */
function imports({ outputs }: Metafile, name: string): boolean {
  const paths = Object.values(outputs).flatMap((output) => output.imports.map(({ path }) => path));
  return paths.some((path) => path === name || path.startsWith(`${name}/`));
}

async function addFolder(files: Zippable, folder: string, prefix: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const path of paths.sort()) {
    if (path.includes(`${folder}/.`)) continue;
    files[prefix + relative(folder, path).replaceAll("\\", "/")] = new Uint8Array(await readFile(path));
  }
}

/** Installs the version that the service has installed for Linux on `processor`, whatever this machine is; once. */
async function installNative(name: string, processor: string): Promise<string> {
  const version = installedVersion(name);
  const folder = join(WORK_FOLDER, "native", `${name}-${version}-linux-${processor}`);
  const done = join(folder, ".done");
  try {
    await readFile(done);
    return folder;
  } catch {
    // Not installed yet, or an earlier installation was cut short.
  }
  await rm(folder, { recursive: true, force: true });
  const target = ["--os=linux", `--cpu=${processor}`, "--libc=glibc"];
  const quiet = ["--no-audit", "--no-fund", "--ignore-scripts"];
  try {
    await promisify(execFile)("npm", ["install", "--prefix", folder, ...quiet, ...target, `${name}@${version}`]);
  } catch (error) {
    const said =
      typeof error === "object" && error !== null && "stderr" in error ? String(error.stderr) : String(error);
    const reason = said.replaceAll(/\s+/g, " ").trim().slice(0, 300);
    throw new Error(
      `Package ${name}@${version} could not be installed for Linux on ${processor} (${reason}): expected npm to reach its registry. Try again online; it is kept in ${relative(ROOT, join(WORK_FOLDER, "native"))} afterwards.`,
    );
  }
  await writeFile(done, "");
  return folder;
}

/** Read from the package itself, the nearest from the service's folder up, so that every package manager's lock file will do. */
function installedVersion(name: string): string {
  for (let folder = ROOT; ; folder = dirname(folder)) {
    const manifest = join(folder, "node_modules", name, "package.json");
    if (existsSync(manifest)) return String(JSON.parse(readFileSync(manifest, "utf8")).version);
    if (folder === dirname(folder)) break;
  }
  throw new Error(
    `Package '${name}' is not installed in the service's folder or above it: install it there, with npm install ${name}.`,
  );
}
