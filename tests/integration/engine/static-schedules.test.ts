import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { collectSchedule, isOnScheduler, staticEntry } from "../../../shared/beat/schedule-entries.ts";
import { historyOf } from "../../../shared/entries/history.ts";
import { createReadApi } from "../../../shared/http/read.ts";
import { beatSchedule, createApp, createBeat, crontab, every, files, solar } from "../../../shared/index.ts";
import { createRegistry } from "../../../shared/task/registry.ts";
import { type Engine, startEngine } from "../../helpers/engine.ts";
import { createScheduleGround, report, type ScheduleGround } from "./schedule-ground.ts";

const schedule = beatSchedule({
  plain: { task: report, schedule: crontab({ hour: 8, minute: 0 }) },
  both: { task: report, schedule: crontab({ hour: 8, minute: 0, dayOfMonth: "1-7", dayOfWeek: "mon" }) },
  seconds: { task: report, schedule: every({ seconds: 20 }), enabled: false },
  sun: { task: report, schedule: solar("sunrise", { latitude: 52.52, longitude: 13.4 }) },
  rested: { task: report, schedule: crontab({ hour: 9, minute: 0 }), jitter: 1 },
  bounded: { task: report, schedule: crontab({ minute: "*/10" }), end: "2026-06-01T08:30:00Z", payload: { id: 5 } },
});
const modules = [{ file: "static.ts", exports: { report, schedule } }];

const LIST = z.object({ schedules: z.array(z.object({ name: z.string(), enabled: z.boolean() })) });

let engine: Engine;
let ground: ScheduleGround;
beforeAll(async () => {
  engine = await startEngine();
  ground = createScheduleGround(engine, [{ file: "static.ts", exports: { report, schedule } }]);
});
afterAll(() => engine.stop());

const named = (name: string): string[] => {
  const sent = ground.sent();
  return sent.filter(({ message }) => message.schedule?.name === name).map(({ at }) => at.slice(0, 16));
};

describe("entries that code declares", () => {
  it("stay on EventBridge Scheduler where it can say them", () => {
    const entries = collectSchedule(modules);
    expect(entries.filter(isOnScheduler).map(({ name }) => name)).toEqual(["plain"]);
  });

  it("are fired by the tick from the code where it cannot, and the first tick fires nothing", async () => {
    await ground.tickAt("2026-06-01T07:55:02Z");
    expect(ground.sent()).toEqual([]);
    await ground.tickFrom("2026-06-01T07:55:00Z", "2026-06-01T08:45:00Z");
    const sent = ground.sent();
    const times = (name: string): string[] =>
      sent.filter(({ message }) => message.schedule?.name === name).map(({ at }) => at.slice(11, 16));
    // The 1st of June 2026 is a Monday.
    expect(times("both")).toEqual(["08:00"]);
    expect(times("bounded")).toEqual(["08:00", "08:10", "08:20", "08:30"]);
    expect(times("seconds")).toEqual([]);
    expect(times("plain")).toEqual([]);
  });

  it("keep a pause, and lose it with their declaration", async () => {
    await ground.schedules.pause("both");
    await ground.tickAt("2026-07-06T07:59:02Z");
    await ground.tickFrom("2026-07-06T07:59:00Z", "2026-07-06T08:02:00Z");
    expect(named("both")).toEqual([]);
    const api = createReadApi(
      engine.app,
      createRegistry(modules),
      files,
      collectSchedule(modules).map((one) => staticEntry(one, "UTC")),
    );
    const answer = await api.request("http://127.0.0.1:3000/schedules", { headers: { host: "127.0.0.1:3000" } });
    const { schedules } = LIST.parse(await answer.json());
    expect(schedules.map(({ name, enabled }) => [name, enabled])).toEqual([
      ["both", false],
      ["bounded", true],
      ["plain", true],
      ["rested", true],
      ["seconds", false],
      ["sun", true],
    ]);
    await expect(ground.schedules.create("both", { task: report, schedule: "0 8 * * *" })).rejects.toMatchObject({
      code: "SCHEDULE_STATIC",
    });
    await ground.schedules.resume("both");
    expect(await engine.app.schedules.pauseOf("both")).toMatchObject({ paused: false });
    const without = createScheduleGround(engine);
    await without.tickAt("2026-07-06T08:03:02Z");
    expect(await engine.app.schedules.pauseOf("both")).toBeUndefined();
  });

  it("on Scheduler do not fire while they are paused, nor what was due by the end of the pause", async () => {
    const beat = createBeat(modules, ground.app);
    const fire = (day: string) => beat({ schedule: "plain", scheduledTime: `2026-07-${day}T08:00:00Z` });
    ground.turnTo("2026-07-07T08:00:02Z");
    await ground.schedules.pause("plain");
    const { id } = await fire("07");
    expect(ground.sent()).toEqual([]);
    expect(await engine.app.results.read(id)).toBeUndefined();
    ground.turnTo("2026-07-08T08:00:02Z");
    await fire("08");
    ground.turnTo("2026-07-08T08:00:05Z");
    await ground.schedules.resume("plain");
    await fire("08");
    expect(ground.sent()).toEqual([]);
    ground.turnTo("2026-07-09T08:00:02Z");
    const next = await fire("09");
    expect(ground.sent().map((one) => one.id)).toEqual([next.id]);
  });

  it.each([
    ["by Scheduler", "plain"],
    ["by the tick", "rested"],
  ])("that are fired %s show a pause in their history, while it lasts and after it", async (_, name) => {
    const entry = collectSchedule(modules)
      .map((one) => staticEntry(one, "UTC"))
      .find((one) => one.name === name);
    if (entry === undefined) throw new Error(`There is no entry ${name}.`);
    const lines = async () =>
      (await historyOf(ground.app, entry, 10)).map(({ at, until, outcome }) => [
        at.slice(8, 16),
        until?.slice(8, 16),
        outcome,
      ]);
    ground.turnTo("2026-11-09T07:00:00Z");
    const before = await lines();
    await ground.schedules.pause(name);
    ground.turnTo("2026-11-10T23:00:00Z");
    expect(await lines()).toEqual([["09T07:00", undefined, "paused"], ...before]);
    await ground.schedules.resume(name);
    ground.turnTo("2026-11-11T07:00:00Z");
    expect(await lines()).toEqual([["09T07:00", "10T23:00", "paused"], ...before]);
  });
});

describe("a stage that is to fire nothing", () => {
  it("fires nothing, and makes up for nothing", async () => {
    ground.turnTo("2026-08-01T11:59:00Z");
    await ground.tickAt("2026-08-01T11:59:02Z");
    ground.sent();
    await ground.schedules.create("noon", { task: report, schedule: "0 12 * * *", catchUp: "all" });
    const off = createApp({ ...engine.environment, BEAT: "off" }, { clock: () => engine.clock.now });
    const { tick } = await import("../../../shared/beat/tick.ts");
    for (const minute of ["00", "01", "02"]) {
      ground.turnTo(`2026-08-01T12:${minute}:02Z`);
      await tick(
        off,
        createRegistry(modules),
        { names: new Set(), ticked: [] },
        { scheduledTime: engine.clock.now, mayGoOn: () => true },
      );
    }
    const left = { at: "2026-08-01T12:00:00.000Z", outcome: "skipped", reason: expect.stringContaining("BEAT is off") };
    const entry = await engine.app.schedules.read("noon");
    if (entry?.kind !== "entry") throw new Error("The entry cannot be read.");
    expect(await historyOf(off, entry.entry, 10)).toEqual([left]);
    await ground.tickAt("2026-08-01T12:03:02Z");
    expect(named("noon")).toEqual([]);
    expect(await ground.schedules.history("noon")).toEqual([left]);
    await ground.tickAt("2026-08-02T12:00:02Z");
    expect(named("noon")).toEqual(["2026-08-02T12:00"]);
    await ground.schedules.delete("noon");
  });
});

describe("a clock that is wrong", () => {
  it("changes nothing when Scheduler's differs", async () => {
    ground.turnTo("2026-09-01T12:00:02Z");
    await ground.schedules.create("daily", { task: report, schedule: "5 12 * * *" });
    ground.turnTo("2026-09-01T13:00:02Z");
    const { createTick } = await import("../../../shared/index.ts");
    const outcome = await createTick(modules, ground.app)(
      { scheduledTime: "2026-09-01T12:01:00Z" },
      { getRemainingTimeInMillis: () => 50_000 },
    );
    expect(outcome).toEqual({ due: 0, failed: 0 });
    expect(named("daily")).toEqual([]);
    await ground.tickAt("2026-09-01T12:05:02Z");
    expect(named("daily")).toEqual(["2026-09-01T12:05"]);
    await ground.schedules.delete("daily");
  });

  it("forward 30 days and back: the next fire time comes, and none twice", async () => {
    ground.turnTo("2026-10-01T12:00:10Z");
    await ground.schedules.create("turned", { task: report, schedule: "30 12 * * *" });
    await ground.schedules.create("often", { task: report, schedule: "* * * * *" });
    await ground.tickFrom("2026-10-01T12:00:00Z", "2026-10-01T12:02:00Z");
    expect(named("often")).toEqual(["2026-10-01T12:01", "2026-10-01T12:02"]);
    await ground.tickAt("2026-10-31T12:31:02Z");
    const ahead = ground.sent();
    await ground.tickFrom("2026-10-01T12:02:00Z", "2026-10-01T12:31:00Z");
    const sent = ground.sent();
    const of = (name: string): string[] =>
      sent.filter(({ message }) => message.schedule?.name === name).map(({ at }) => at.slice(11, 16));
    expect(of("turned")).toEqual(["12:30"]);
    // Those of the minute in which the clock was set back are computed anew with it.
    expect(of("often").slice(-28)).toHaveLength(28);
    expect(new Set(of("often")).size).toBe(of("often").length);
    expect(ahead.every(({ at }) => at.startsWith("2026-10-31"))).toBe(true);
    for (const name of ["turned", "often"]) await ground.schedules.delete(name);
  });
});
