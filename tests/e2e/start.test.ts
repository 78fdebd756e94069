import { execFileSync } from "node:child_process";
import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT, WORK_FOLDER } from "../../build/paths.ts";
import { createClient } from "../../localstack/client.ts";
import { freePorts, type Service, spawnService, startService } from "../../localstack/service.ts";

async function refusal(options: Parameters<typeof spawnService>[0]): Promise<{ code: number | null; output: string }> {
  const service = await spawnService(options);
  const code = await new Promise<number | null>((resolve) => service.process.once("close", resolve));
  return { code, output: service.output() };
}

describe("a start that cannot work", () => {
  it.each(["PORT", "LAMBDA_PORT", "LOVAGE_CLOUD_PORT"])("says in one sentence that %s is taken", async (variable) => {
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const address = other.address();
    const port = typeof address === "object" && address ? String(address.port) : "";

    const { code, output } = await refusal({ environment: { [variable]: port } });
    other.close();

    expect(code).toBe(1);
    expect(output).toMatch(new RegExp(`Port ${port} .*set ${variable} to a free port\\.`));
    expect(output).not.toMatch(/\n\s+at .*\(/);
  });

  it.each([
    ["PORT", "abc"],
    ["PORT", "70000"],
    ["LAMBDA_PORT", "-1"],
    ["LOVAGE_CLOUD_PORT", "4566.5"],
    ["LOVAGE_CLOUD_PORT", "0x10"],
  ])("says in one sentence that %s=%s is no port", async (variable, value) => {
    const { code, output } = await refusal({ environment: { [variable]: value } });

    expect(code).toBe(1);
    expect(output).toContain(`${variable} has the value '${value}': expected a port for `);
    expect(output).not.toMatch(/\n\s+at .*\(/);
  });

  it("says in one sentence that two ports are one", async () => {
    const [port] = await freePorts(1);
    const { code, output } = await refusal({ environment: { PORT: String(port), LAMBDA_PORT: String(port) } });

    expect(code).toBe(1);
    expect(output).toContain(`LAMBDA_PORT and PORT are both ${port}: expected a port of its own`);
    expect(output).not.toMatch(/\n\s+at .*\(/);
  });

  it("says that no AWS endpoint answers", async () => {
    const [port] = await freePorts(1);
    const { code, output } = await refusal({ environment: { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` } });

    expect(code).toBe(1);
    expect(output).toContain(`No AWS endpoint answers at AWS_ENDPOINT_URL 'http://127.0.0.1:${port}'`);
    expect(output).not.toMatch(/\n\s+at .*\(/);
  });

  it("says which stages there are, and that only the local one runs offline", async () => {
    const unknown = await refusal({ args: ["--stage", "nope"] });
    const production = await refusal({ args: ["--stage", "production"] });

    expect(unknown.output).toContain("Stage 'nope' is not one of this service: expected local, dev, production.");
    expect(production.output).toContain("Stage 'production' does not run offline: expected stage 'local'");
    expect([unknown.code, production.code]).toEqual([1, 1]);
  });
});

describe("plain `serverless offline`", () => {
  it("works like `npm start`, and stops as cleanly", async () => {
    const service = await startService({
      withStart: false,
      environment: { LOVAGE_TASKS: "tests/fixtures/tasks" },
    });
    const client = createClient(service.url);
    const { id } = await client.post("/tasks/add", { payload: { x: 1, y: 2 } });

    expect(await client.waitFor(`/tasks/${id}`)).toMatchObject({ state: "SUCCESS", result: 3 });
    expect(await service.stop()).toBe(0);
    // Its last process, which sees to it that no sandbox is left, ends a moment after the service.
    await expect.poll(() => service.leftBehind(), { timeout: 5000 }).toBe(false);
  });
});

describe("a service without a task", () => {
  it("starts, says so, and refuses what needs one", async () => {
    const service = await startService({ environment: { LOVAGE_TASKS: "tests/fixtures/absent" } });
    const ask = async (path: string, init?: RequestInit) => (await fetch(service.url + path, init)).json();
    const upload = { method: "POST", headers: { "content-type": "application/json" } };

    expect(service.output()).toContain("Task folder 'tests/fixtures/absent' is absent: no task comes from it.");
    expect(service.output()).toContain("No task is registered: write one in handlers/tasks/.");
    expect(await ask("/")).toMatchObject({ tasks: [] });
    expect(await ask("/openapi.json")).toMatchObject({ openapi: "3.1.0" });
    const body = '{"filename":"a.csv","contentType":"text/csv"}';
    expect(await ask("/uploads", { ...upload, body })).toMatchObject({
      code: "TASK_NOT_REGISTERED",
      detail: expect.stringContaining("UPLOAD_TASK"),
    });
    expect(await service.stop()).toBe(0);
  });

  it("is told that a task folder is a file", async () => {
    const { code, output } = await refusal({ environment: { LOVAGE_TASKS: "tests/fixtures/tasks/plain.ts" } });

    expect(code).toBe(1);
    expect(output).toContain("Task folder 'tests/fixtures/tasks/plain.ts' is a file: expected a folder.");
    expect(output).not.toMatch(/\n\s+at .*\(/);
  });
});

describe("an edit", () => {
  let service: Service;
  let folder: string;
  const source = (name: string, body: string): string =>
    `import * as z from "zod";
     import { task } from "../../shared/index.ts";
     export const it = task({ name: "${name}", payload: z.object({ x: z.number() }), run: ({ x }) => ${body} });`;
  const run = async (task: string) => {
    const client = createClient(service.url);
    const { id } = await client.post(`/tasks/${task}`, { payload: { x: 7 } });
    return (await client.waitFor(`/tasks/${id}`)).result;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(WORK_FOLDER, "tasks-"));
    await writeFile(join(folder, "one.ts"), source("one", "x"));
    service = await startService({ environment: { LOVAGE_TASKS: relative(ROOT, folder) } });
  });
  afterAll(async () => {
    await service.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("of a task is seen by its next run; a new file is registered by being there", async () => {
    expect(await run("one")).toBe(7);

    await writeFile(join(folder, "one.ts"), source("one", "x * 2"));
    await service.waitForLine(/^Reloaded\./);
    expect(await run("one")).toBe(14);

    await writeFile(join(folder, "two.ts"), source("two", "x * 3"));
    await expect.poll(() => service.output().match(/^Reloaded\./gm)?.length, { timeout: 10_000 }).toBe(2);
    expect(await run("two")).toBe(21);
  });

  it("of a beat entry reaches the running scheduler, and is said in one line", async () => {
    const beat = (entries: string): string => `${source("timed", "x * 10")}
      import { beatSchedule, every } from "../../shared/index.ts";
      export const schedule = beatSchedule({ ${entries} });`;
    const entry = (name: string, x: number, minutes = 10): string =>
      `"${name}": { task: it, payload: { x: ${x} }, schedule: every({ minutes: ${minutes} }) },`;
    const results = async (): Promise<unknown[]> => {
      const tasks: { result?: unknown }[] = JSON.parse(
        await (await fetch(`${service.url}/tasks?task=timed`)).text(),
      ).tasks;
      return tasks.map(({ result }) => result).toSorted();
    };
    await writeFile(join(folder, "timed.ts"), beat(entry("one", 1) + entry("two", 2)));
    expect(await service.waitForLine(/^Schedules: added/)).toBe(
      "Schedules: added 'lovage-local-one', 'lovage-local-two'.",
    );
    // A new rate fires at once.
    await expect.poll(results, { timeout: 20_000 }).toEqual([10, 20]);

    await writeFile(join(folder, "timed.ts"), beat(entry("two", 2, 20) + entry("three", 3)));
    expect(await service.waitForLine(/^Schedules: added 'lovage-local-three'/)).toBe(
      "Schedules: added 'lovage-local-three'; changed 'lovage-local-two'; removed 'lovage-local-one'.",
    );
    await expect.poll(results, { timeout: 20_000 }).toEqual([10, 20, 20, 30]);

    // A broken one keeps those that are there.
    await writeFile(join(folder, "timed.ts"), beat(entry("two", 2, -20)));
    expect(await service.waitForLine(/^Not reloaded/)).toMatch(/^Not reloaded: .*-20.*\.$/);
    await writeFile(join(folder, "timed.ts"), "const x: = 1;");
    expect(await service.waitForLine(/^Not reloaded: .*timed\.ts:1/)).toMatch(/timed\.ts:1 cannot be built: .*\.$/);
    await rm(join(folder, "timed.ts"));
    expect(await service.waitForLine(/^Schedules: removed/)).toBe(
      "Schedules: removed 'lovage-local-two', 'lovage-local-three'.",
    );
  });

  it("of serverless.yml needs a restart, and says so", async () => {
    await utimes(join(ROOT, "serverless.yml"), new Date(), new Date());

    expect(await service.waitForLine(/^serverless\.yml/)).toBe("serverless.yml has changed: restart to see it.");
  });

  it("that cannot be registered is explained, and changes nothing", async () => {
    await writeFile(join(folder, "three.ts"), source("one", "x * 4"));
    const line = await service.waitForLine(/^Not reloaded: .*Task 'one'/);

    expect(line).toContain("Task 'one' is exported by both");
    expect(await run("one")).toBe(14);
    // Also for a sandbox that starts afterwards, as after a crash.
    const running = sandboxes(service);
    expect(running.length).toBeGreaterThan(0);
    for (const pid of running) process.kill(pid, "SIGKILL");
    await expect.poll(() => running.filter(exists)).toEqual([]);
    expect(await run("one")).toBe(14);
  });
});

/** Processes that run a function of the service. */
function sandboxes({ process: { pid } }: Service): number[] {
  const lines = execFileSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8" }).split("\n");
  const processes = lines.map((line) => line.trim().split(/\s+/));
  return processes
    .filter(([, parent, ...args]) => Number(parent) === pid && args.join(" ").includes("lambda/runtime"))
    .map(([own]) => Number(own));
}

/** Also true of a process that is dead but whose parent has not noticed yet. */
function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
