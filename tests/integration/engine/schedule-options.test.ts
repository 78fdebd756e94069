import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { task } from "../../../shared/index.ts";
import { createRegistry } from "../../../shared/task/registry.ts";
import { replay } from "../../../shared/task/replay.ts";
import { createApi } from "../../helpers/api.ts";
import { type Engine, startEngine, uniqueName } from "../../helpers/engine.ts";
import { createScheduleGround, report, type ScheduleGround } from "./schedule-ground.ts";

const quiet = task({
  name: "quiet",
  payload: z.object({}),
  ignoreResult: true,
  retry: { maxRetries: 1, backoff: { base: 0 } },
  run: (_, { attempt, schedule }) => {
    if (attempt === 1) throw new Error(`first of ${schedule?.at.toISOString()}`);
    return schedule;
  },
});
const modules = [{ file: "quiet.ts", exports: { quiet, report } }];

let engine: Engine;
let ground: ScheduleGround;
beforeAll(async () => {
  engine = await startEngine();
  ground = createScheduleGround(engine, [{ file: "quiet.ts", exports: { quiet } }]);
});
afterEach(() => ground.clear());
afterAll(() => engine.stop());

const name = (): string => uniqueName("entry");

describe("an entry's options", () => {
  it("jitter spreads starts, the same for each entry and time, and leaves the fire time alone", async () => {
    ground.turnTo("2026-05-04T08:50:00Z");
    const end = "2026-05-04T09:04:00Z";
    // Each entry made anew has a jitter of its own: of a hundred, a fifth comes to the end, and chance leaves no bound below in doubt.
    for (let number = 0; number < 100; number += 1) {
      await ground.schedules.create(`jitter-${number}`, { task: report, schedule: "0 9 * * *", jitter: 300, end });
    }
    await ground.tickAt("2026-05-04T08:59:02Z");
    await ground.tickAt("2026-05-04T09:00:00Z");
    const first = ground.sent();
    expect(first.map(({ at }) => at)).toEqual(Array.from({ length: 100 }, () => "2026-05-04T09:00:00.000Z"));
    const starts = first.map(({ start }) => (start - Date.parse("2026-05-04T09:00:00Z")) / 1000);
    expect(Math.min(...starts)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...starts)).toBe(240);
    expect(new Set(starts).size).toBeGreaterThan(40);
  });

  it("expires counts from each fire time: of what came too late, none is run", async () => {
    ground.turnTo("2026-05-05T11:59:30Z");
    const entry = name();
    await ground.schedules.create(entry, {
      task: report,
      schedule: "0 12 * * *",
      catchUp: "all",
      options: { expires: 50, tags: ["t"] },
    });
    await ground.tickAt("2026-05-05T12:00:01Z");
    const [sent] = ground.sent();
    expect(sent?.message).toMatchObject({ expires: "2026-05-05T12:00:50.000Z", tags: ["t"] });
    await ground.tickAt("2026-05-06T13:00:01Z");
    expect(ground.sent()).toEqual([]);
    expect(await ground.schedules.history(entry, 1)).toMatchObject([
      { outcome: "skipped", reason: expect.stringContaining("expired") },
    ]);
  });

  it.each([
    [{ options: { idempotencyKey: "a" } }, "Option of an entry 'options.idempotencyKey' is unknown"],
    [{ options: { eta: "2027-01-01T00:00:00Z" } }, "'options.eta'"],
    [{ options: { expires: "2027-01-01T00:00:00Z" } }, "seconds, which count from each fire time"],
    [{ options: { queue: "nope" } }, "Invalid queue 'nope'"],
    [{ payload: { id: "x" } }, "Payload of task 'report' was refused at 'id'"],
    [{ jitter: 4000 }, "expected a whole number from 0 to 3600"],
    [{ overlap: "never" }, "expected allow, skip, queueOne, cancel"],
    [{ catchUpMax: 5 }, "'catchUpMax' has the value 5"],
    [{ catchUp: "last", catchUpMax: 5 }, "and it is 'last'"],
    [{ catchUpAge: 3600 }, "nothing is made up for"],
    [{ enable: false }, "'enable'"],
  ])("%j is refused", async (fields, sentence) => {
    const api = createApi(ground.app, createRegistry(modules));
    const body = { task: "report", schedule: "0 8 * * *", ...fields };
    const answer = await api.request("PUT", `/schedules/${name()}`, { body });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(JSON.stringify(await answer.json())).toContain(sentence.replaceAll('"', '\\"'));
  });

  it("a one-off fires once: a time within the tolerance at once, one before is refused", async () => {
    ground.turnTo("2026-05-07T12:00:30Z");
    const [past, next] = [name(), name()];
    await ground.schedules.create(past, { task: report, schedule: "at(2026-05-07T12:00:28)" });
    await ground.schedules.create(next, {
      task: report,
      schedule: "at(2026-05-07T14:02:10)",
      timezone: "Europe/Berlin",
    });
    await expect(
      ground.schedules.create(name(), { task: report, schedule: "at(2026-05-07T11:00:00)" }),
    ).rejects.toMatchObject({ code: "SCHEDULE_INVALID" });
    await ground.tickFrom("2026-05-07T12:00:00Z", "2026-05-07T12:10:00Z");
    const sent = ground.sent();
    expect(sent.map(({ at }) => at.slice(11, 19))).toEqual(["12:00:28", "12:02:10"]);
    expect(sent[1]?.start).toBe(Date.parse("2026-05-07T12:02:10Z"));
    expect((await ground.schedules.get(past)).next).toEqual([]);
  });
});

describe("a task that an entry has sent", () => {
  it("knows its fire time on a retry and a replay, and is kept in the history though its result is ignored", async () => {
    ground.turnTo("2026-05-08T11:59:00Z");
    const entry = name();
    await ground.schedules.create(entry, {
      task: quiet,
      payload: {},
      schedule: "0 12 * * *",
      keepHistory: 86_400 * 30,
    });
    await ground.tickAt("2026-05-08T12:01:30Z");
    const sent = ground.sent();
    await ground.work(sent.map(({ message }) => message));
    const retried = ground.sent();
    expect(retried[0]?.message).toMatchObject({ attempt: 2, schedule: { at: "2026-05-08T12:00:00.000Z" } });
    await ground.work(retried.map(({ message }) => message));
    expect(await ground.schedules.history(entry)).toMatchObject([{ outcome: "run", state: "SUCCESS" }]);

    const record = await ground.app.results.read(sent[0]?.id ?? "");
    if (record === undefined) throw new Error("It has no record.");
    await replay(ground.app, createRegistry(modules), record);
    expect(ground.sent()[0]?.message.schedule).toEqual({ name: entry, at: "2026-05-08T12:00:00.000Z" });
    // After the results' own lifetime.
    ground.turnTo("2026-05-20T12:00:00Z");
    await ground.schedules.pause(entry);
    expect((await ground.schedules.history(entry, 20)).at(-1)).toMatchObject({ outcome: "run", state: "SUCCESS" });
  });
});

describe("entries over HTTP", () => {
  it("have an ETag that a change must match, and a line in the audit trail", async () => {
    ground.turnTo("2026-05-09T12:00:00Z");
    const api = createApi(ground.app, createRegistry(modules));
    const path = `/schedules/${name()}`;
    const body = { task: "report", schedule: "0 8 * * *", timezone: "Asia/Kathmandu" };
    const made = await api.request("PUT", path, { body });
    const etag = made.headers.get("etag") ?? "";
    expect((await api.request("PUT", path, { body })).headers.get("etag")).toBe(etag);
    const changed = await api.request("PATCH", path, { body: { jitter: 5 }, headers: { "if-match": etag } });
    expect(changed.status).toBe(200);
    const late = await api.request("PATCH", path, { body: { jitter: 6 }, headers: { "if-match": etag } });
    expect(late.status).toBe(412);
    const shown: unknown = await (await api.request("GET", path)).json();
    expect(shown).toMatchObject({
      jitter: 5,
      static: false,
      next: ["2026-05-10T08:00:00+05:45", ...Array(4).fill(expect.any(String))],
    });
    const acts = engine.logged
      .filter(({ message, state }) => message === "An operator acted" && state === "done")
      .map(({ act }) => act);
    expect(acts).toEqual(["schedule", "schedule", "schedule"]);
  });

  it("are listed in pages, in the order of their names", async () => {
    ground.turnTo("2026-05-10T12:00:00Z");
    const names = Array.from({ length: 23 }, (_, index) => `user-${String(index).padStart(2, "0")}`);
    for (const one of names) await ground.schedules.create(one, { task: report, schedule: "0 8 * * *" });
    const api = createApi(ground.app, createRegistry(modules));
    const page = z.object({ schedules: z.array(z.object({ name: z.string() })), cursor: z.string().optional() });
    const found: string[] = [];
    for (let cursor: string | undefined = ""; cursor !== undefined; ) {
      const query: string = cursor === "" ? "" : `&cursor=${cursor}`;
      const answer = page.parse(await (await api.request("GET", `/schedules?prefix=user-&limit=5${query}`)).json());
      found.push(...answer.schedules.map((one) => one.name));
      cursor = answer.cursor;
    }
    expect(found).toEqual(names);
  });

  it("preview says what may surprise", () => {
    const notes = (schedule: string, more: object = {}) => ground.schedules.preview({ schedule, ...more }).notes;
    expect(notes("rate(2 hours)", { repeatedTime: "twice" })).toEqual([
      "It follows no clock of its zone: skippedTime and repeatedTime change nothing.",
    ]);
    expect(notes("0 8 31 * *")).toEqual(["Months without that day are passed over."]);
    expect(notes("0 8 30 12 *")).toEqual([]);
  });

  it("preview says what a change of the clock does", async () => {
    ground.turnTo("2026-03-01T12:00:00Z");
    const api = createApi(ground.app, createRegistry(modules));
    const answer = await api.request(
      "GET",
      "/schedule-preview?schedule=30%202%20*%20*%20*&timezone=Europe/Berlin&skippedTime=runAfter",
    );
    expect(await answer.json()).toMatchObject({
      next: ["2026-03-02T02:30:00+01:00", ...Array(4).fill(expect.any(String))],
      clockChanges: [
        { at: "2026-03-29T03:00:00+02:00", minutes: 60, effect: "1 fire time comes at this moment" },
        { at: "2026-10-25T02:00:00+01:00", minutes: -60, effect: "1 fire time comes twice, and fires once" },
      ],
    });
  });
});
