import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { beatInput, firingId } from "../../../shared/beat/beat.ts";
import { recordDeadFiring } from "../../../shared/beat/dead-firing.ts";
import { checkEntry, collectSchedule } from "../../../shared/beat/schedule-entries.ts";
import { replayOrHeal } from "../../../shared/canvas/heal.ts";
import { putEntry } from "../../../shared/entries/edit.ts";
import {
  beatSchedule,
  chain,
  createBeat,
  createRegistry,
  group,
  type TaskModule,
  task,
} from "../../../shared/index.ts";
import { type Engine, startEngine, uniqueName } from "../../helpers/engine.ts";
import { createScheduleGround, report, type ScheduleGround } from "./schedule-ground.ts";

const count = task({ name: "count", payload: z.object({ text: z.string() }), run: ({ text }) => text.length });
const keep = task({
  name: "keep",
  payload: z.object({ length: z.number() }),
  run: ({ length }, { schedule }) => ({ length, at: schedule?.at.toISOString(), manual: schedule?.manual }),
});
const steps = chain(count.s({ text: "abc" }), keep.s().into("length"));
const schedule = beatSchedule({
  "plain-flow": { workflow: steps, schedule: "cron(0 8 * * ? *)" },
  "ticked-flow": { workflow: steps, schedule: "cron(30 8 * * ? *)", overlap: "skip", options: { tags: ["nightly"] } },
});
const others: TaskModule[] = [{ file: "steps.ts", exports: { count, keep, schedule } }];

let engine: Engine;
let ground: ScheduleGround;
beforeAll(async () => {
  engine = await startEngine();
  ground = createScheduleGround(engine, others);
});
afterEach(() => ground.clear());
afterAll(() => engine.stop());

/** Runs what was sent, and what that sends. */
async function workAll(): Promise<string[]> {
  const ran: string[] = [];
  for (let sent = ground.sent(); sent.length > 0; sent = ground.sent()) {
    ran.push(...sent.map(({ message }) => message.task));
    await ground.work(sent.map(({ message }) => message));
  }
  return ran;
}

describe("an entry that sends a workflow", () => {
  it("sends one for each fire time, whose tasks are told the time", async () => {
    ground.turnTo("2026-05-04T07:58:00Z");
    const name = uniqueName("flow");
    const view = await ground.schedules.create(name, { workflow: steps, schedule: "0 8 * * *" });
    expect(view).toMatchObject({ definition: { workflow: steps.node } });
    expect(view).not.toHaveProperty("task");

    await ground.tickFrom("2026-05-04T07:58:00Z", "2026-05-04T08:02:00Z");
    // The same tick once more.
    await ground.tickAt("2026-05-04T08:00:30Z");

    expect(await workAll()).toEqual(["count", "keep"]);
    const [line] = await ground.schedules.history(name);
    expect(line).toMatchObject({ at: "2026-05-04T08:00:00.000Z", outcome: "run", state: "SUCCESS" });
    expect(await ground.app.results.read(line?.id ?? "")).toMatchObject({
      schedule: { name, at: "2026-05-04T08:00:00.000Z" },
      result: { length: 3, at: "2026-05-04T08:00:00.000Z", manual: false },
    });
  });

  it("is sent once by two ticks at one moment", async () => {
    ground.turnTo("2026-05-03T07:58:00Z");
    const name = uniqueName("flow");
    await ground.schedules.create(name, { workflow: steps, schedule: "0 8 * * *" });
    const other = createScheduleGround(engine, others);
    await Promise.all([ground.tickAt("2026-05-03T08:00:02Z"), other.tickAt("2026-05-03T08:00:02Z")]);
    const messages = [...ground.sent(), ...other.sent()].map(({ message }) => message);
    expect(new Set(messages.map(({ id }) => id)).size).toBe(1);
    await ground.work(messages);
    await workAll();
    const [line, ...more] = await ground.schedules.history(name);
    expect(more).toEqual([]);
    expect(await ground.app.results.read(line?.id ?? "")).toMatchObject({ state: "SUCCESS", attempt: 1 });
  });

  it("is run by hand, and marked so", async () => {
    const name = uniqueName("flow");
    await ground.schedules.create(name, { workflow: steps, schedule: "0 8 * * *", enabled: false });
    const { id } = await ground.schedules.run(name, steps);
    await workAll();
    expect(await ground.app.results.read(id)).toMatchObject({ result: { length: 3, manual: true } });
    expect(await ground.schedules.history(name)).toMatchObject([
      { outcome: "manual", id, state: "SUCCESS" },
      { outcome: "paused" },
    ]);
  });

  it.each([
    { what: "a chain", workflow: steps },
    { what: "a group, which has no record", workflow: group([count.si({ text: "a" }), count.si({ text: "ab" })]) },
  ])("counts overlaps by the root of $what", async ({ workflow }) => {
    ground.turnTo("2026-05-05T07:58:00Z");
    const name = uniqueName("flow");
    await ground.schedules.create(name, { workflow, schedule: "* * * * *", overlap: "skip" });
    await ground.tickAt("2026-05-05T07:59:02Z");
    await ground.tickAt("2026-05-05T08:00:02Z");
    const outcomes = async (): Promise<(string | undefined)[]> =>
      (await ground.schedules.history(name)).map(({ outcome, state }) => (outcome === "run" ? state : outcome));
    expect((await outcomes())[0]).toBe("skipped");
    await workAll();
    await ground.tickAt("2026-05-05T08:01:02Z");
    await workAll();
    expect(await outcomes()).toEqual(["SUCCESS", "skipped", "SUCCESS"]);
  });

  it.each([
    { what: "a chain", workflow: steps },
    { what: "a group", workflow: group([count.si({ text: "a" }), count.si({ text: "ab" })]) },
  ])("does not run $what that waits for its second once the entry is paused", async ({ workflow }) => {
    ground.turnTo("2026-05-06T07:58:00Z");
    const name = uniqueName("flow");
    await ground.schedules.create(name, { workflow, schedule: "0 8 * * *", options: { countdown: 300 } });
    await ground.tickAt("2026-05-06T08:00:02Z");
    const sent = ground.sent();
    expect(sent).toHaveLength(1);
    ground.turnTo("2026-05-06T08:02:00Z");
    await ground.schedules.pause(name);
    ground.turnTo("2026-05-06T08:05:03Z");
    await ground.work(sent.map(({ message }) => message));
    expect(await workAll()).toEqual([]);
    expect((await ground.schedules.history(name)).find(({ outcome }) => outcome === "run")).toMatchObject({
      state: "REVOKED",
    });
  });

  it("is a failure that can be replayed if a task of it is gone", async () => {
    ground.turnTo("2026-05-07T07:58:00Z");
    const name = uniqueName("flow");
    const stranger = task({ name: "stranger", payload: z.object({}), run: () => 1 });
    await ground.schedules.create(name, { workflow: chain(stranger.s({})), schedule: "0 8 * * *" });
    await ground.tickAt("2026-05-07T08:00:02Z");
    expect(ground.sent()).toEqual([]);
    const [line] = await ground.schedules.history(name);
    expect(line).toMatchObject({ outcome: "run", state: "FAILURE" });
    const record = await ground.app.results.read(line?.id ?? "");
    expect(record).toMatchObject({ task: "(workflow)", error: { code: "TASK_NOT_SENT" }, schedule: { name } });
    if (record === undefined) return;

    const registry = createRegistry([...others, { file: "s.ts", exports: { stranger } }]);
    const [first, again] = [
      await replayOrHeal(ground.app, registry, record),
      await replayOrHeal(ground.app, registry, record),
    ];
    expect(again.id).toBe(first.id);
    expect(ground.sent().map(({ message }) => [message.task, message.schedule?.at])).toEqual([
      ["stranger", "2026-05-07T08:00:00.000Z"],
    ]);
  });

  it("is checked before it is stored", async () => {
    const name = uniqueName("flow");
    const rules = { schedule: "0 8 * * *" };
    const registry = createRegistry([...others, { file: "report.ts", exports: { report } }]);
    const put = (fields: Parameters<typeof putEntry>[3]["fields"]) =>
      putEntry(ground.app, registry, name, { fields: { ...rules, ...fields } });
    await expect(put({ workflow: { chain: [] } })).rejects.toMatchObject({ code: "WORKFLOW_INVALID" });
    await expect(put({ workflow: { task: "nobody" } })).rejects.toMatchObject({ code: "WORKFLOW_INVALID" });
    await expect(put({ workflow: { task: "count", payload: {} } })).rejects.toMatchObject({ code: "WORKFLOW_INVALID" });
    await expect(put({ workflow: steps.node as never, task: "count" })).rejects.toThrow("'workflow'");
    await expect(put({ workflow: steps.node as never, options: { ignoreResult: true } })).rejects.toThrow(
      "options.ignoreResult",
    );
    await expect(put({})).rejects.toThrow("'workflow' in its place");
    await expect(ground.schedules.get(name)).rejects.toMatchObject({ code: "SCHEDULE_NOT_FOUND" });
  });

  it("may become one that sends a task, and the other way round", async () => {
    ground.turnTo("2026-05-08T07:58:00Z");
    const name = uniqueName("flow");
    await ground.schedules.create(name, { task: report, payload: { id: 4 }, schedule: "0 8 * * *" });
    expect((await ground.schedules.change(name, { workflow: steps })).definition).toMatchObject({ payload: null });
    const { definition } = await ground.schedules.change(name, { task: report, payload: { id: 5 } });
    expect(definition).toMatchObject({ task: "report", payload: { id: 5 } });
    expect(definition).not.toHaveProperty("workflow");
  });

  it.each([
    { catchUp: "last", times: ["11:30"] },
    { catchUp: "all", times: ["09:30", "10:30", "11:30"] },
  ] as const)("is caught up with after an outage: $catchUp", async ({ catchUp, times }) => {
    ground.turnTo("2026-05-11T08:58:00Z");
    const name = uniqueName("flow");
    await ground.schedules.create(name, { workflow: steps, schedule: "30 * * * *", catchUp });
    await ground.tickAt("2026-05-11T08:59:02Z");
    await ground.tickAt("2026-05-11T12:00:02Z");
    expect(ground.sent().map(({ at }) => at.slice(11, 16))).toEqual(times);
  });

  it("is not sent when it has expired, and gives its options to its tasks", async () => {
    ground.turnTo("2026-05-12T07:58:00Z");
    const name = uniqueName("flow");
    const options = { expires: 60, tags: ["t"], headers: { h: "1" }, queue: "low" };
    await ground.schedules.create(name, { workflow: steps, schedule: "0 8 * * *", options, catchUp: "all" });
    await ground.tickAt("2026-05-12T08:00:02Z");
    const [sent] = ground.sent();
    expect(sent?.message).toMatchObject({
      task: "count",
      queue: "low",
      tags: ["t"],
      headers: { h: "1" },
      expires: "2026-05-12T08:01:00.000Z",
    });
    await ground.tickAt("2026-05-13T10:00:02Z");
    expect(ground.sent()).toEqual([]);
    expect((await ground.schedules.history(name))[0]).toMatchObject({ outcome: "skipped" });
  });

  it("cancels the run before, and starts when that has ended", async () => {
    ground.turnTo("2026-05-14T07:54:00Z");
    const name = uniqueName("flow");
    await ground.schedules.create(name, { workflow: steps, schedule: "*/5 * * * *", overlap: "cancel" });
    await ground.tickFrom("2026-05-14T07:54:00Z", "2026-05-14T08:01:00Z");
    await workAll();
    const lines = await ground.schedules.history(name);
    expect(lines.map(({ at, state, workflow }) => [at.slice(11, 16), state, workflow])).toEqual([
      ["08:00", "SUCCESS", true],
      ["07:55", "REVOKED", true],
    ]);
  });
});

describe("an entry of the code that sends a workflow", () => {
  const plain = schedule.entries.find(({ name }) => name === "plain-flow");
  const firing = { schedule: "plain-flow", scheduledTime: "2026-06-01T08:00:00Z" };

  it("is fired by EventBridge Scheduler, once for each time", async () => {
    ground.turnTo("2026-06-01T08:00:01Z");
    const beat = createBeat(others, ground.app);
    const { id } = await beat(firing);
    await beat(firing);
    expect(await workAll()).toEqual(["count", "keep"]);
    expect(await ground.app.results.read(id)).toMatchObject({
      schedule: { name: "plain-flow", at: "2026-06-01T08:00:00.000Z" },
      result: { length: 3, at: "2026-06-01T08:00:00.000Z" },
    });
  });

  it("is fired by the tick where EventBridge cannot say it", async () => {
    await ground.tickAt("2026-06-02T08:28:02Z");
    await ground.tickFrom("2026-06-02T08:28:00Z", "2026-06-02T08:32:00Z");
    const sent = ground.sent();
    expect(sent.map(({ at, message }) => [at.slice(11, 16), message.task, message.tags])).toEqual([
      ["08:30", "count", ["nightly"]],
    ]);
  });

  it("is a failure that can be replayed if AWS gives its firing up", async () => {
    if (plain === undefined) throw new Error("There is no entry.");
    const time = "2026-06-03T08:00:00Z";
    const { task: name, queue, payload } = JSON.parse(beatInput(plain));
    const dead = { schedule: plain.name, scheduledTime: new Date(time), task: name, queue, payload };
    await recordDeadFiring(ground.app, { firing: dead, reason: "the beat function failed" });
    const record = await ground.app.results.read(firingId(dead));
    expect(record).toMatchObject({ task: "(workflow)", state: "FAILURE", schedule: { name: "plain-flow" } });
    if (record === undefined) return;
    const { id } = await replayOrHeal(ground.app, createRegistry(others), record);
    await workAll();
    expect(await ground.app.results.read(id)).toMatchObject({
      result: { length: 3, at: new Date(time).toISOString() },
    });
  });

  it("is refused by the build with a task that is not exported, or a payload that does not fit", async () => {
    const stranger = task({ name: "stranger", payload: z.object({ n: z.number() }), run: () => 1 });
    const odd = beatSchedule({ odd: { workflow: chain(stranger.s({ n: 1 })), schedule: "cron(0 8 * * ? *)" } });
    expect(() => collectSchedule([{ file: "a.ts", exports: { count, odd } }])).toThrow("its task 'stranger' to be");
    const ground = { now: new Date("2026-06-01T00:00:00Z"), timezone: "UTC", queues: ["default"], isFifo: () => false };
    const [entry] = beatSchedule({
      late: { workflow: chain(count.s({ text: "a" }).set({ queue: "nowhere" })), schedule: "cron(0 8 * * ? *)" },
    }).entries;
    if (entry) await expect(checkEntry(entry, ground)).rejects.toThrow("a workflow that can be sent");
    const both: object = { workflow: steps, task: count, schedule: "cron(0 8 * * ? *)" };
    expect(() => Reflect.apply(beatSchedule, undefined, [{ both }])).toThrow("one of them");
  });
});
