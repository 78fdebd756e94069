import { describe, expect, it } from "vitest";
import * as z from "zod";
import { chain, chord, task } from "../../../shared/index.ts";
import { recordKey } from "../../../shared/table/keys.ts";
import { startGround } from "./ground.ts";
import { grows, inc, tasks, unchecked } from "./tasks.ts";

const DAY = 86_400;

/** Retries as often as it is told, after so many days each. */
const waits = task({
  name: "waits",
  payload: z.object({ days: z.number(), times: z.number(), chars: z.number().default(1) }),
  retry: { maxRetries: 100 },
  run: ({ days, times, chars }, { attempt, retry }): string => {
    if (attempt <= times) throw retry({ countdown: days * DAY });
    return "x".repeat(chars);
  },
});
const becomesSlow = task({
  name: "becomesSlow",
  run: (_, { replace }) => replace(waits.s({ days: 0, times: 0 }).set({ countdown: 90 * DAY })),
});
const lengths = task({
  name: "lengths",
  payload: z.object({ texts: z.array(z.union([z.string(), z.number()])) }),
  run: ({ texts }) => texts.map((one) => (typeof one === "string" ? one.length : one)),
});
const { engine, queues } = await startGround({ ...tasks, waits, becomesSlow, lengths });
const { app } = engine;

const inDays = (days: number): Date => new Date(engine.clock.now.getTime() + days * DAY * 1000);
/** The result, when all has run but for the next look at the records. */
async function resultOf<T>(handle: { get(options: { timeout: number }): Promise<T> }): Promise<T> {
  await queues.until(new Date(engine.clock.now.getTime() + 1_200_000));
  expect(queues.waiting.filter(({ queue }) => queue !== "timer")).toEqual([]);
  return handle.get({ timeout: 0 });
}

const short = waits.s({ days: 0, times: 0 });
const large = waits.s({ days: 0, times: 0, chars: 20_000 });
const body = lengths.s().into("texts");

describe("a workflow keeps what its members have given", () => {
  it.each([
    ["a retry after weeks", 25, 1],
    ["many short retries", 4, 20],
    ["retries after months", 150, 2],
    ["one as late as may be", 399, 1],
  ])("while another waits for %s", { timeout: 60_000 }, async (_, days, times) => {
    const handle = await chord([short, waits.s({ days, times }), large], body).delay();
    await queues.until(inDays(days * times - 1));
    expect(await app.results.read(handle.id)).toMatchObject({ state: "PENDING" });
    await queues.until(inDays(1));

    expect(await resultOf(handle)).toEqual([1, 1, 20_000]);
  });

  it("while its body is paused, one batch of looks after the other", { timeout: 60_000 }, async () => {
    await app.control.pause("task", "lengths");
    const members = Array.from({ length: 130 }, () => short);
    const handle = await chord([large, ...members], body).delay();
    await queues.deliver();
    for (let day = 0; day < 100; day += 4) {
      await queues.jump(4 * DAY);
      await queues.deliver();
    }
    await app.control.resume("task", "lengths");
    const until = await app.workflows.keptUntil(handle.id);
    expect(Date.parse(until ?? "")).toBeGreaterThan(inDays(15).getTime());

    expect(await resultOf(handle)).toEqual([20_000, ...members.map(() => 1)]);
  });

  it("while one that has become a workflow waits, and those that were added", { timeout: 60_000 }, async () => {
    const growing = unchecked(grows.s({ n: 7, by: [1] }));
    const handle = await chord([large, unchecked(becomesSlow.s()), growing], unchecked(body)).delay();
    await queues.until(inDays(90));

    expect(await resultOf(handle)).toEqual([20_000, 1, 7, 8]);
  });

  it("no longer than it goes on", async () => {
    const first = chord([short, waits.s({ days: 30, times: 1 })], body);
    const handle = await chain(first, unchecked(inc.si({ n: 1 }))).delay();
    await queues.until(inDays(30));
    expect(await resultOf(handle)).toBe(2);
    await queues.until(inDays(100));

    expect(queues.waiting).toEqual([]);
    expect(await engine.table.get(recordKey(handle.id))).toBeUndefined();
  });
});
