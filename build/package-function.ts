import { execFile } from "node:child_process";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { build, type Metafile } from "esbuild";
import { type Zippable, zipSync } from "fflate";
import { bundleOptions, ROOT, WORK_FOLDER } from "./bundle.ts";

/** A fixed time in every zip, so that the same code is the same file and nothing is deployed that did not change. */
const EPOCH = new Date("1980-01-02T00:00:00Z");

/**
 * Bundles one function and zips it with native packages beside the bundle. Answers with the zip's path.
 * @param native packages that the function runs; a bundle which only carries the schemas of tasks that do needs none.
 *   Those that no module of the bundle imports are left out
 */
export async function packageFunction(
  name: string,
  handler: string,
  taskFolders: readonly string[],
  native: readonly string[],
): Promise<string> {
  const folder = join(WORK_FOLDER, "package", name);
  await rm(folder, { recursive: true, force: true });
  const { metafile } = await build({ ...bundleOptions(handler, folder, taskFolders), metafile: true });

  const files: Zippable = {};
  await addFolder(files, folder, "");
  for (const wanted of native.filter((name) => imports(metafile, name))) {
    await addFolder(files, join(await installNative(wanted), "node_modules"), "node_modules/");
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

/** Installs the version that the lock file holds for Linux on arm64, whatever this machine is; once. */
async function installNative(name: string): Promise<string> {
  const lock: { packages: Record<string, { version?: string } | undefined> } = JSON.parse(
    await readFile(join(ROOT, "package-lock.json"), "utf8"),
  );
  const version = lock.packages[`node_modules/${name}`]?.version;
  if (version === undefined)
    throw new Error(`Package '${name}' is not in package-lock.json: install it with npm install ${name}.`);
  const folder = join(WORK_FOLDER, "native", `${name}-${version}-linux-arm64`);
  const done = join(folder, ".done");
  try {
    await readFile(done);
    return folder;
  } catch {
    // Not installed yet, or an earlier installation was cut short.
  }
  await rm(folder, { recursive: true, force: true });
  const npm = promisify(execFile);
  const target = ["--os=linux", "--cpu=arm64", "--libc=glibc"];
  await npm("npm", [
    "install",
    "--prefix",
    folder,
    "--no-audit",
    "--no-fund",
    "--ignore-scripts",
    ...target,
    `${name}@${version}`,
  ]);
  await writeFile(done, "");
  return folder;
}
