import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { createScheduleApi } from "../../../shared/entries/schedules.ts";
import { crontab, every, task } from "../../../shared/index.ts";
import { type Engine, startEngine, uniqueName } from "../../helpers/engine.ts";
import { createScheduleGround, report, type ScheduleGround } from "./schedule-ground.ts";

let engine: Engine;
let ground: ScheduleGround;
beforeAll(async () => {
  engine = await startEngine();
  ground = createScheduleGround(engine);
});
afterEach(() => ground.clear());
afterAll(() => engine.stop());

const name = (): string => uniqueName("entry");
const daily = { task: report, schedule: crontab({ hour: 8, minute: 0 }), timezone: "Europe/Berlin" };

describe("an entry that is made at run time", () => {
  it("fires once at its time, with its payload and the time in the task's hand", async () => {
    ground.turnTo("2026-05-04T05:58:30Z");
    const entry = name();
    const view = await ground.schedules.create(entry, { ...daily, payload: { id: 42 } });
    expect(view.next[0]).toBe("2026-05-04T08:00:00+02:00");

    await ground.tickFrom("2026-05-04T05:58:00Z", "2026-05-04T06:10:00Z");
    // Late, and twice.
    await ground.tickAt("2026-05-04T06:10:03Z");
    const sent = ground.sent();

    expect(sent.map(({ at, message }) => [at, message.payload])).toEqual([["2026-05-04T06:00:00.000Z", { id: 42 }]]);
    await ground.work(sent.map(({ message }) => message));
    expect(await ground.app.results.read(sent[0]?.id ?? "")).toMatchObject({
      state: "SUCCESS",
      schedule: { name: entry, at: "2026-05-04T06:00:00.000Z" },
      result: { id: 42, at: "2026-05-04T06:00:00.000Z", manual: false },
    });
    expect(await ground.schedules.history(entry)).toMatchObject([
      { outcome: "run", state: "SUCCESS", id: sent[0]?.id },
    ]);
    await ground.schedules.delete(entry);
  });

  it("does not fire when it is made, paused, resumed or changed, and never backwards", async () => {
    ground.turnTo("2026-05-05T11:31:10Z");
    const entry = name();
    await ground.schedules.create(entry, { task: report, schedule: "* * * * *", catchUp: "all" });
    await ground.tickFrom("2026-05-05T11:31:00Z", "2026-05-05T11:33:00Z");
    expect(ground.sent()).toHaveLength(2);
    await ground.schedules.pause(entry);
    await ground.tickFrom("2026-05-05T11:33:00Z", "2026-05-05T11:45:00Z");
    await ground.schedules.resume(entry);
    await ground.tickFrom("2026-05-05T11:45:00Z", "2026-05-05T11:46:00Z");
    expect(ground.sent().map(({ at }) => at)).toEqual(["2026-05-05T11:46:00.000Z"]);
    expect((await ground.schedules.history(entry, 3)).map(({ outcome }) => outcome)).toEqual(["run", "paused", "run"]);

    await ground.schedules.change(entry, { schedule: crontab({ hour: 10, minute: 0 }) });
    await ground.tickFrom("2026-05-05T11:46:00Z", "2026-05-05T11:50:00Z");
    expect(ground.sent()).toEqual([]);
    expect((await ground.schedules.get(entry)).next[0]).toBe("2026-05-06T10:00:00+00:00");
    // History belongs to the name, also of the schedule before.
    expect((await ground.schedules.history(entry, 3)).map(({ outcome }) => outcome)).toEqual(["run", "paused", "run"]);
    await ground.schedules.delete(entry);
    await expect(ground.schedules.get(entry)).rejects.toThrow("No schedule entry has the name");
  });

  it("is the same when it is put again, and tells one of two editors", async () => {
    ground.turnTo("2026-05-06T12:00:00Z");
    const entry = name();
    const first = await ground.schedules.put(entry, daily);
    const again = await ground.schedules.put(entry, { ...daily, overlap: "allow" });
    expect(again.edition).toBe(first.edition);
    await ground.schedules.change(entry, { description: "one" }, { ifMatch: first.edition });
    await expect(
      ground.schedules.change(entry, { description: "two" }, { ifMatch: first.edition }),
    ).rejects.toMatchObject({ code: "SCHEDULE_CHANGED" });
    await expect(ground.schedules.create(entry, daily)).rejects.toMatchObject({ code: "SCHEDULE_EXISTS" });
    await ground.schedules.delete(entry);
    // A history of its own.
    await ground.schedules.create(entry, daily);
    expect(await ground.schedules.history(entry)).toEqual([]);
    await ground.schedules.delete(entry);
  });

  it("below a minute fires to the second, and what was sent ahead is not run after a change", async () => {
    ground.turnTo("2026-05-07T12:00:05Z");
    const entry = name();
    await ground.schedules.create(entry, { task: report, schedule: every({ seconds: 20 }) });
    await ground.tickFrom("2026-05-07T12:00:00Z", "2026-05-07T12:10:00Z");
    const sent = ground.sent();
    expect(sent).toHaveLength(33);
    expect(new Set(sent.map(({ at }) => at)).size).toBe(33);
    const late = sent.filter(({ at, start }) => Math.abs(start - Date.parse(at)) > 1000);
    expect(late.map(({ at }) => at)).toEqual(
      ["2026-05-07T12:00:20.000Z", "2026-05-07T12:00:40.000Z", "2026-05-07T12:01:00.000Z"].slice(0, late.length),
    );

    ground.turnTo("2026-05-07T12:10:30Z");
    await ground.schedules.pause(entry);
    ground.turnTo("2026-05-07T12:11:05Z");
    const ahead = sent.filter(({ at }) => at > "2026-05-07T12:10:05Z");
    await ground.work(ahead.map(({ message }) => message));
    const states = await Promise.all(ahead.map(async ({ id }) => (await ground.app.results.read(id))?.state));
    expect(states).toEqual(["SUCCESS", "REVOKED", "REVOKED"]);
    await ground.schedules.delete(entry);
  });
});

describe("an outage", () => {
  const outage = async (catchUp: "none" | "last" | "all", more: object = {}): Promise<string[]> => {
    ground.turnTo("2026-05-08T08:58:30Z");
    const entry = name();
    await ground.schedules.create(entry, { task: report, schedule: "*/30 * * * *", catchUp, ...more });
    await ground.tickFrom("2026-05-08T08:58:00Z", "2026-05-08T09:01:00Z");
    expect(ground.sent()).toHaveLength(1);
    await ground.tickAt("2026-05-08T12:10:02Z");
    await ground.tickAt("2026-05-08T12:11:02Z");
    const times = ground.sent().map(({ at }) => at.slice(11, 16));
    const history = await ground.schedules.history(entry, 20);
    expect(history.filter(({ outcome }) => outcome === "missed").map(({ count }) => count)).toEqual(
      times.length === 6 ? [] : [6 - times.length],
    );
    await ground.schedules.delete(entry);
    return times;
  };

  it("of three hours is made up for as the entry says", async () => {
    expect(await outage("none")).toEqual([]);
    expect(await outage("last")).toEqual(["12:00"]);
    expect(await outage("all")).toEqual(["09:30", "10:00", "10:30", "11:00", "11:30", "12:00"]);
    expect(await outage("all", { catchUpMax: 2 })).toEqual(["11:30", "12:00"]);
    expect(await outage("all", { catchUpAge: 3600 })).toEqual(["11:30", "12:00"]);
    expect(engine.logged.some(({ message, count }) => String(message).includes("missed") && count === 4)).toBe(true);
  });

  it("of twelve hours leaves one note for an entry of each minute", async () => {
    ground.turnTo("2026-05-09T00:00:10Z");
    const entry = name();
    await ground.schedules.create(entry, { task: report, schedule: "* * * * *", catchUp: "all", catchUpMax: 10 });
    await ground.tickFrom("2026-05-09T00:00:00Z", "2026-05-09T00:02:00Z");
    ground.sent();
    await ground.tickAt("2026-05-09T12:02:02Z");
    const sent = ground.sent();
    // The last five minutes are late, not missed.
    expect(sent).toHaveLength(10 + 5);
    expect((await ground.schedules.history(entry, 30)).filter(({ outcome }) => outcome === "missed")).toMatchObject([
      { count: 720 - 15 },
    ]);
    await ground.schedules.delete(entry);
  });

  it("shorter than the tolerance costs nothing", async () => {
    ground.turnTo("2026-05-10T11:58:00Z");
    const entry = name();
    await ground.schedules.create(entry, { task: report, schedule: "0 12 * * *" });
    await ground.tickAt("2026-05-10T11:59:02Z");
    await ground.tickAt("2026-05-10T12:04:30Z");
    expect(ground.sent()).toHaveLength(1);
    await ground.schedules.delete(entry);
  });
});

describe("overlap", () => {
  const minutes = async (
    overlap: "allow" | "skip" | "queueOne" | "cancel",
  ): Promise<{ history: string[]; runs: string[] }> => {
    ground.turnTo("2026-05-11T12:00:10Z");
    const entry = name();
    await ground.schedules.create(entry, { task: report, schedule: "* * * * *", overlap });
    await ground.tickFrom("2026-05-11T12:00:00Z", "2026-05-11T12:03:00Z");
    const first = ground.sent();
    // Its run ends now.
    await ground.work(first.slice(0, 1).map(({ message }) => message));
    await ground.tickFrom("2026-05-11T12:03:00Z", "2026-05-11T12:04:00Z");
    const runs = [...first, ...ground.sent()].map(({ at }) => at.slice(14, 16));
    const history = (await ground.schedules.history(entry)).map(({ outcome }) => outcome);
    await ground.schedules.delete(entry);
    return { history, runs };
  };

  it("is as the entry says while the run before waits", async () => {
    expect((await minutes("allow")).runs).toEqual(["01", "02", "03", "04"]);
    const skip = await minutes("skip");
    expect(skip.runs).toEqual(["01", "04"]);
    expect(skip.history).toEqual(["run", "skipped", "skipped", "run"]);
    // The newest waits, and has the place of the older one.
    const queue = await minutes("queueOne");
    expect(queue.runs).toEqual(["01", "03"]);
    expect(queue.history).toEqual(["waits", "run", "skipped", "run"]);
    const cancel = await minutes("cancel");
    expect(cancel.runs[0]).toBe("01");
    expect(cancel.runs.length).toBeGreaterThan(1);
  });
});

describe("a fire time that waits when its entry is paused", () => {
  it("has one line, whoever takes its place", async () => {
    ground.turnTo("2026-05-11T12:00:10Z");
    const entry = name();
    await ground.schedules.create(entry, { task: report, schedule: "* * * * *", overlap: "queueOne" });
    await ground.tickFrom("2026-05-11T12:00:00Z", "2026-05-11T12:03:00Z");
    ground.turnTo("2026-05-11T12:03:00Z");
    await ground.schedules.pause(entry);
    await ground.tickFrom("2026-05-11T12:03:00Z", "2026-05-11T12:10:00Z");
    await ground.schedules.resume(entry);
    await ground.tickFrom("2026-05-11T12:10:00Z", "2026-05-11T12:18:00Z");
    await ground.work(ground.sent().map(({ message }) => message));
    await ground.tickFrom("2026-05-11T12:18:00Z", "2026-05-11T12:20:00Z");
    const lines = await ground.schedules.history(entry, 20);
    expect(new Set(lines.map(({ at }) => at)).size).toBe(lines.length);
    await ground.schedules.delete(entry);
  });
});

describe("running by hand", () => {
  it("moves nothing, works while paused, and says who", async () => {
    ground.turnTo("2026-05-12T10:00:00Z");
    const entry = name();
    const before = await ground.schedules.create(entry, {
      ...daily,
      payload: { id: 7 },
      options: { tags: ["t"] },
      enabled: false,
    });
    const { id } = await ground.schedules.run(entry, report);
    const [sent] = ground.sent();
    expect(sent?.message).toMatchObject({
      id,
      payload: { id: 7 },
      tags: ["t"],
      schedule: { name: entry, manual: true },
    });
    const after = await ground.schedules.get(entry);
    expect(after).toEqual(before);
    expect(await ground.schedules.history(entry)).toMatchObject([
      { outcome: "manual", id, state: "PENDING" },
      { outcome: "paused" },
    ]);
    await ground.schedules.delete(entry);
  });
});

describe("the history of an entry", () => {
  it("has a run by hand before its message is sent, and none that was refused", async () => {
    ground.turnTo("2026-05-12T12:00:00Z");
    const entry = name();
    await ground.schedules.create(entry, { ...daily, enabled: false });
    const seen: unknown[] = [];
    const app = {
      ...ground.app,
      broker: {
        ...ground.app.broker,
        send: async () => {
          seen.push(...(await ground.schedules.history(entry)));
          throw new Error("the process dies");
        },
      },
    };
    await expect(createScheduleApi(() => app).run(entry, report)).rejects.toThrow("the process dies");
    expect(seen).toMatchObject([{ outcome: "manual", at: "2026-05-12T12:00:00.000Z" }, { outcome: "paused" }]);
    expect(seen[0]).not.toHaveProperty("state");
    const stranger = task({ name: "stranger", payload: z.object({}), run: () => 1 });
    await expect(ground.schedules.run(entry, stranger)).rejects.toThrow("'report' is not registered");
    expect(await ground.schedules.history(entry)).toHaveLength(2);
    await ground.schedules.delete(entry);
  });

  it("shows a pause that goes on, also one in which the entry was changed", async () => {
    ground.turnTo("2026-05-12T13:00:00Z");
    const entry = name();
    await ground.schedules.create(entry, { task: report, schedule: "*/10 * * * *" });
    await ground.schedules.pause(entry);
    ground.turnTo("2026-05-12T14:00:00Z");
    await ground.schedules.change(entry, { description: "another" });
    ground.turnTo("2026-05-12T15:00:00Z");
    const lines = async () =>
      (await ground.schedules.history(entry)).map(({ at, until, outcome }) =>
        [at, until, outcome].join(" ").replaceAll(/2026-05-12T|:00.000Z/g, ""),
      );
    expect(await lines()).toEqual(["14:00  paused", "13:00 14:00 paused"]);
    await ground.schedules.resume(entry);
    expect(await lines()).toEqual(["14:00 15:00 paused", "13:00 14:00 paused"]);
    await ground.schedules.delete(entry);
  });
});

describe("a change within the seconds before the tick", () => {
  it("leaves the fire time out, and history says so, for an entry that fires often, too", async () => {
    ground.turnTo("2026-05-12T16:00:30Z");
    await ground.tickAt("2026-05-12T16:00:30Z");
    const [rare, often] = [name(), name()];
    await ground.schedules.create(rare, { task: report, schedule: "5 * * * *" });
    await ground.schedules.create(often, { task: report, schedule: "* * * * *" });
    await ground.tickFrom("2026-05-12T16:00:00Z", "2026-05-12T16:04:00Z");
    ground.turnTo("2026-05-12T16:05:01Z");
    for (const entry of [rare, often]) await ground.schedules.change(entry, { description: "another" });
    await ground.tickFrom("2026-05-12T16:04:00Z", "2026-05-12T16:12:00Z");
    const lines = async (entry: string) =>
      (await ground.schedules.history(entry)).map(({ at, outcome, reason }) => [at.slice(11, 16), outcome, reason]);
    const reason = "the entry was changed before it was sent";
    expect(await lines(rare)).toEqual([["16:05", "skipped", reason]]);
    expect(await lines(often)).toEqual(
      [12, 11, 10, 9, 8, 7, 6, 5, 4, 3].map((minute) => {
        const at = `16:${String(minute).padStart(2, "0")}`;
        return minute === 5 ? [at, "skipped", reason] : [at, "run", undefined];
      }),
    );
    for (const entry of [rare, often]) await ground.schedules.delete(entry);
  });
});

describe("a broken entry", () => {
  it("is a failure under its own name, and stops no other", async () => {
    ground.turnTo("2026-05-13T11:59:00Z");
    const [broken, gone, good] = [name(), name(), name()];
    for (const entry of [broken, gone, good])
      await ground.schedules.create(entry, { task: report, schedule: "0 12 * * *" });
    const { scheduleKey } = await import("../../../shared/table/keys.ts");
    await engine.table.update({ key: scheduleKey(broken), set: { body: "{" } });
    const item = await engine.table.get(scheduleKey(gone));
    await engine.table.update({
      key: scheduleKey(gone),
      set: { body: String(item?.body).replace('"report"', '"nothing"') },
    });
    await ground.tickAt("2026-05-13T12:00:02Z");
    expect(ground.sent().map(({ message }) => message.schedule?.name)).toEqual([good]);
    const errors = engine.logged.filter(({ message }) => message === "A task could not be sent");
    expect(errors.map(({ reason }) => String(reason)).join()).toContain(broken);
    expect(errors.map(({ reason }) => String(reason)).join()).toContain("Task 'nothing' is not registered");
    for (const entry of [broken, gone, good]) await ground.schedules.delete(entry);
  });

  it.each([
    [{ schedule: "0 0 31 2 *" }, "expected a date that comes"],
    [{ schedule: "at(2020-01-01T00:00:00)" }, "for its last one has passed"],
    [{ schedule: "0 8 * * *", end: "2026-05-13T00:00:00Z" }, "Invalid end"],
    [{ schedule: "0 8 * * *", timezone: "Americas/Vancouver" }, "perhaps 'America/Vancouver'"],
    [{ schedule: "at(2027-03-28T02:30:00)", timezone: "Europe/Berlin" }, "the clock of its time zone skips that time"],
  ])("%j is refused where it is written", async (fields, sentence) => {
    ground.turnTo("2026-05-14T00:00:00Z");
    await expect(ground.schedules.create(name(), { task: report, ...fields })).rejects.toThrow(sentence);
  });

  it("names have an alphabet, and a tenant's name is written in it", async () => {
    for (const bad of ["", "a/b", "..", "%2F", "é", "x".repeat(201), "a b"]) {
      await expect(ground.schedules.create(bad, daily)).rejects.toMatchObject({ code: "SCHEDULE_INVALID" });
    }
    await ground.schedules.create("x".repeat(200), daily);
    await ground.schedules.delete("x".repeat(200));
  });
});
