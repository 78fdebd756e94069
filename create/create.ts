#!/usr/bin/env node
/**
 * `npm create lovage`: makes a service of a few files in a new folder, from the template beside it. It calls no network: the installation
 * is the package manager's.
 */

import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";

/** Choices that are a file of tasks each, and how a person is asked about them. */
const PARTS: Readonly<Record<string, string>> = {
  email: "Send mails?",
  uploads: "Process uploaded files?",
  beat: "Run tasks on a schedule?",
  workflows: "Join tasks to workflows?",
  fifo: "Keep the order of tasks within a group?",
};
const USAGE = `Usage: npm create lovage@latest <folder> -- [--include ${Object.keys(PARTS).join(",")}]`;
/** Names on AWS begin with the service's: the longest, a bucket's with stage and account, has 63 characters. */
const NAME = /^[a-z][a-z0-9-]{0,27}$/;
const HERE = import.meta.dirname;

interface Versions {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
}

interface Choice {
  folder: string;
  parts: readonly string[];
}

try {
  const choice = await choose(process.argv.slice(2));
  if (choice === undefined) console.log(USAGE);
  else create(choice);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

/** @returns undefined where only the usage is asked for */
async function choose(args: string[]): Promise<Choice | undefined> {
  const { values, positionals } = readArguments(args);
  if (values.help) return undefined;
  const [folder, ...more] = positionals;
  if (more.length > 0) throw new Error(`Folder '${more[0]}' is one too many: expected one. ${USAGE}`);
  if (folder !== undefined) return { folder, parts: readParts(values.include ?? "") };
  if (!process.stdin.isTTY) throw new Error(`No folder is named: expected one. ${USAGE}`);
  return ask();
}

function readArguments(args: string[]) {
  try {
    return parseArgs({
      args,
      options: { include: { type: "string" }, help: { type: "boolean", short: "h" } },
      allowPositionals: true,
    });
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message.split(". ")[0] : error}. ${USAGE}`, { cause: error });
  }
}

function readParts(text: string): string[] {
  const parts = text.split(",").filter((part) => part !== "");
  const unknown = parts.find((part) => !Object.hasOwn(PARTS, part));
  if (unknown === undefined) return parts;
  throw new Error(`Part '${unknown}' is not known: expected ${Object.keys(PARTS).join(", ")}. ${USAGE}`);
}

async function ask(): Promise<Choice> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // Ctrl-C and Ctrl-D close it, and a question would wait for ever.
  const closed = new AbortController();
  terminal.once("close", () => closed.abort());
  const answerTo = async (question: string): Promise<string> =>
    (await terminal.question(question, { signal: closed.signal })).trim();
  try {
    let folder = "";
    while (folder === "") {
      folder = (await answerTo("Name of the service (tasks): ")) || "tasks";
      const fault = faultOf(folder);
      if (fault === undefined) continue;
      console.log(fault);
      folder = "";
    }
    const parts: string[] = [];
    for (const [part, question] of Object.entries(PARTS)) {
      if (/^y(es)?$/i.test(await answerTo(`${question} (y/N) `))) parts.push(part);
    }
    return { folder, parts };
  } catch (error) {
    throw new Error("\nNothing was made: the questions were not answered to their end.", { cause: error });
  } finally {
    terminal.close();
  }
}

/** The sentence that refuses a name which AWS would refuse, and a folder that has something in it. */
function faultOf(folder: string): string | undefined {
  const path = resolve(folder);
  const name = basename(path);
  if (!NAME.test(name)) {
    return `Name '${name.slice(0, 60)}' cannot be a service's: expected 1 to 28 small letters, digits and hyphens, a letter first, for it begins the names of queues and functions. Choose another folder.`;
  }
  if (!existsSync(path)) return undefined;
  if (!statSync(path).isDirectory())
    return `'${folder}' is a file: expected a new or an empty folder. Choose another one.`;
  if (readdirSync(path).length === 0) return undefined;
  return `Folder '${folder}' has something in it: expected a new or an empty one. Choose another folder.`;
}

/** @throws Error for a folder that cannot be a service's */
function create({ folder, parts }: Choice): void {
  const fault = faultOf(folder);
  if (fault !== undefined) throw new Error(fault);
  const path = resolve(folder);
  const name = basename(path);
  mkdirSync(path, { recursive: true });
  cpSync(join(HERE, "template"), path, { recursive: true });
  // npm leaves a file of this name out of a package.
  renameSync(join(path, "_gitignore"), join(path, ".gitignore"));
  for (const part of Object.keys(PARTS)) {
    if (!parts.includes(part)) rmSync(join(path, "handlers", "tasks", `${part}.ts`));
  }
  for (const file of ["serverless.yml", "README.md"]) {
    const text = readFileSync(join(path, file), "utf8");
    writeFileSync(join(path, file), text.replaceAll("__NAME__", name));
  }
  const versions: Versions = JSON.parse(readFileSync(join(HERE, "versions.json"), "utf8"));
  writeFileSync(join(path, "package.json"), `${JSON.stringify(manifest(name, versions), null, 2)}\n`);
  const agent = process.env.npm_config_user_agent ?? "";
  for (const [file, text] of settingsOf(agent, path, versions)) writeFileSync(join(path, file), text);
  const manager = /^(npm|pnpm|yarn|bun)\//.exec(agent)?.[1] ?? "npm";
  console.log(`Service ${name} is in ${path}. Next:\n\n  cd ${folder}\n  ${manager} install\n  ${manager} run demo\n`);
}

/** Settings of a package manager beside package.json, without which its installation fails or is of no use. */
function settingsOf(agent: string, path: string, { allowScripts }: Versions): [file: string, text: string][] {
  // Yarn 2 and newer have no node_modules of themselves, which bundling and the framework need.
  if (/^yarn\/([2-9]|\d\d)/.test(agent)) return [[".yarnrc.yml", "nodeLinker: node-modules\n"]];
  // pnpm ends with an error where a package's script is neither allowed nor refused. In a workspace its root says it.
  if (!agent.startsWith("pnpm/") || isWithin(path, "pnpm-workspace.yaml")) return [];
  const lines = Object.entries(allowScripts).map(([name, isAllowed]) => `  "${name}": ${isAllowed}\n`);
  return [["pnpm-workspace.yaml", `allowBuilds:\n${lines.join("")}`]];
}

/** Whether a folder, or one above it, has a file of this name. */
function isWithin(folder: string, file: string): boolean {
  return existsSync(join(folder, file)) || (dirname(folder) !== folder && isWithin(dirname(folder), file));
}

function manifest(name: string, versions: Versions): object {
  return {
    name,
    private: true,
    type: "module",
    engines: { node: ">=22.18" },
    scripts: {
      demo: "node demo.ts",
      start: "serverless offline start",
      test: "vitest run",
      types: "tsc",
      deploy: "lovage deploy",
    },
    ...versions,
  };
}
