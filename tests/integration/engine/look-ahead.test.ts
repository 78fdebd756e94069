import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collectSchedule, staticEntry } from "../../../shared/beat/schedule-entries.ts";
import { beatSchedule, createApp, createTick, createTimerSweep, crontab, every } from "../../../shared/index.ts";
import { fireTimes } from "../../../shared/schedules/timing.ts";
import { type Engine, startEngine } from "../../helpers/engine.ts";
import { createScheduleGround, report, type ScheduleGround } from "./schedule-ground.ts";

const schedule = beatSchedule({
  both: { task: report, schedule: crontab({ hour: 8, minute: 0, dayOfMonth: "1-7", dayOfWeek: "mon-wed" }) },
  plain: { task: report, schedule: crontab({ hour: 9, minute: 0 }) },
  off: { task: report, schedule: every({ seconds: 20 }), enabled: false },
  rested: { task: report, schedule: crontab({ minute: 1 }), jitter: 9 },
});
const modules = [{ file: "static.ts", exports: { report, schedule } }];
const MINUTE = 60_000;
const PLENTY = { getRemainingTimeInMillis: () => 50_000 };

let engine: Engine;
let ground: ScheduleGround;
beforeAll(async () => {
  engine = await startEngine();
  ground = createScheduleGround(engine, modules);
});
afterAll(() => engine.stop());

const ask = async (until: string): Promise<string | undefined> => {
  const answer = await createTick([...modules, { file: "report.ts", exports: { report } }], ground.app)(
    { nextUntil: until },
    PLENTY,
  );
  return answer.next;
};

/** Ticks at the first minute from each time that the tick has told, and tells how often. */
const jump = async (from: string, to: string): Promise<number> => {
  let ticks = 0;
  await ground.tickAt(from);
  for (let last = Date.parse(from); ; ticks += 1) {
    const next = await ask(to);
    if (next === undefined) return ticks;
    last = Math.max(last + MINUTE, Math.ceil(Date.parse(next) / MINUTE) * MINUTE);
    await ground.tickAt(new Date(last).toISOString());
  }
};

describe("a clock that goes from one time that the tick tells to the next", () => {
  it("fires each entry at each of its times, and ticks no oftener than there is something", {
    timeout: 120_000,
  }, async () => {
    const [from, to] = ["2026-06-01T00:00:00.000Z", "2026-06-02T12:00:00.000Z"];
    await ground.tickAt(from);
    await ground.schedules.pause("rested");
    const entries = {
      often: { schedule: "*/10 * * * *" },
      daily: { schedule: crontab({ hour: 8, minute: 0 }), timezone: "Asia/Kathmandu", catchUp: "all" },
      odd: { schedule: every({ minutes: 95 }), overlap: "skip" },
      late: { schedule: "30 5 * * *", jitter: 600 },
      seconds: { schedule: every({ seconds: 20 }), start: "2026-06-02T10:00:00Z", end: "2026-06-02T10:03:00Z" },
      rare: { schedule: "at(2026-06-02T11:00:30)" },
    } as const;
    for (const [name, entry] of Object.entries(entries))
      await ground.schedules.create(name, { task: report, ...entry });
    await ground.schedules.create("paused", { task: report, schedule: "* * * * *", enabled: false });
    ground.sent();
    const ticks = await jump(from, to);

    const sent = ground.sent();
    const of = (name: string) => sent.filter(({ message }) => message.schedule?.name === name).map(({ at }) => at);
    const expected = (timing: Parameters<typeof fireTimes>[0]) =>
      fireTimes(timing, new Date(from), new Date(to), 10_000).map((time) => time.toISOString());
    for (const name of Object.keys(entries)) {
      const { entry } = Object.assign({ entry: undefined }, await engine.app.schedules.read(name));
      if (entry === undefined) throw new Error(`There is no entry ${name}.`);
      const { timing }: { timing: Parameters<typeof fireTimes>[0] } = entry;
      // An entry whose runs nobody works at skips all but the first.
      expect({ [name]: name === "odd" ? of(name).length : of(name) }).toEqual({
        [name]: name === "odd" ? 1 : expected(timing),
      });
    }
    const [both] = collectSchedule(modules)
      .filter(({ name }) => name === "both")
      .map((one) => staticEntry(one, "UTC"));
    expect(of("both")).toEqual(both && expected(both.timing));
    expect(of("both")).toHaveLength(2);
    expect(new Set(of("rested"))).toEqual(new Set());
    const due = new Set(sent.map(({ at }) => at.slice(0, 16)));
    expect(ticks).toBeLessThan(due.size + 100);
    expect(engine.logged.filter(({ message }) => String(message).includes("missed"))).toEqual([]);
    await ground.clear();
  });

  it("asks for a tick at once where one has to come first: on a new service, after new zone data, where a failure was left", async () => {
    ground.turnTo("2026-07-01T00:00:30Z");
    const until = "2026-07-02T00:00:00Z";
    const now = () => engine.clock.now.toISOString();
    await engine.app.schedules.advance({ zones: "2019a" });
    expect(await ask(until)).toBe(now());
    await ground.tickAt("2026-07-01T00:01:00Z");
    await engine.app.schedules.putDue(
      { name: "nobody", edition: "never", at: engine.clock.now, visit: engine.clock.now },
      { now: engine.clock.now },
    );
    expect(await ask(until)).toBe(now());
    await ground.tickAt("2026-07-01T00:07:00Z");
    expect(await ask(until)).toBe("2026-07-01T08:00:00.000Z");
    expect(await ask("2026-07-01T07:59:00Z")).toBeUndefined();
  });

  it("has nothing to do on a stage that fires nothing", async () => {
    const off = createApp({ ...engine.environment, BEAT: "off" }, { clock: () => engine.clock.now });
    const answer = await createTick(modules, off)({ nextUntil: "2026-09-01T00:00:00Z" }, PLENTY);
    expect(answer).toEqual({ due: 0, failed: 0 });
  });
});

describe("the sweep of timers", () => {
  const next = async (until: string) => (await createTimerSweep(engine.app)({ nextUntil: until }, PLENTY)).next;

  it("tells when the next timer comes near, however far it is", async () => {
    ground.turnTo("2026-10-01T00:00:00Z");
    expect(await next("2027-10-01T00:00:00Z")).toBeUndefined();
    await report.applyAsync({}, { countdown: 40 * 86_400 });
    await report.applyAsync({}, { countdown: 3600 });
    expect(await next("2027-10-01T00:00:00Z")).toBe("2026-10-01T00:58:00.000Z");
    ground.turnTo("2026-10-01T00:59:00Z");
    await createTimerSweep(engine.app)(undefined, PLENTY);
    expect(await next("2026-11-09T00:00:00Z")).toBeUndefined();
    expect(await next("2027-10-01T00:00:00Z")).toBe("2026-11-09T23:58:00.000Z");
  });
});
