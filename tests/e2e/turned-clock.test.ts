import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { type Client, createClient, toAnswer } from "../../localstack/client.ts";
import { type Service, startService } from "../../localstack/service.ts";
import { CODE, firingId } from "../../shared/schedules/name.ts";

let service: Service;
let client: Client;
beforeAll(async () => {
  service = await startService({ environment: { LOVAGE_TASKS: "tests/fixtures/tasks" } });
  client = createClient(service.url);
});
afterAll(async () => {
  await service.stop();
});

const call = async (method: string, path: string, body?: object) => {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(service.url + path, { method, ...(body && { headers, body: JSON.stringify(body) }) });
  return toAnswer(await answer.json());
};

const clock = async (): Promise<Date> => {
  const shown = await fetch(`${service.endpoint}/_lovage/clock`);
  return new Date(String(toAnswer(await shown.json()).now));
};

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const SCHEDULED = z.object({
  state: z.string(),
  startedAt: z.string(),
  schedule: z.object({ name: z.string(), at: z.string() }),
});

describe("a local stage whose clock is turned", () => {
  it("fires entries, ends delays and goes on by the new time in each of its parts", async () => {
    const due = new Date((Math.floor(Date.now() / HOUR) + 20) * HOUR);
    const schedule = `${due.getUTCMinutes()} ${due.getUTCHours()} * * *`;
    await call("PUT", "/schedules/once-a-day", { task: "add", payload: { x: 4, y: 6 }, schedule, timezone: "UTC" });
    const plain = { payload: { text: "later" } };
    const [bySqs, byTimer, past] = await Promise.all([
      client.post("/tasks/echo", { ...plain, options: { countdown: 600 } }),
      client.post("/tasks/echo", { ...plain, options: { countdown: 18 * 3600 } }),
      client.post("/tasks/echo", { ...plain, options: { countdown: 21 * 3600 } }),
    ]);
    await service.turnClock(due);

    for (const { id } of [bySqs, byTimer]) {
      expect(await client.waitFor(`/tasks/${id}`)).toMatchObject({ state: "SUCCESS", result: "later" });
    }
    const { runs } = await call("GET", "/schedules/once-a-day");
    const [run] = Array.isArray(runs) ? runs : [];
    expect(run).toMatchObject({ at: due.toISOString(), outcome: "run" });
    const record = await client.waitFor(`/tasks/${toAnswer(run).id}`);
    expect(record).toMatchObject({ state: "SUCCESS", result: 10, schedule: { name: "once-a-day" } });
    const late = Date.parse(String(record.startedAt)) - due.getTime();
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(MINUTE);
    expect(await call("GET", `/tasks/${past.id}`)).toMatchObject({ state: "PENDING" });
  });

  it("fires every entry at each of its times, for days, and starts each run at its second", async () => {
    const now = await clock();
    const day = Math.ceil(now.getTime() / DAY) * DAY;
    const end = new Date(day + 3 * DAY);
    const entry = (schedule: string, more: object = {}) => ({
      task: "add",
      payload: { x: 1, y: 2 },
      schedule,
      timezone: "UTC",
      options: { tags: ["each"] },
      keepHistory: 30 * 86_400,
      start: new Date(day).toISOString(),
      end: end.toISOString(),
      ...more,
    });
    const minute = new Date(day + 30 * HOUR);
    const bounds = { start: minute.toISOString(), end: new Date(minute.getTime() + 59_000).toISOString() };
    await call("PUT", "/schedules/each-often", entry("*/10 3-4 * * *", { overlap: "skip" }));
    await call("PUT", "/schedules/each-rare", entry("30 5,17 * * *"));
    await call("PUT", "/schedules/each-second", entry("rate(20 seconds)", bounds));
    await service.turnClock(end);

    const { tasks } = await call("GET", "/tasks?tag=each&limit=100");
    const runs = (Array.isArray(tasks) ? tasks : []).map((one) => SCHEDULED.parse(one));
    const of = (name: string) =>
      runs.filter(({ schedule }) => schedule.name === name).map(({ schedule }) => schedule.at);
    const days = [0, 1, 2].map((index) => day + index * DAY);
    const at = (times: readonly number[]): string[] => times.map((time) => new Date(time).toISOString()).toReversed();
    expect(of("each-rare")).toEqual(at(days.flatMap((one) => [one + 5.5 * HOUR, one + 17.5 * HOUR])));
    expect(of("each-often")).toEqual(
      at(days.flatMap((one) => Array.from({ length: 12 }, (_, n) => one + 3 * HOUR + n * 10 * MINUTE))),
    );
    expect(of("each-second")).toEqual(at([0, 20_000, 40_000].map((one) => minute.getTime() + one)));
    for (const { state, startedAt, schedule } of runs) {
      const late = Date.parse(startedAt) - Date.parse(schedule.at);
      expect({ state, onTime: late >= 0 && late < 15_000 }).toEqual({ state: "SUCCESS", onTime: true });
    }
    const { runs: shown } = await call("GET", "/schedules/each-often");
    expect(new Set((Array.isArray(shown) ? shown : []).map((one) => toAnswer(one).outcome))).toEqual(new Set(["run"]));
    expect(service.output()).not.toContain("missed");
  });

  it("tries again what failed, at its time and before the clock goes on", async () => {
    const from = await clock();
    const { id } = await client.post("/tasks/twice", { payload: {} });
    const last = await client.post("/tasks/twice", { payload: {}, options: { countdown: 5 * 3600 } });
    await service.turnClock(new Date(from.getTime() + DAY));
    for (const [one, begins] of [
      [id, from.getTime()],
      [last.id, from.getTime() + 5 * HOUR],
    ] as const) {
      const record = await client.waitFor(`/tasks/${one}`);
      expect(record).toMatchObject({ state: "SUCCESS", attempt: 2 });
      const took = Date.parse(String(record.startedAt)) - begins;
      expect(took).toBeGreaterThanOrEqual(120_000);
      expect(took).toBeLessThan(180_000);
    }
  });

  it("takes files by forms that were signed at the new time", async () => {
    const file = new TextEncoder().encode("a file");
    const { id, upload } = await client.post("/uploads", { filename: "a.txt", contentType: "text/plain", size: 6 });
    await client.upload(toAnswer(upload), file);
    expect(await client.waitFor(`/tasks/${id}`)).toMatchObject({ state: "SUCCESS" });
  });

  it("fires an entry of the code months later, and no time twice", async () => {
    const now = await clock();
    const newYear = new Date(Date.UTC(now.getUTCFullYear(), 11, 31, 23));
    const due = newYear > now ? newYear : new Date(Date.UTC(now.getUTCFullYear() + 1, 11, 31, 23));
    await service.turnClock(new Date(due.getTime() + 5 * MINUTE));
    const id = firingId({ name: "new-year", incarnation: CODE }, due);
    expect(await client.waitFor(`/tasks/${id}`)).toMatchObject({ state: "SUCCESS", result: 2, attempt: 1 });
    expect(service.output()).not.toContain("minutes apart");
  });

  it("refuses to go back, in one sentence", async () => {
    await expect(service.turnClock(new Date("2020-01-01T00:00:00Z"))).rejects.toThrow(
      /^The clock cannot be turned to 2020-01-01T00:00:00.000Z: expected a time within 400 days from .*Z\.$/,
    );
  });
});
