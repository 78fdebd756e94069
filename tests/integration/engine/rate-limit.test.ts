import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { Reject, task } from "../../../shared/index.ts";
import { createRateLimiter, stepMicroseconds, type Turn } from "../../../shared/limits/rate-limit.ts";
import { rateLimitKey } from "../../../shared/table/keys.ts";
import { createChance, SEED, size } from "../../faults/chance.ts";
import { uniqueName } from "../../helpers/engine.ts";
import { deadWorker, startVirtualBench } from "../../helpers/virtual-bench.ts";

/** When each run began, in milliseconds. */
let starts: number[] = [];
let order: string[] = [];

const payload = z.object({ text: z.string().default("") });
const start = ({ text }: { text: string }): void => {
  starts.push(engine.clock.now.getTime());
  order.push(text);
};
const partner = task({ name: "partner", payload, rateLimit: "2/s", run: start });
const evenly = task({ name: "evenly", payload, rateLimit: "1/s", run: start });
const hourly = task({ name: "hourly", payload, rateLimit: "1/h", run: start });
const ordered = task({
  name: "ordered",
  rateLimit: "6/m",
  queue: "fifo",
  payload,
  messageGroupId: ({ text }) => text.slice(0, 1),
  run: start,
});
const impatient = task({
  name: "impatient",
  rateLimit: "2/m",
  payload,
  run(value) {
    start(value);
    throw new Reject("not yet", { requeue: true, countdown: 1 });
  },
});
const tasks = { partner, evenly, hourly, ordered, impatient };

const { engine, bench, queues } = startVirtualBench(tasks);
beforeEach(() => {
  // No test finds the gate as another has left it.
  engine.clock.now = new Date(engine.clock.now.getTime() + 10 * 86_400_000);
  starts = [];
  order = [];
});

const inSeconds = (seconds: number) => new Date(engine.clock.now.getTime() + seconds * 1000);
/** The most starts in any window of that length, its end excluded. */
const most = (seconds: number): number =>
  Math.max(0, ...starts.map((from) => starts.filter((at) => at >= from && at < from + seconds * 1000).length));
/** The rate in any window, and one second's worth at once. */
const expectWithin = (perSecond: number): void => {
  for (const seconds of [1, 5, 60]) {
    expect(most(seconds), `starts in ${seconds} s`).toBeLessThanOrEqual(Math.ceil(perSecond * seconds + perSecond));
  }
};
const sendMany = (count: number, send: (text: string) => Promise<unknown>): Promise<unknown> =>
  Promise.all(Array.from({ length: count }, (_, index) => send(String(index))));

describe("a rate limit holds", () => {
  it.each([
    ["35 seconds", 35],
    ["10 minutes", 600],
    ["a day", 86_400],
  ])("after an outage of %s, though every turn was missed", async (_, seconds) => {
    await sendMany(200, (text) => partner.delay({ text }));
    // All are told when to ask again; then nothing is delivered until it is over.
    await queues.deliver();
    await queues.jump(seconds);
    starts = [];
    await queues.until(inSeconds(65));

    expectWithin(2);
    expect(starts.length).toBeGreaterThan(115);
  });

  it("when messages come back from the dead-letter queue, all at once", async () => {
    await sendMany(60, (text) => partner.delay({ text }));
    await queues.until(inSeconds(2400), deadWorker);
    await queues.until(inSeconds(600));

    expectWithin(2);
    expect(starts).toHaveLength(60);
  });

  it("for a run that asks to be run again: each start is one", async () => {
    await sendMany(5, (text) => impatient.delay({ text }));
    await queues.until(inSeconds(600));

    expect(most(60)).toBeLessThanOrEqual(3);
    expect(starts.length).toBeGreaterThanOrEqual(19);
    expect(starts.length).toBeLessThanOrEqual(21);
  });

  it("for a run whose outcome could not be stored, and which comes again", async () => {
    await sendMany(3, (text) => hourly.delay({ text }));
    const { succeed } = engine.app.results;
    engine.app.results.succeed = () => Promise.reject(new Error("throttled"));
    await queues.until(inSeconds(3500));
    engine.app.results.succeed = succeed;

    expect(starts).toHaveLength(1);
    await queues.until(inSeconds(3 * 3600));
    // The one that was given back pauses first, so the others may start before it does again.
    expect(order.toSorted()).toEqual(["0", "0", "1", "2"]);
    expect(most(3599)).toBe(1);
  });

  it("and is reached, though every message comes later than its turn: a late turn is taken, not thrown away", async () => {
    queues.latencySeconds = 90;
    await sendMany(100, (text) => evenly.delay({ text }));
    // A latency until the turns of the next minute are given away, that minute, and a latency until the last of them comes back.
    await queues.until(inSeconds(240));
    expect(starts.length).toBeGreaterThanOrEqual(60);
    await queues.until(inSeconds(360));

    expect(starts).toHaveLength(100);
  });

  it("for copies of one message, of which one runs", async () => {
    await sendMany(20, (text) => partner.delay({ text }));
    for (const { body } of [...queues.waiting]) for (let copy = 0; copy < 3; copy++) queues.put("default", body);
    await queues.until(inSeconds(120));

    expectWithin(2);
    expect(starts).toHaveLength(20);
  });

  it("on a FIFO queue, in order and without letting a group wait for long", async () => {
    for (const text of ["a1", "a2", "a3", "b1", "b2", "b3"]) await ordered.delay({ text });
    await queues.until(inSeconds(75));

    expect(starts).toHaveLength(6);
    expect(most(10)).toBeLessThanOrEqual(2);
    for (const group of ["a", "b"]) {
      expect(order.filter((text) => text.startsWith(group))).toEqual([1, 2, 3].map((index) => `${group}${index}`));
    }
  });
});

describe("a rate limit is reached", () => {
  it.each([
    [0, 150],
    [30, 200],
    [300, 500],
  ])("while a backlog waits and every message comes %i s late", async (latency, count) => {
    queues.latencySeconds = latency;
    await sendMany(count, (text) => evenly.delay({ text }));
    // Those who were told when to come back are on their way then.
    await queues.until(inSeconds(2 * latency + 5));
    starts = [];
    await queues.until(inSeconds(100));

    expect(starts.length).toBeGreaterThanOrEqual(90);
    expectWithin(1);
  });

  it("as it is now: a change reaches what waits within two minutes", async () => {
    await sendMany(20, (text) => hourly.delay({ text }));
    await queues.deliver();
    await bench.call("PUT", "/tasks/hourly/limits", { rateLimit: "1/s" });
    await queues.until(inSeconds(145));
    expect(starts).toHaveLength(20);

    await bench.call("DELETE", "/tasks/hourly/limits");
    starts = [];
    await sendMany(3, (text) => hourly.delay({ text }));
    await queues.until(inSeconds(1800));
    // The gate of this rate still knows when its last start was.
    expect(starts).toEqual([]);
  });
});

describe("the start gate", () => {
  /** Writes of the rate's item while `work` is done. */
  const writesOf = async (work: () => Promise<unknown>): Promise<number> => {
    const { update } = engine.table;
    let writes = 0;
    engine.table.update = (change) => {
      if (change.key.pk.startsWith("rate#")) writes += 1;
      return update(change);
    };
    await work();
    engine.table.update = update;
    return writes;
  };
  const limiter = () => createRateLimiter({ table: engine.table, clock: () => engine.clock.now, random: () => 0.5 });

  it("costs one write for all starts of a moment, and three where some of them wait", async () => {
    const [name, warm] = [uniqueName("rate"), limiter()];
    const ask = (count: number) => () => Promise.all(Array.from({ length: count }, () => warm.turn(name, "10/s", 60)));

    expect(await writesOf(ask(10))).toBe(1);
    expect(await writesOf(ask(10))).toBe(1);
    engine.clock.now = inSeconds(0.2);
    expect(await writesOf(ask(10))).toBe(2);
    engine.clock.now = inSeconds(3600);
    expect(await writesOf(ask(10))).toBe(1);
    // A worker that has seen nothing yet.
    const cold = limiter();
    expect(await writesOf(() => cold.turn(name, "10/s", 60))).toBe(2);
    // A slot that is known to be taken is refused without a write.
    expect(await writesOf(() => cold.turn(name, "10/s", 0))).toBe(0);
  });

  it("keeps its item for as long as the newest of its slots", async () => {
    const [name, gate] = [uniqueName("rate"), limiter()];
    const ttl = async () => Number((await engine.table.get(rateLimitKey(name, "10/s")))?.ttl);
    await gate.turn(name, "10/s", 60);
    const first = await ttl();
    await gate.turn(name, "10/s", 3600);

    expect((await ttl()) - first).toBe(3540);
  });

  it("begins anew where DynamoDB has deleted its item", async () => {
    const [name, gate] = [uniqueName("rate"), limiter()];
    await gate.turn(name, "10/s", 60);
    await engine.table.remove(rateLimitKey(name, "10/s"));

    expect(await gate.turn(name, "10/s", 60)).toEqual({ now: true });
  });

  it("tells those it refuses times a start apart, from the next start on, even where that line has fallen behind", async () => {
    const [name, gate] = [uniqueName("rate"), limiter()];
    for (const pause of [0, 3600]) {
      engine.clock.now = inSeconds(pause);
      const now = engine.clock.now.getTime();
      const turns = await Promise.all(Array.from({ length: 4 }, () => gate.turn(name, "6/m", 60)));
      expect(turns.map((turn) => (turn.now ? 0 : Math.round((turn.askAt.getTime() - now) / 1000)))).toEqual([
        0, 9, 19, 29,
      ]);
    }
  });

  it("keeps the rate to the start, however many workers ask at once", { timeout: 120_000 }, async () => {
    for (let round = 0; round < size(12, 200); round++) {
      const seed = SEED + round;
      const chance = createChance(seed);
      const rate = chance.pick(["1/s", "7/s", "100/s", "30/m", "2/m", "1000/s"]);
      const step = stepMicroseconds(rate);
      const name = uniqueName("rate");
      const workers = Array.from({ length: 4 }, limiter);
      const passed: number[] = [];
      let free = Number.NEGATIVE_INFINITY;
      for (let moment = 0; moment < 15; moment++) {
        engine.clock.now = new Date(engine.clock.now.getTime() + Math.round(chance.between(0, 3 * step) / 1000));
        const now = engine.clock.now.getTime();
        const turns: Promise<Turn>[] = [];
        for (const worker of workers) {
          const askers = Math.floor(chance.between(0, 12));
          for (let asker = 0; asker < askers; asker++) turns.push(worker.turn(name, rate, chance.pick([0, 60, 300])));
        }
        const answers = await Promise.all(turns);
        const started = answers.filter((turn) => turn.now).length;

        // The same rule, in one place and for one asker at a time.
        let allowed = 0;
        for (const _ of answers) {
          const first = Math.max(free, (now - 999) * 1000);
          if (first > now * 1000) break;
          free = first + step;
          allowed += 1;
        }
        expect(started, `LOVAGE_SEED=${seed} ${rate}`).toBe(allowed);
        for (const turn of answers) if (!turn.now) expect(turn.askAt.getTime()).toBeGreaterThanOrEqual(now);
        for (let one = 0; one < started; one++) passed.push(now);
      }
      for (const seconds of [1, 60]) {
        const counts = passed.map((from) => passed.filter((at) => at >= from && at < from + seconds * 1000).length);
        expect(Math.max(...counts), `LOVAGE_SEED=${seed} ${rate}`).toBeLessThanOrEqual(
          Math.ceil(((seconds + 1) * 1_000_000) / step),
        );
      }
    }
  });
});
