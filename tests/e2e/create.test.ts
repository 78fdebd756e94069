import { execFile, spawn } from "node:child_process";
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createClient } from "../../localstack/client.ts";
import { install, type Packed, pack, start } from "../helpers/packed.ts";

const run = promisify(execFile);
/** Entries, a view and a task as a user adds them to a created service. */
const ENTRIES = `
custom:
  lovage:
    queues:
      bulk-mail: { workers: 5 }
      ledger: { fifo: true }
    views:
      home: { route: GET /home, handler: handlers/home.handler, key: read }
    buckets:
      archive: { keys: notes/*, functions: [worker, home] }
resources:
  Resources:
    BulkMailQueue: { Properties: { VisibilityTimeout: 120 } }
`;
const HOME = `import { Hono } from "hono";
import { createView } from "lovage";

const view = new Hono();
view.get("/home", (c) => c.json({ bucket: process.env.ARCHIVE_BUCKET, key: process.env.VIEW_KEY_ROLE }));
export const handler = createView(view);
`;
const ARCHIVE = `import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { task } from "lovage";
import * as z from "zod";

export const note = task({
  name: "note",
  queue: "bulk-mail",
  payload: z.object({ text: z.string() }),
  run: async ({ text }) => {
    const Bucket = process.env.ARCHIVE_BUCKET;
    await new S3Client({}).send(new PutObjectCommand({ Bucket, Key: "notes/1", Body: text }));
    return Bucket;
  },
});
export const entry = task({
  name: "entry",
  queue: "ledger",
  payload: z.object({ account: z.string() }),
  messageGroupId: ({ account }) => account,
  run: ({ account }) => account,
});
`;
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
    expect(await refusal("full/notes.txt")).toMatch(/^Name 'notes.txt' cannot be a service's/);
    expect(await refusal("other", "--include", "mail")).toMatch(/^Part 'mail' is not known: expected email, uploads/);
    expect(await refusal("-t")).toMatch(/^Unknown option '-t'\. Usage:/);
    expect(await readdir(place)).not.toContain("other");
  });
});

it.each([
  ["npm/11.19.1 node/v24.0.0", undefined, ""],
  ["pnpm/12.21.0 npm/?", "pnpm-workspace.yaml", '"esbuild": false'],
  ["yarn/4.18.1 npm/?", ".yarnrc.yml", "nodeLinker: node-modules"],
  ["yarn/1.22.22 npm/?", undefined, ""],
])("create-lovage writes what %s needs", async (npm_config_user_agent, file, text) => {
  const name = npm_config_user_agent.replaceAll(/[^a-z0-9].*|\d.*/g, "") + npm_config_user_agent.length;
  const env = { ...process.env, npm_config_user_agent };
  await run("node", [join(place, "package/create.js"), name], { cwd: place, env });

  const settings = ["pnpm-workspace.yaml", ".yarnrc.yml"];
  const found = (await readdir(join(place, name))).filter((one) => settings.includes(one));
  expect(found).toEqual(file === undefined ? [] : [file]);
  if (file !== undefined) expect(await readFile(join(place, name, file), "utf8")).toContain(text);
});

/** `create-lovage` at a pseudo-terminal, which `script` of util-linux gives; `undefined` where there is none. */
async function atTerminal(answers: readonly string[]): Promise<string | undefined> {
  const command = `node ${join(place, "package/create.js")}`;
  const child = spawn("script", ["-qefc", command, "/dev/null"], { cwd: place, stdio: ["pipe", "pipe", "ignore"] });
  const left = [...answers];
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString();
    // Each prompt ends so, and is answered once.
    if (/(\(tasks\): |\(y\/N\) )[^\n]*$/.test(chunk.toString()) && left.length > 0)
      child.stdin.write(left.shift() ?? "");
  });
  return new Promise((resolve) => {
    child.once("error", () => resolve(undefined));
    child.once("close", () => resolve(said));
  });
}

describe("create-lovage at a terminal", () => {
  it("asks for the name and each part, and again for a name that cannot be", async ({ skip }) => {
    const said = await atTerminal(["My Shop\n", "shop\n", "y\n", "\n", "yes\n", "n\n", "\n"]);
    if (said === undefined) return skip("script (util-linux) is not installed: nothing gives a pseudo-terminal");

    expect(said).toContain("Name 'My Shop' cannot be a service's");
    expect(said).toContain("Service shop is in");
    expect((await readdir(join(place, "shop/handlers/tasks"))).sort()).toEqual(["beat.ts", "email.ts", "math.ts"]);
  });

  it("makes nothing when the questions are left", async ({ skip }) => {
    const before = await readdir(place);
    const said = await atTerminal(["left\n", "\u0003"]);
    if (said === undefined) return skip("script (util-linux) is not installed: nothing gives a pseudo-terminal");

    expect(said).toContain("Nothing was made");
    expect(await readdir(place)).toEqual(before);
  });
});

describe("a created service", () => {
  let service: string;

  beforeAll(async () => {
    await create("invoices", "--include", PARTS.join(","));
    service = join(place, "invoices");
    // Above the service, as a monorepo has it.
    await install(packed.lovage, place);
  });

  const program = (name: string): string => join(place, "node_modules/.bin", name);

  it("names each package that it is built and started with", async () => {
    const { dependencies, devDependencies } = JSON.parse(await readFile(join(service, "package.json"), "utf8"));
    const { peerDependencies } = JSON.parse(await readFile(join(place, "node_modules/lovage/package.json"), "utf8"));

    expect(Object.keys(dependencies)).toEqual(["lovage", "zod"]);
    expect(Object.keys(devDependencies)).toEqual(expect.arrayContaining(Object.keys(peerDependencies)));
    expect(Object.values(devDependencies)).not.toContain(undefined);
  });

  it("compiles, shows its demo and passes its tests", async () => {
    expect((await run(program("tsc"), [], { cwd: service })).stdout).toBe("");
    expect((await run("node", ["demo.ts"], { cwd: service })).stdout).toContain("Its result is 10.");
    expect((await run(program("vitest"), ["run"], { cwd: service })).stdout).toContain("1 passed");
  }, 300_000);

  it("has a queue, a view and a bucket by one entry each", async () => {
    await appendFile(join(service, "serverless.yml"), ENTRIES);
    await writeFile(join(service, "handlers/home.ts"), HOME);
    await writeFile(join(service, "handlers/tasks/archive.ts"), ARCHIVE);
    const { stdout } = await run(program("serverless"), ["template"], { cwd: service });
    const { Resources } = JSON.parse(stdout.slice(stdout.indexOf("{")));
    const added = [
      ["BulkMailQueue", "LedgerQueue", "HomeRole", "HomeLambdaFunction", "HttpApiRouteGetHome", "ArchiveBucket"],
      ["ArchiveBucketPolicy", "ArchiveBucketRights", "WorkerEventSourceMappingSQSBulkMailQueue"],
    ].flat();
    expect(Object.keys(Resources)).toEqual(expect.arrayContaining(added));
    expect(Resources.BulkMailQueue.Properties).toMatchObject({
      QueueName: "invoices-local-bulk-mail",
      VisibilityTimeout: 120,
    });
    expect((await run(program("serverless"), ["print"], { cwd: service })).stdout).toContain("BROKER_URL_BULK_MAIL");

    const { url, stop } = await start(service);
    try {
      const client = createClient(url);
      const home = await fetch(`${url}/home`);
      expect(await home.json()).toMatchObject({
        bucket: expect.stringContaining("invoices-local-archive"),
        key: "read",
      });
      const sent = await client.post("/tasks/note", { payload: { text: "Milk" } });
      expect(await client.waitFor(`/tasks/${sent.id}`)).toMatchObject({
        state: "SUCCESS",
        queue: "bulk-mail",
        result: expect.stringContaining("invoices-local-archive"),
      });
      const booked = await client.post("/tasks/entry", { payload: { account: "a" } });
      expect(await client.waitFor(`/tasks/${booked.id}`)).toMatchObject({ state: "SUCCESS", queue: "ledger" });
      expect((await fetch(`${url}/queues/bulk-mail/pause`, { method: "POST" })).ok).toBe(true);
      const queues = await (await fetch(`${url}/queues`)).text();
      expect(queues).toMatch(/"bulk-mail".*"ledger"/);
      expect(queues).toMatch(/"bulk-mail","waiting":0,"inFlight":0,"delayed":0,("workers":\d+,)?"paused":true/);
    } finally {
      await stop();
    }
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
