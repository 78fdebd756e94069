/** The client in every runtime that docs/client.md names, against a service that runs, and the kit under other runners of tests. */

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { install, type Packed, pack, start } from "../helpers/packed.ts";
import { environmentOf, installTools, tool } from "./tools.ts";

const run = promisify(execFile);

let packed: Packed;
let missing: string | undefined;
let place: string;
let service: string;

beforeAll(async () => {
  [packed, missing] = await Promise.all([pack(), installTools()]);
  place = await mkdtemp(join(tmpdir(), "lovage-runtimes-"));
  await run("tar", ["-xzf", packed.createLovage, "-C", place]);
  await run("node", ["package/create.js", "first"], { cwd: place });
  service = join(place, "first");
  await install(packed.lovage, place);
}, 600_000);
afterAll(async () => {
  for (const folder of [packed.folder, place]) await rm(folder, { recursive: true, force: true });
});

const program = (url: string): string => `import { createClient } from "lovage/client";
const sent = await createClient({ url: ${JSON.stringify(url)} }).tasks.add.delay({ x: 4, y: 6 });
console.log("The result is", await sent.get());
`;

describe("the client", () => {
  let running: Awaited<ReturnType<typeof start>>;
  beforeAll(async () => {
    running = await start(service);
    // With the client alone beside it.
    const other = join(place, "other");
    await mkdir(join(other, "node_modules"), { recursive: true });
    await symlink(join(place, "node_modules/lovage"), join(other, "node_modules/lovage"));
    await writeFile(join(other, "package.json"), '{ "type": "module", "private": true }');
    await writeFile(join(other, "main.mjs"), program(running.url));
  }, 120_000);
  afterAll(() => running.stop());

  it.for([
    ["Node 24", "24", "node", []],
    ["Node 22", "22", "node", []],
    ["Deno", "24", "deno", ["run", "--allow-net", "--node-modules-dir=manual"]],
    ["Bun", "24", "bun", []],
  ] as const)("runs under %s", async ([, node, name, words], { skip }) => {
    if (missing !== undefined) return skip(missing);
    const env = environmentOf(node);
    const bin = node === "24" && name === "node" ? "node" : tool(name);
    const { stdout } = await run(bin, [...words, "main.mjs"], { cwd: join(place, "other"), env });
    expect(stdout).toMatch(/^The result is 10$/m);
  });

  it("runs in an edge runtime", async ({ skip }) => {
    if (missing !== undefined) return skip(missing);
    const contents = `import { createClient } from "lovage/client";
globalThis.answer = createClient({ url: ${JSON.stringify(running.url)} }).tasks.add.delay({ x: 4, y: 6 }).then((one) => one.get());`;
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: join(place, "other") },
      bundle: true,
      format: "iife",
      platform: "browser",
      write: false,
    });
    const { EdgeRuntime } = await import(tool("edge-runtime/dist/index.js"));
    expect(await new EdgeRuntime().evaluate(`${outputFiles[0]?.text}; answer`)).toBe(10);
  });

  it("runs in workerd", async ({ skip }) => {
    if (missing !== undefined) return skip(missing);
    const contents = `import { createClient } from "lovage/client";
export default {
  async test() {
    const sent = await createClient({ url: ${JSON.stringify(running.url)} }).tasks.add.delay({ x: 4, y: 6 });
    if ((await sent.get()) !== 10) throw new Error("The result is wrong.");
  },
};`;
    const folder = await mkdtemp(join(place, "workerd-"));
    await build({
      stdin: { contents, resolveDir: join(place, "other") },
      bundle: true,
      format: "esm",
      platform: "browser",
      outfile: join(folder, "worker.mjs"),
    });
    await writeFile(join(folder, "config.capnp"), WORKERD);
    const { stderr } = await run(tool("workerd"), ["test", "config.capnp"], { cwd: folder });
    expect(stderr).toContain("[ PASS ] main");
  });
});

/** Cloudflare's runtime, whose workers may call addresses of this machine here alone. */
const WORKERD = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [
  (name = "main", worker = (compatibilityDate = "2026-11-01", modules = [(name = "worker", esModule = embed "worker.mjs")])),
  (name = "internet", network = (allow = ["public", "private"])),
]);
`;

const KIT = `import { testApp } from "lovage/testing";
import { add } from "../handlers/tasks/math.ts";

test("adds", async () => {
  const app = await testApp({ tasks: { add } });
  const result = await add.delay({ x: 4, y: 6 });
  await app.drain();
  EXPECT
});
`;

describe("the kit", () => {
  it.each(["22", "24"] as const)("tests a task under node:test of Node %s", async (node) => {
    const text = KIT.replace("EXPECT", "assert.equal(await result.get(), 10);");
    await mkdir(join(service, "node"), { recursive: true });
    const file = join(service, "node/kit.test.ts");
    await writeFile(file, `import assert from "node:assert";\nimport { test } from "node:test";\n${text}`);
    const { stdout } = await run("node", ["--test", "--test-reporter=tap", file], {
      cwd: service,
      env: environmentOf(node),
    });
    expect(stdout).toContain("# pass 1");
  });

  it("tests a task under jest, with its setting for ES modules", async ({ skip }) => {
    if (missing !== undefined) return skip(missing);
    const text = KIT.replace(
      "EXPECT",
      "expect(await result.get()).toBe(10);\n  expect(app).toHaveSent(add, { x: 4, y: 6 });",
    );
    const head = `import { expect, test } from "@jest/globals";\nimport { matchers } from "lovage/testing";\n`;
    await mkdir(join(service, "jest"), { recursive: true });
    await writeFile(join(service, "jest/kit.test.ts"), `${head}${text}expect.extend(matchers);\n`);
    const transform = { "\\.ts$": [tool("@swc/jest"), { jsc: { target: "es2024" } }] };
    const config = { extensionsToTreatAsEsm: [".ts"], transform, testMatch: ["**/jest/*.test.ts"] };
    await writeFile(join(service, "jest.config.json"), JSON.stringify(config));
    const env = { ...process.env, NODE_OPTIONS: "--experimental-vm-modules" };
    const { stderr } = await run("node", [tool("jest/bin/jest.js")], { cwd: service, env });
    expect(stderr).toContain("1 passed");
  });
});
