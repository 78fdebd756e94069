import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateSource } from "oazapfts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { task } from "../../../shared/index.ts";
import { createRegistry } from "../../../shared/task/registry.ts";
import { createApi, ORIGIN } from "../../helpers/api.ts";
import { type Engine, startEngine } from "../../helpers/engine.ts";
import { createWorkbench, type Workbench } from "../../helpers/workbench.ts";
import * as client from "./client.generated.ts";

const add = task({ name: "add", payload: z.object({ x: z.number(), y: z.number() }), run: ({ x, y }) => x + y });
const tick = task({ name: "tick", run: () => null });
const outline = task({ name: "outline", payload: z.object({ tree: z.json() }), run: ({ tree }) => tree });
const fails = task({
  name: "fails",
  payload: z.object({ text: z.string().default("") }),
  retry: { maxRetries: 0 },
  run: () => {
    throw new Error("no such customer", { cause: new TypeError("no id") });
  },
});
const tasks = { add, tick, outline, fails };

let engine: Engine;
let bench: Workbench;

/** Answers the client's calls. */
async function answer(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const request = new Request(input, init);
  const api = createApi(engine.app, createRegistry([{ file: "tests.ts", exports: tasks }]));
  const raw = await request.text();
  return api.request(request.method, request.url.slice(ORIGIN.length), {
    headers: Object.fromEntries(request.headers),
    ...(raw !== "" && { raw }),
  });
}

beforeAll(async () => {
  engine = await startEngine();
  bench = createWorkbench(engine, tasks);
  client.defaults.fetch = answer;
});
afterAll(() => engine.stop());

describe("a client that is generated from the contract", () => {
  it("is the one in client.generated.ts: `npx vitest run -u` writes it anew", { timeout: 60_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), "lovage-client-"));
    const file = join(folder, "openapi.json");
    await writeFile(file, await (await answer(`${ORIGIN}/openapi.json`)).text());
    const source = await generateSource(file, { useUnknown: true, futureStripLegacyMethods: true });
    await rm(folder, { recursive: true });

    // Its generator does not write for exactOptionalPropertyTypes; whoever uses its types is checked.
    await expect(`// @ts-nocheck\n${source}`).toMatchFileSnapshot("client.generated.ts");
    expect(await readFile(new URL("client.generated.ts", import.meta.url), "utf8")).not.toMatch(
      /\bany\b(?! more| key)/,
    );
  });

  it("sends, reads, lists, revokes and replays, with types", async () => {
    const sent = await client.sendAdd({ payload: { x: 4, y: 6 }, options: { tags: ["typed"] } });
    if (sent.status !== 202) throw new Error(sent.data.detail);
    await bench.workUntilFinal(sent.data.id);
    const read = await client.readTask(sent.data.id);
    if (read.status !== 200) throw new Error(read.data.detail);
    expect(read.data).toMatchObject({ state: "SUCCESS", result: 10, tags: ["typed"] });

    const listed = await client.listTasks({ tag: "typed", limit: 5 });
    expect(listed).toMatchObject({ status: 200, data: { tasks: [{ id: sent.data.id }] } });

    const failing = await client.sendFails({ payload: {} });
    const id = failing.status === 202 ? failing.data.id : "";
    await bench.workUntilFinal(id);
    const replayed = await client.replayTask(id);
    expect(replayed).toMatchObject({ status: 202, data: { replayOf: id } });
    const failed = await client.readTask(id);
    expect(failed.status === 200 && failed.data.error?.cause?.cause?.message).toBe("no id");
    expect(failed.status === 200 && failed.data.replayedBy).toBe(replayed.status === 202 && replayed.data.id);

    const waiting = await client.sendTick({ options: { countdown: 600 } });
    const revoked = await client.revokeTask(waiting.status === 202 ? waiting.data.id : "");
    expect(revoked).toMatchObject({ status: 202, data: { state: "REVOKED" } });
  });

  it("pauses, limits and looks, with types", async () => {
    expect(await client.pauseQueue("low")).toMatchObject({ status: 202, data: { queue: "low", paused: true } });
    const queues = await client.listQueues();
    const paused = queues.status === 200 ? queues.data.queues.filter((queue) => queue.paused) : [];
    expect(paused.map(({ name }) => name)).toEqual(["low"]);
    expect(await client.setTaskLimits("add", { rateLimit: "5/s", concurrency: null })).toMatchObject({ status: 202 });
    const decided = await client.listDecisions();
    expect(decided.status === 200 && decided.data.decisions.map(({ kind }) => kind).toSorted()).toEqual([
      "limits",
      "pause",
    ]);
    expect(await client.resumeQueue("low")).toMatchObject({ status: 202, data: { paused: false } });
  });

  it("is told of a mistake by the compiler, and by the problem that comes back", async () => {
    // @ts-expect-error: a field is missing
    const missing = await client.sendAdd({ payload: { x: 4 } });
    // @ts-expect-error: a field of another type
    const wrong = await client.sendAdd({ payload: { x: "4", y: 6 } });
    // @ts-expect-error: an option that does not exist
    const unknown = await client.sendAdd({ payload: { x: 4, y: 6 }, options: { countDown: 3 } });
    // @ts-expect-error: a field of another type
    const limit = await client.listTasks({ limit: "many" });
    const problems = [missing, wrong, unknown, limit].map(({ status, data }) => [status, "code" in data && data.code]);

    expect(problems).toEqual([
      [422, "PAYLOAD_INVALID"],
      [422, "PAYLOAD_INVALID"],
      [422, "OPTION_INVALID"],
      [422, "OPTION_INVALID"],
    ]);
  });
});
