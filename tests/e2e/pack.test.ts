import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { unzipSync } from "fflate";
import { publint } from "publint";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../../build/paths.ts";
import { createClient } from "../../localstack/client.ts";
import { install, type Packed, pack, start } from "../helpers/packed.ts";

const run = promisify(execFile);

/** A service that has the package in node_modules, and beside it what this repository has installed. */
let service: string;
let packed: Packed;

const contents = (): string => join(packed.folder, "pack");

const TASK = `import { beatSchedule, chain, chord, crontab, each, group, task } from "lovage";
import * as z from "zod";

export const add = task({ name: "add", payload: z.object({ x: z.number(), y: z.number() }), run: ({ x, y }) => x + y });
export const bill = task({
  name: "bill",
  versions: [{ schema: z.object({ a: z.string() }), upgrade: ({ a }) => ({ b: a }) }],
  payload: z.object({ b: z.string() }),
  run: ({ b }) => b,
});
export const list = task({ name: "list", payload: z.object({ length: z.number() }), run: ({ length }) => [length] });
export const sum = task({ name: "sum", payload: z.object({ all: z.array(z.number()) }), run: ({ all }) => all.length });
export const twice = chain(add.s({ x: 1, y: 1 }), add.s({ y: 1 }).into("x"));
export const both = group([add.s({ x: 1, y: 1 }), add.s({ x: 2, y: 2 })], { policy: "collect" });
export const summed = chord([add.s({ x: 1, y: 1 })], sum.s().into("all"));
export const spread = chain(list.s({ length: 2 }), each(add.s({ y: 1 }).into("x")), sum.s().into("all"));
export const schedule = beatSchedule({ daily: { task: add, payload: { x: 1, y: 1 }, schedule: crontab({ hour: 8, minute: 0 }) } });
`;
const DECLARATION = `service: invoices
frameworkVersion: "4"
plugins: [lovage/serverless, serverless-offline]
provider: { name: aws, stage: local, versionFunctions: false }
`;
const KIT = `import assert from "node:assert";
import { testApp } from "lovage/testing";
import { add } from "../handlers/tasks/math.ts";

const app = await testApp({ tasks: { add } });
const result = await add.delay({ x: 4, y: 6 });
await app.drain();
assert.equal(await result.get(), 10);
console.log("ten");
`;

beforeAll(async () => {
  packed = await pack();
  service = await mkdtemp(join(tmpdir(), "lovage-service-"));
  const write = async (file: string, text: string): Promise<void> => {
    await mkdir(dirname(join(service, file)), { recursive: true });
    await writeFile(join(service, file), text);
  };
  await install(packed.lovage, service);
  await write("serverless.yml", DECLARATION);
  await write("package.json", JSON.stringify({ name: "invoices", private: true, type: "module" }));
  await write("handlers/tasks/math.ts", TASK);
  await write("tests/kit.ts", KIT);
}, 300_000);
afterAll(async () => {
  for (const folder of [packed.folder, service]) await rm(folder, { recursive: true, force: true });
});

describe("the package", () => {
  it("depends on what the engine imports, and on nothing else", async () => {
    const { dependencies, peerDependencies, peerDependenciesMeta } = JSON.parse(
      await readFile(join(contents(), "package.json"), "utf8"),
    );

    expect(Object.keys(dependencies)).toEqual([
      "@aws-sdk/client-dynamodb",
      "@aws-sdk/client-s3",
      "@aws-sdk/client-sesv2",
      "@aws-sdk/client-sqs",
      "@aws-sdk/s3-presigned-post",
      "@aws-sdk/s3-request-presigner",
      "@standard-schema/spec",
      "@types/aws-lambda",
      "hono",
      "leven",
      "nodemailer",
      "suncalc",
      "uuidv7",
    ]);
    for (const name of Object.keys(peerDependencies)) expect(peerDependenciesMeta[name]).toEqual({ optional: true });
  });

  it("has no source, and no declaration that names one", async () => {
    const files = (await readdir(contents(), { recursive: true })).filter((name) => /\.[cm]?tsx?$/.test(name));
    expect(files.filter((name) => !name.endsWith(".d.ts"))).toEqual([]);
    const texts = await Promise.all(files.map((name) => readFile(join(contents(), name), "utf8")));
    expect(texts.filter((text) => /["']\.{1,2}\/[^"']+\.ts["']/.test(text))).toEqual([]);
  });

  it("is without a finding of publint", async () => {
    expect((await publint({ pkgDir: contents(), pack: "npm" })).messages).toEqual([]);
  });

  it("is without a finding of attw, for a package of ES modules", async () => {
    const analysis = await checkPackage(createPackageFromTarballData(await readFile(packed.lovage)));
    const problems = "problems" in analysis ? analysis.problems : ["The package has no types."];
    // Findings that only a CommonJS module and the oldest resolution meet: its profile esm-only leaves them out, too.
    const isOfOld = (problem: object): boolean =>
      ("resolutionKind" in problem && ["node10", "node16-cjs"].includes(String(problem.resolutionKind))) ||
      ("resolutionOption" in problem && problem.resolutionOption === "node10");
    expect(problems.filter((problem) => typeof problem === "string" || !isOfOld(problem))).toEqual([]);
  });
});

describe("the command of the package", () => {
  const lovage = (...words: string[]): Promise<{ stdout: string; stderr: string; code?: number }> =>
    run("node", [join(contents(), "cli/lovage.js"), ...words]).catch((error) => error);

  it("says what it can do, and refuses what it cannot with exit code 2", async () => {
    const { bin } = JSON.parse(await readFile(join(contents(), "package.json"), "utf8"));
    expect(bin).toEqual({ lovage: "./cli/lovage.js" });
    expect((await readFile(join(contents(), "cli/lovage.js"), "utf8")).startsWith("#!/usr/bin/env node")).toBe(true);

    expect((await lovage("--help")).stdout).toMatch(/^lovage doctor .*\n.*\nlovage types /s);
    expect(await lovage()).toMatchObject({ code: 2, stderr: expect.stringContaining("lovage doctor") });
    expect(await lovage("cure")).toMatchObject({ code: 2 });
    expect(await lovage("doctor")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("Expected: lovage doctor"),
    });
    expect(await lovage("doctor", "http://127.0.0.1:1", "--fast")).toMatchObject({ code: 2 });
  });
});

describe("a service with the package", () => {
  it.each([
    ["the newest TypeScript, node16", "typescript", { module: "node16" }],
    ["the newest TypeScript, bundler", "typescript", { module: "esnext", moduleResolution: "bundler" }],
    ["TypeScript 5.6, node16", "@arethetypeswrong/core/node_modules/typescript", { module: "node16" }],
    [
      "TypeScript 5.6, bundler",
      "@arethetypeswrong/core/node_modules/typescript",
      { module: "esnext", moduleResolution: "bundler" },
    ],
  ])("compiles under %s, with declarations of its own", async (_, compiler, options) => {
    const compilerOptions = {
      target: "es2022",
      lib: ["es2023"],
      types: ["node", "lovage/modules"],
      strict: true,
      // Declarations of hono need a newer one than 5.6.
      skipLibCheck: compiler !== "typescript",
      allowImportingTsExtensions: true,
      declaration: true,
      emitDeclarationOnly: true,
      outDir: "out",
      ...options,
    };
    const config = `tsconfig.${compiler.length}.${options.module}.json`;
    await writeFile(join(service, config), JSON.stringify({ compilerOptions, include: ["handlers", "tests"] }));
    const tsc = join(ROOT, "node_modules", compiler, "bin", "tsc");
    const said = await run("node", [tsc, "-p", config], { cwd: service }).catch((error: { stdout: string }) => error);

    expect(said.stdout).toBe("");
    expect(await readFile(join(service, "out/handlers/tasks/math.d.ts"), "utf8")).toContain("Task<");
  });

  it("says nothing of what the engine needs of the cloud, and has it under the ids of this repository", async () => {
    const template = async (cwd: string, tasks: string): Promise<object> => {
      const env = { ...process.env, LOVAGE_TASKS: tasks };
      const { stdout } = await run(join(ROOT, "node_modules/.bin/serverless"), ["template"], { cwd, env });
      // The moment of the compilation, and the names that begin with the service's.
      const text = stdout.replaceAll(/serverless\/[a-z]+\/local\/[^/]+/g, "code").replaceAll("invoices", "lovage");
      return JSON.parse(text.slice(text.indexOf("{")));
    };

    expect(await template(service, "absent")).toEqual(await template(ROOT, "absent"));
  });

  it("has the last word, as in the guide", async () => {
    const guide = await readFile(join(ROOT, "docs/guide/09-deploying.md"), "utf8");
    const [, section = ""] = guide.split("## A service with the package");
    const blocks = [...section.matchAll(/```yaml\n(.*?)```/gs)].slice(0, 2).map(([, text]) => text);
    await writeFile(join(service, "own.yml"), blocks.join(""));
    const args = ["template", "--config", "own.yml"];
    const { stdout } = await run(join(service, "node_modules/.bin/serverless"), args, { cwd: service });

    const { Resources, Outputs } = JSON.parse(stdout.slice(stdout.indexOf("{")));
    expect(Resources.TasksTable.Properties).toMatchObject({
      TableName: "invoices-local-tasks",
      DeletionProtectionEnabled: true,
    });
    expect(Resources.WorkerLambdaFunction.Properties).toMatchObject({ MemorySize: 2048, Timeout: 60 });
    expect(Resources.WorkerLambdaFunction.Properties.Environment.Variables.MAIL_FROM).toBe("billing@example.com");
    expect(Object.keys(Outputs)).toContain("ApiUrl");
    expect(Object.keys(Outputs)).not.toContain("UploadsBucketName");
  });

  it("is packaged from its own folder", async () => {
    await run(join(service, "node_modules/.bin/serverless"), ["package", "--stage", "dev"], { cwd: service });

    const zip = unzipSync(await readFile(join(service, ".lovage/package/worker.zip")));
    expect(Object.keys(zip)).toContain("handlers/worker.mjs");
  }, 300_000);

  it("tests its tasks with the kit, under plain Node", async () => {
    expect((await run("node", ["tests/kit.ts"], { cwd: service })).stdout).toContain("ten");
  });

  it("runs on the local cloud", async () => {
    const { url, stop } = await start(service);
    try {
      const client = createClient(url);
      const { id } = await client.post("/tasks/add", { payload: { x: 4, y: 6 } });
      expect(await client.waitFor(`/tasks/${id}`)).toMatchObject({ state: "SUCCESS", result: 10 });
      await client.post("/tasks/bill", { payload: { a: "1" }, payloadVersion: 1, options: { countdown: 600 } });
      const doctor = [join(service, "node_modules/lovage/cli/lovage.js"), "doctor", url, "--days", "2"];
      expect((await run("node", doctor)).stdout).toContain("bill, version 1: 1 sent, and not ended");
      const page = await fetch(`${url}/`, { headers: { accept: "text/html" } });
      expect(await page.text()).toContain("dashboard/dashboard-");
    } finally {
      await stop();
    }
  });
});
