import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createClient } from "../../localstack/client.ts";
import { install, type Packed, pack, start } from "../helpers/packed.ts";

const run = promisify(execFile);
const PARTS = ["email", "uploads", "beat", "workflows", "fifo"];

let packed: Packed;
/** An empty folder that has the unpacked `create-lovage`, and nothing of this repository. */
let place: string;

async function create(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return run("node", [join(place, "package/create.js"), ...args], { cwd: place });
}

/** The refusal of a call that must fail. */
async function refusal(...args: string[]): Promise<string> {
  const ended: unknown = await create(...args).catch((error: unknown) => error);
  return typeof ended === "object" && ended !== null && "stderr" in ended && "code" in ended
    ? String(ended.stderr)
    : "";
}

beforeAll(async () => {
  packed = await pack();
  place = await mkdtemp(join(tmpdir(), "lovage-create-"));
  await run("tar", ["-xzf", packed.createLovage, "-C", place]);
}, 300_000);
afterAll(async () => {
  for (const folder of [packed.folder, place]) await rm(folder, { recursive: true, force: true });
});

describe("create-lovage", () => {
  it("makes a service of a few files, with the chosen parts", async () => {
    const { stdout } = await create("small", "--include", "email");

    expect(stdout).toContain("npm run demo");
    const files = await readdir(join(place, "small"), { recursive: true, withFileTypes: true });
    const paths = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
    expect(paths.map((path) => path.slice(join(place, "small").length + 1)).sort()).toEqual([
      ".gitignore",
      "README.md",
      "demo.ts",
      "handlers/tasks/email.ts",
      "handlers/tasks/math.ts",
      "package.json",
      "serverless.yml",
      "tests/tasks.test.ts",
      "tsconfig.json",
    ]);
    expect(await readFile(join(place, "small/.gitignore"), "utf8")).toMatch(/^node_modules\/$/m);
    expect(await readFile(join(place, "small/serverless.yml"), "utf8")).toMatch(/^service: small$/m);
  });

  it("refuses what it cannot make, in a sentence", async () => {
    await mkdir(join(place, "full"), { recursive: true });
    await writeFile(join(place, "full/notes.txt"), "");

    expect(await refusal()).toMatch(/^No folder is named: expected one\./);
    expect(await refusal("Invoices")).toMatch(/^Name 'Invoices' cannot be a service's: expected 1 to 28 small letters/);
    expect(await refusal("full")).toMatch(/^Folder 'full' has something in it: expected a new or an empty one\./);
    expect(await refusal("other", "--include", "mail")).toMatch(/^Part 'mail' is not known: expected email, uploads/);
    expect(await refusal("-t")).toMatch(/^Unknown option '-t'\. Usage:/);
    expect(await readdir(place)).not.toContain("other");
  });
});

describe("a created service", () => {
  let service: string;

  beforeAll(async () => {
    await create("invoices", "--include", PARTS.join(","));
    service = join(place, "invoices");
    await install(packed.lovage, service);
  });

  const program = (name: string): string => join(service, "node_modules/.bin", name);

  it("names each package that it is built and started with", async () => {
    const { dependencies, devDependencies } = JSON.parse(await readFile(join(service, "package.json"), "utf8"));
    const { peerDependencies } = JSON.parse(await readFile(join(service, "node_modules/lovage/package.json"), "utf8"));

    expect(Object.keys(dependencies)).toEqual(["lovage", "zod"]);
    expect(Object.keys(devDependencies)).toEqual(expect.arrayContaining(Object.keys(peerDependencies)));
    expect(Object.values(devDependencies)).not.toContain(undefined);
  });

  it("compiles, shows its demo and passes its tests", async () => {
    expect((await run(program("tsc"), [], { cwd: service })).stdout).toBe("");
    expect((await run("node", ["demo.ts"], { cwd: service })).stdout).toContain("Its result is 10.");
    expect((await run(program("vitest"), ["run"], { cwd: service })).stdout).toContain("1 passed");
  }, 300_000);

  it("starts, and runs a task", async () => {
    const { url, stop } = await start(service);
    try {
      const client = createClient(url);
      const { id } = await client.post("/tasks/total", { payload: { all: [1, 2, 3] } });
      expect(await client.waitFor(`/tasks/${id}`)).toMatchObject({ state: "SUCCESS", result: 6 });
    } finally {
      await stop();
    }
  }, 300_000);
});
