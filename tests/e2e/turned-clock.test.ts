import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Client, createClient, toAnswer } from "../../localstack/client.ts";
import { type Service, startService } from "../../localstack/service.ts";
import { CODE, firingId } from "../../shared/schedules/entry.ts";

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

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

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

  it("takes files by forms that were signed at the new time", async () => {
    const file = new TextEncoder().encode("a file");
    const { id, upload } = await client.post("/uploads", { filename: "a.txt", contentType: "text/plain", size: 6 });
    await client.upload(toAnswer(upload), file);
    expect(await client.waitFor(`/tasks/${id}`)).toMatchObject({ state: "SUCCESS" });
  });

  it("fires an entry of the code months later, and no time twice", async () => {
    const shown = await fetch(`${service.endpoint}/_lovage/clock`);
    const now = new Date(String(toAnswer(await shown.json()).now));
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
