import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rm } from "node:fs/promises";
import { extname, join, relative } from "node:path";
import { build, type Loader, type Plugin } from "esbuild";
import { describeBuildFailure } from "./build-failure.ts";
import { bundleOptions } from "./bundle.ts";
import type { FunctionEnvironment } from "./environments.ts";
import { ownModule, ROOT, WORK_FOLDER } from "./paths.ts";
import type { Declarations, Declared } from "./task-modules.ts";

/** The declarations of a service's tasks. */
export interface Inspection extends Omit<Found, "modules"> {
  /** As they are in any of the environments. */
  declared: Declarations;
}

/** The declarations that one environment gives. */
export interface Found {
  tasks: readonly string[];
  modules: (Declared & { file: string })[];
  /** Sentences about schedules that may surprise. */
  notes: readonly string[];
  schedules: { name: string; schedule: string; timezone: string; input: string }[];
}

/** An error after which the inspector (inspector.ts) could not go on. */
export interface Failure {
  name: string;
  message: string;
  stack?: string;
  /** The module it is about, where the inspector knows. */
  file?: string;
  /** Variables that the module had asked for and not found, the last one last. */
  missing: string[];
  /** A refusal of Lovage's own, which says all. */
  isOwn: boolean;
}

/** A line of the inspector's report. */
export type Report = { importing: string | undefined } | { found: Found } | { error: Failure };

export interface InspectOptions {
  taskFolders: readonly string[];
  environments: readonly FunctionEnvironment[];
  /** How long importing all modules may take. @defaultValue 30 000 */
  timeoutMilliseconds?: number;
}

const TIMEOUT_MILLISECONDS = 30_000;

/**
 * Loads every task module as the functions will, in a process of its own for each environment, and checks what only running them
 * can tell: two tasks of one name, a module without a task, a queue that does not exist, a schedule that AWS would refuse or that
 * never fires, a payload that does not fit its task.
 * @throws Error with the one sentence that says what is wrong, and in which file
 */
export async function inspectTasks(options: InspectOptions): Promise<Inspection> {
  await mkdir(WORK_FOLDER, { recursive: true });
  // A name of its own: packaging and the local cloud may inspect at the same time.
  const outfile = join(WORK_FOLDER, `inspect-${randomUUID()}.mjs`);
  try {
    await bundleInspector(outfile, options.taskFolders);
    const inspections = await Promise.all(
      options.environments.map((environment, index) => inspectIn(environment, outfile, `${outfile}.${index}`, options)),
    );
    const beat = options.environments.findIndex(({ functions }) => functions.includes("beat"));
    const inspection = inspections[Math.max(0, beat)];
    if (inspection === undefined)
      throw new Error("No function of serverless.yml imports 'lovage:tasks': expected one that runs tasks.");
    const { tasks, notes, schedules } = inspection;
    return { tasks, notes, schedules, declared: together(inspections.flatMap(({ modules }) => modules)) };
  } finally {
    await rm(outfile, { force: true });
  }
}

/** The declarations of each module, whatever it makes of the environment. */
function together(modules: Found["modules"]): Declarations {
  const declared = new Map<string, Declared>();
  for (const { file, names, entries } of modules) {
    const before = declared.get(file);
    declared.set(file, {
      names: [...new Set([...(before?.names ?? []), ...names])],
      entries: [...new Set([...(before?.entries ?? []), ...entries])],
    });
  }
  return declared;
}

/** Everything in one file, as a function's bundle has it; no package is looked up where it runs. */
async function bundleInspector(outfile: string, taskFolders: readonly string[]): Promise<void> {
  const { entryPoints, outdir, chunkNames, plugins = [], ...shared } = bundleOptions([], "", { folders: taskFolders });
  try {
    await build({
      ...shared,
      entryPoints: [ownModule("build/inspector")],
      outfile,
      splitting: false,
      minify: false,
      sourcemap: "inline",
      plugins: [...plugins, markModules],
    });
  } catch (error) {
    throw new Error(describeBuildFailure(error));
  }
}

/** Lets each module of the service say that it begins, so that whatever ends the inspection has a name. */
const markModules: Plugin = {
  name: "lovage:mark",
  setup({ onLoad }) {
    onLoad({ filter: /\.[cm]?[jt]sx?$/ }, async ({ path }) => {
      const file = relative(ROOT, path).replaceAll("\\", "/");
      if (/(^|\/)node_modules\/|^(shared|build)\/|^\.\./.test(file)) return undefined;
      const source = await readFile(path, "utf8");
      // On the first line, so that every line keeps its number.
      const mark = `globalThis[Symbol.for("lovage.importing")](${JSON.stringify(file)});`;
      return { contents: mark + source, loader: loaderOf(path) };
    });
  },
};

function loaderOf(path: string): Loader {
  const ending = extname(path);
  if (ending === ".tsx" || ending === ".jsx") return ending === ".tsx" ? "tsx" : "jsx";
  return ending.includes("t") ? "ts" : "js";
}

interface End {
  code: number | null;
  isTimeout: boolean;
  errors: string;
}

async function inspectIn(
  environment: FunctionEnvironment,
  outfile: string,
  reportFile: string,
  { timeoutMilliseconds = TIMEOUT_MILLISECONDS }: InspectOptions,
): Promise<Found> {
  const { PATH = "" } = process.env;
  const end = await new Promise<End>((resolve) => {
    const child = execFile(
      process.execPath,
      ["--enable-source-maps", outfile, reportFile],
      { cwd: ROOT, env: { ...environment.variables, PATH }, timeout: timeoutMilliseconds, killSignal: "SIGKILL" },
      (error, _, errors) => resolve({ code: child.exitCode, isTimeout: error?.killed === true, errors }),
    );
  });
  const text = await readFile(reportFile, "utf8").catch(() => "");
  await rm(reportFile, { force: true });
  let importing: string | undefined;
  for (const line of text.split("\n").filter((one) => one !== "")) {
    const report: Report = JSON.parse(line);
    if ("found" in report) return report.found;
    if ("error" in report) throw new Error(describeFailure(report.error, importing, environment));
    importing = report.importing;
  }
  throw new Error(describeEnd(end, importing ?? "A task module", timeoutMilliseconds));
}

/** A module that ended the process, or never came to its end. */
function describeEnd({ code, isTimeout, errors }: End, file: string, timeoutMilliseconds: number): string {
  if (isTimeout) {
    return `${file} was not imported within ${timeoutMilliseconds / 1000} s: expected a module that only declares. Move what waits into a task's run.`;
  }
  // https://nodejs.org/api/process.html#exit-codes
  if (code === 13) {
    return `${file} is never imported to its end, for its top-level 'await' waits for what does not come: expected a module that only declares. Move what waits into a task's run.`;
  }
  const [reason] = errors.split("\n").filter((line) => /Error|error|fatal|not allowed/.test(line));
  return `${file} ends the process (exit code ${code ?? "none, a signal"}) when it is imported${reason ? ` (${reason.trim().slice(0, 200)})` : ""}: expected a module that only declares. Remove process.exit, or move it into a task's run.`;
}

function describeFailure(failure: Failure, importing: string | undefined, { functions }: FunctionEnvironment): string {
  const { name, message, isOwn } = failure;
  const place = failure.file ?? (importing && (placeOf(failure.stack) ?? importing));
  if (isOwn) return place ? `${place}: ${message}` : message;
  if (importing === undefined) return `${place ?? "The task modules"} could not be checked (${name}: ${message}).`;
  const sentence = `${place} throws when it is imported: ${name}: ${message.replaceAll(/\s*\n\s*/g, " ").slice(0, 500)}`;
  const variable = failure.missing.findLast((one) => message.includes(one)) ?? failure.missing.at(-1);
  const ended = /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
  if (variable === undefined) return `${ended} Move what can fail into a task's run.`;
  const shell = process.env[variable] === undefined ? "" : ", for your shell's variables are not a function's";
  return `${ended} It reads ${variable}, which is not set for ${functions.map((one) => `'${one}'`).join(", ")}: set it under provider.environment in serverless.yml (${variable}: \${env:${variable}})${shell}, or read it in a task's run.`;
}

/** The innermost line of the service's own code in a stack, or of a package; `handlers/tasks/mail.ts:7`. */
function placeOf(stack = ""): string | undefined {
  const frames = [...stack.matchAll(/(?:file:\/\/)?(\/[^\s():]+|[A-Za-z]:[\\/][^\s():]+):(\d+):\d+/g)];
  const places = frames.map(([, path = "", line]) => ({ file: relative(ROOT, path).replaceAll("\\", "/"), line }));
  const own = places.find(({ file }) => !/^(\.\.|shared\/|build\/|\.lovage\/inspect-[^/]+$)|node_modules\//.test(file));
  return own && `${own.file}:${own.line}`;
}
