import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { createControl, MAX_REVOKES } from "../../../shared/control/decisions.ts";
import { task } from "../../../shared/index.ts";
import { uniqueName } from "../../helpers/engine.ts";
import { startBench } from "../../helpers/workbench.ts";

const ran: string[] = [];
const note = task({ name: "note", payload: z.object({ text: z.string() }), run: ({ text }) => void ran.push(text) });

const { engine, bench } = await startBench({ note });
beforeEach(() => {
  ran.length = 0;
  engine.clock.now = new Date();
});

const control = () => createControl({ table: engine.table, clock: () => engine.clock.now });
const message = (more = {}) => ({ queue: "default", task: "note", sentAt: "2020-01-01T00:00:00Z", ...more });

describe("a decision whose operator died before everyone was told", () => {
  it.each([
    ["pause", (c: ReturnType<typeof control>) => c.pause("task", "note")],
    ["resume", (c: ReturnType<typeof control>) => c.resume("task", "note")],
    ["revoke", (c: ReturnType<typeof control>) => c.revoke("tag", "half")],
    ["limits", (c: ReturnType<typeof control>) => c.setLimits("note", { rateLimit: "1/s" })],
    ["limits of the code", (c: ReturnType<typeof control>) => c.setLimits("note", undefined)],
    ["drop", (c: ReturnType<typeof control>) => c.dropRevoke("tag", "half")],
  ])("is noticed by warm workers when the call is repeated: %s", async (kind, decide) => {
    if (kind === "resume") await control().pause("task", "note");
    const worker = control();
    await worker.decisions(0);
    const { update } = engine.table;
    engine.table.update = (change) =>
      change.key.sk === "version" ? Promise.reject(new Error("died")) : update(change);
    await expect(decide(control())).rejects.toThrow("died");
    engine.table.update = update;
    await decide(control());

    const fresh = await control().decisions(0);
    expect((await worker.decisions(0)).entries).toEqual(fresh.entries);
    if (kind === "pause") expect(fresh.pausedSince(message())).toBeDefined();
    await control().resume("task", "note");
  });

  it("keeps the time since when it is paused", async () => {
    await control().pause("queue", "low");
    const since = (await control().decisions(0)).pausedSince(message({ queue: "low" }));
    engine.clock.now = new Date(engine.clock.now.getTime() + 3_600_000);
    await control().pause("queue", "low");
    expect((await control().decisions(0)).pausedSince(message({ queue: "low" }))).toEqual(since);
    await control().resume("queue", "low");
  });
});

describe("revokes", () => {
  const revoked = async (tag: string) =>
    (await control().decisions(0)).revokedBy({ ...message(), tags: [tag] }) !== undefined;

  it("are dropped one by one, and then what still waits may run", async () => {
    const tag = uniqueName("tag");
    const result = await note.applyAsync({ text: tag }, { tags: [tag] });
    await bench.call("DELETE", `/tasks?tag=${tag}`);
    expect(await revoked(tag)).toBe(true);
    const { status, body } = await bench.call("DELETE", `/control?tag=${tag}`);
    expect([status, body]).toMatchObject([202, { dropped: { scope: "tag", name: tag }, meaning: expect.any(String) }]);
    await bench.workUntilFinal(result.id);
    expect(ran).toEqual([tag]);
  });

  it("are dropped by age, but not one that was made again meanwhile; and may be made again", async () => {
    const [old, again] = [uniqueName("old"), uniqueName("again")];
    for (const tag of [old, again]) await control().revoke("tag", tag);
    engine.clock.now = new Date(engine.clock.now.getTime() + 60_000);
    const before = engine.clock.now;
    const { query } = engine.table;
    engine.table.query = async (asked) => {
      const found = await query(asked);
      engine.table.query = query;
      // Another operator, between the look and the drop.
      await control().revoke("tag", again);
      return found;
    };
    await control().dropRevokesBefore(before);
    expect([await revoked(old), await revoked(again)]).toEqual([false, true]);
    await control().revoke("tag", old);
    expect(await revoked(old)).toBe(true);
  });

  it("are bounded, with a refusal that says how many, and how to go on; drops and lists are bounded, too", {
    timeout: 120_000,
  }, async () => {
    const { table } = engine;
    const at = new Date(engine.clock.now.getTime() - 86_400_000).toISOString();
    const ttl = Math.floor(engine.clock.now.getTime() / 1000) + 86_400;
    // More than the bound, as an older version may have left them.
    const keys = Array.from({ length: MAX_REVOKES + 200 }, (_, index) => `decision#revoke#tag#old-${index}`);
    for (let first = 0; first < keys.length; first += 50) {
      const some = keys.slice(first, first + 50);
      await Promise.all(some.map((sk) => table.update({ key: { pk: "control", sk }, set: { at, ttl } })));
    }
    const refused = await bench.call("DELETE", "/tasks?tag=one-more");
    expect(refused).toMatchObject({
      status: 409,
      body: { code: "REVOKES_FULL", detail: expect.stringMatching(/tag 'one-more'.*1000 revokes.*DELETE \/control/) },
    });
    expect(await revoked("one-more")).toBe(false);

    const names: string[] = [];
    let cursor: unknown;
    let pages = 0;
    do {
      const next = cursor === undefined ? "" : `&cursor=${encodeURIComponent(String(cursor))}`;
      const { status, body } = await bench.call("GET", `/control?limit=500${next}`);
      expect(status).toBe(200);
      const { decisions } = z.object({ decisions: z.array(z.object({ name: z.string() })) }).parse(body);
      expect(decisions.length).toBeLessThanOrEqual(500);
      names.push(...decisions.map(({ name }) => name));
      cursor = body.cursor;
      pages += 1;
    } while (cursor !== undefined);
    expect(pages).toBe(3);
    expect(names.filter((name) => name.startsWith("old-"))).toHaveLength(MAX_REVOKES + 200);
    expect(new Set(names).size).toBe(names.length);

    const drop = async () => (await bench.call("DELETE", `/control?before=${engine.clock.now.toISOString()}`)).body;
    expect(await drop()).toMatchObject({ dropped: { count: MAX_REVOKES }, more: true });
    expect(await drop()).toMatchObject({ more: false });
    expect((await bench.call("DELETE", "/tasks?tag=one-more")).status).toBe(202);
  });

  it("are not dropped, and not listed, by a call that says nothing or too much", async () => {
    for (const query of ["", "?tag=", "?tag=a&task=b", "?before=yesterday", "?before=", "?age=1"]) {
      expect((await bench.call("DELETE", `/control${query}`)).status, query).toBe(422);
    }
    for (const query of ["?limit=0", "?limit=x", "?cursor=version", "?kind=revoke"]) {
      expect((await bench.call("GET", `/control${query}`)).status, query).toBe(422);
    }
  });
});
