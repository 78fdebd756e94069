/**
 * `npm run pack`: makes the package `lovage` of this repository, in `.lovage/pack/`, and its tarball beside it: JavaScript with
 * declarations and maps, the dashboard built for browsers, and a manifest that names what each part imports. `create-lovage` comes with
 * it (docs/decisions/0059-package.md). An argument names another folder below this repository in the place of `.lovage`.
 */

import { execFile } from "node:child_process";
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { parseDocument } from "yaml";
import { buildDashboard, DASHBOARD_FILE } from "./dashboard-module.ts";
import { DECLARATION_FILE } from "./own-declaration.ts";
import { packCreate } from "./pack-create.ts";
import { ROOT, WORK_FOLDER } from "./paths.ts";

const run = promisify(execFile);

const TARGET = resolve(process.argv[2] ?? WORK_FOLDER);
const FOLDER = join(TARGET, "pack");
const CREATE_FOLDER = join(TARGET, "pack-create");
/** Files that are taken as they are. */
const COPIES = ["LICENSE", "README.md", "CHANGELOG.md", "localstack/lambda/http-proxy.mjs"];
/** A runner of tests, and the framework with its plugin: the user has them, in a version of his own. */
const PEERS = { serverless: "*", "serverless-offline": ">=14.8", vitest: ">=3" };
/** Packages of types that declarations name. */
const TYPES: Readonly<Record<string, string>> = { "aws-lambda": "@types/aws-lambda", nodemailer: "@types/nodemailer" };

/** Tags of CloudFormation, in its long form. */
const INTRINSICS = [
  { tag: "!Ref", resolve: (name: string) => ({ Ref: name }) },
  { tag: "!Sub", resolve: (text: string) => ({ "Fn::Sub": text }) },
  { tag: "!GetAtt", resolve: (place: string) => ({ "Fn::GetAtt": place.split(".") }) },
];

interface Manifest {
  exports: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
  version: string;
  license: string;
  [field: string]: unknown;
}

/** The modules that the build makes up: `"types": ["node", "lovage/modules"]` tells a service's compiler. */
const MODULES = `/** Every module of the task folders: a new file there needs no entry. */
declare module "lovage:tasks" {
  export const modules: readonly import("lovage").TaskModule[];
}
/** The same modules, loaded when one of their tasks is asked for. */
declare module "lovage:tasks/lazy" {
  export const modules: readonly (import("lovage").TaskModule | import("lovage").LazyTaskModule)[];
}
/** The files of the dashboard. */
declare module "lovage:dashboard" {
  export const files: import("lovage").DashboardFiles;
}
`;

for (const folder of [FOLDER, CREATE_FOLDER]) await rm(folder, { recursive: true, force: true });
await compile();
for (const file of COPIES) {
  await mkdir(dirname(join(FOLDER, file)), { recursive: true });
  await copyFile(join(ROOT, file), join(FOLDER, file));
}
await writeFile(join(FOLDER, "modules.d.ts"), MODULES);
await mkdir(dirname(join(FOLDER, DASHBOARD_FILE)), { recursive: true });
await writeFile(join(FOLDER, DASHBOARD_FILE), JSON.stringify((await buildDashboard()).files));
await writeFile(join(FOLDER, DECLARATION_FILE), JSON.stringify(await declaration()));
const source: Manifest = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
const packed = await manifest(source);
await writeFile(join(FOLDER, "package.json"), `${JSON.stringify(packed, null, 2)}\n`);
const { serverless, "serverless-offline": offline, vitest, ...pinned } = packed.peerDependencies;
await packCreate(CREATE_FOLDER, source, pinned);
for (const cwd of [FOLDER, CREATE_FOLDER]) {
  const { stdout } = await run("npm", ["pack", "--pack-destination", TARGET], { cwd });
  console.log(join(TARGET, stdout.trim().split("\n").at(-1) ?? ""));
}

/** Compiles by a configuration of its own, which is the repository's with an output. */
async function compile(): Promise<void> {
  const config = join(TARGET, "tsconfig.pack.json");
  await mkdir(TARGET, { recursive: true });
  const compilerOptions = {
    noEmit: false,
    rootDir: ROOT,
    outDir: FOLDER,
    declaration: true,
    sourceMap: true,
    // Maps carry the sources, which are not in the package.
    inlineSources: true,
    rewriteRelativeImportExtensions: true,
  };
  const include = ["shared", "build", "cli", "localstack", "handlers/*.ts"].map((part) => join(ROOT, part));
  const exclude = ["shared/dashboard", "build/pack.ts", "build/pack-create.ts"].map((part) => join(ROOT, part));
  await writeFile(config, JSON.stringify({ extends: join(ROOT, "tsconfig.json"), compilerOptions, include, exclude }));
  await run(join(ROOT, "node_modules", ".bin", "tsc"), ["-p", config]);
  for (const file of await filesOf(FOLDER, ".d.ts")) {
    // The compiler leaves `.ts` in declarations (microsoft/TypeScript#61037).
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replaceAll(/(["'])(\.{1,2}\/[^"']+)\.ts\1/g, "$1$2.js$1"));
  }
}

/** serverless.yml for services: without what is the service's own, and without the examples. */
async function declaration(): Promise<object> {
  const text = await readFile(join(ROOT, "serverless.yml"), "utf8");
  const document = parseDocument(text, { merge: true, customTags: INTRINSICS });
  for (const problem of [...document.errors, ...document.warnings]) throw problem;
  for (const own of ["service", "frameworkVersion", "plugins"]) document.delete(own);
  document.deleteIn(["functions", "view"]);
  document.setIn(["params", "default", "taskFolders"], ["handlers/tasks"]);
  document.deleteIn(["params", "production", "taskFolders"]);
  return document.toJS();
}

async function filesOf(folder: string, ending: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true });
  return entries.filter((name) => name.endsWith(ending)).map((name) => join(folder, name));
}

/** The package's manifest, but for its optional peers, which come beside it. */
async function manifest(source: Manifest) {
  const { name, version, description, license, type, engines } = source;
  const versions = { ...source.devDependencies, ...source.dependencies };
  const pinned = (names: Iterable<string>): Record<string, string> =>
    Object.fromEntries(
      [...names].sort().map((one) => {
        const at = versions[one];
        if (at === undefined)
          throw new Error(`Package '${one}' is imported, and no dependency: add it to package.json.`);
        return [one, at];
      }),
    );
  const engine = await importsOf("shared");
  const tools = (await Promise.all(["build", "cli", "localstack"].map(importsOf))).flatMap((names) => [...names]);
  const dependencies = pinned(new Set([...engine].filter((one) => !(one in PEERS))));
  const development = pinned(new Set(tools.filter((one) => !(one in PEERS || one in dependencies))));
  const peers = { ...development, ...PEERS };
  const places = Object.entries(source.exports).map(([path, file]) => [path, compiled(file)] as const);
  return {
    name,
    version,
    description,
    license,
    type,
    engines,
    exports: { ...Object.fromEntries(places), "./modules": { types: "./modules.d.ts" } },
    bin: { lovage: "./cli/lovage.js" },
    sideEffects: ["./shared/app.js"],
    dependencies,
    peerDependencies: peers,
    // An application that only sends tasks, and a deployed function, need none of them.
    peerDependenciesMeta: Object.fromEntries(Object.keys(peers).map((one) => [one, { optional: true }])),
  };
}

function compiled(file: string): string | { types: string; default: string } {
  if (!file.endsWith(".ts")) return file;
  const stem = file.slice(0, -".ts".length);
  return { types: `${stem}.d.ts`, default: `${stem}.js` };
}

/** The packages that the compiled modules of a room import, and those that its declarations name. */
async function importsOf(room: string): Promise<Set<string>> {
  const folder = join(FOLDER, room);
  const { metafile } = await build({
    entryPoints: await filesOf(folder, ".js"),
    outdir: FOLDER,
    bundle: true,
    write: false,
    metafile: true,
    packages: "external",
    external: ["lovage:*"],
    platform: "node",
    format: "esm",
    logLevel: "silent",
  });
  const imported = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  const texts = await Promise.all((await filesOf(folder, ".d.ts")).map((file) => readFile(file, "utf8")));
  const named = texts.flatMap((text) => [...text.matchAll(/from "([^".][^"]*)"/g)].map(([, path = ""]) => path));
  const isPackage = (path: string): boolean => /^[@a-z]/.test(path) && !/^(node|lovage):/.test(path);
  const types = named.filter(isPackage).map((path) => TYPES[packageOf(path)] ?? packageOf(path));
  return new Set([...imported.filter(isPackage).map(packageOf), ...types]);
}

/** `hono/cors` is of `hono`, `@aws-sdk/client-s3` of itself. */
function packageOf(path: string): string {
  return path.split("/", path.startsWith("@") ? 2 : 1).join("/");
}
