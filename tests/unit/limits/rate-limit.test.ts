import { describe, expect, it } from "vitest";
import { InvalidOptionError } from "../../../shared/errors.ts";
import { createRateLimiter, parseRateLimit, stepMicroseconds } from "../../../shared/limits/rate-limit.ts";
import { rateLimitKey } from "../../../shared/table/keys.ts";
import { createMemoryTable } from "../../../shared/testing/table.ts";

const NOW = Date.UTC(2026, 0, 1);

const ground = (random = 0.5) => {
  const table = createMemoryTable();
  const clock = { now: new Date(NOW) };
  const limiter = createRateLimiter({ table, clock: () => clock.now, random: () => random });
  const turns = async (count: number, rateLimit: string, horizonSeconds = 10) => {
    const asked = await Promise.all(
      Array.from({ length: count }, () => limiter.turn("add", rateLimit, horizonSeconds)),
    );
    return asked.map((turn) => (turn.now ? "now" : turn.askAt.getTime() - clock.now.getTime()));
  };
  return { table, clock, limiter, turns };
};

describe("a rate", () => {
  it.each([
    ["10/s", 100],
    ["10", 100],
    ["100/m", 600],
    ["500/h", 7200],
    ["0.5/s", 2000],
    ["2.25/s", 1000 / 2.25],
    ["1000/s", 1],
    ["1000.0000000000000000000000000/s", 1],
  ])("of %s is a start each %d ms", (text, milliseconds) => {
    expect(parseRateLimit(text)).toBeCloseTo(milliseconds, 9);
  });

  it("may be as slow as one start in 400 days", () => {
    expect(parseRateLimit("0.000104166666667/h")).toBeLessThan(400 * 86_400_000 + 1);
    expect(() => parseRateLimit("0.0001041/h")).toThrow(InvalidOptionError);
  });

  it.each([
    ...["", "0/s", "/s", "1001/s", "x1/s", "1/sx", "1/d", "-1/s", "1./s", ".5/s", "1 /s", "1/", "1e2/s"],
    "1000.00000000000000000000000000/s0",
    "1000.00000000000000000000000000000/s",
  ])("is not %j", (text) => {
    expect(() => parseRateLimit(text)).toThrow(
      "'100/m', '10/s' or '500/h' in at most 32 characters, at least 1 in 400 days and at most 1000 a second",
    );
  });

  it("is refused as the option that it is", () => {
    expect(() => parseRateLimit("often")).toThrow("rateLimit");
  });

  it("has steps of whole microseconds, never shorter than it says", () => {
    expect(stepMicroseconds("3/s")).toBe(333_334);
    expect(stepMicroseconds("10/s")).toBe(100_000);
  });
});

describe("turns", () => {
  it("are given for a second's worth at once; who is refused comes back evenly", async () => {
    const { turns } = ground();

    expect(await turns(13, "10/s")).toEqual([...Array(10).fill("now"), 1, 101, 201]);
  });

  it("make up for less than a second that was missed, and no more", async () => {
    const { turns, clock } = ground();
    await turns(10, "10/s");
    clock.now = new Date(NOW + 500);
    expect(await turns(6, "10/s")).toEqual([...Array(5).fill("now"), 1]);
    clock.now = new Date(NOW + 100_000);
    expect(await turns(11, "10/s")).toEqual([...Array(10).fill("now"), 1]);
  });

  it("of one moment share their writes, each task and rate its own", async () => {
    const { table, turns, limiter } = ground();
    expect(await Promise.all([turns(2, "1/h"), turns(1, "2/h"), limiter.turn("sub", "1/h", 10)])).toEqual([
      ["now", expect.any(Number)],
      ["now"],
      { now: true },
    ]);
    expect(table.calls.writes).toBe(3);
  });

  it("beyond the horizon are told by chance, at most twice as far away", async () => {
    expect(await ground(0).turns(3, "1/h")).toEqual(["now", 10_000, 10_000]);
    expect(await ground(0.5).turns(2, "1/h")).toEqual(["now", 15_000]);
    expect(await ground(0.25).turns(2, "1/h")).toEqual(["now", 12_500]);
  });

  it("just beyond the horizon are told from where the line is free", async () => {
    expect(await ground(0).turns(2, "1/m", 50)).toEqual(["now", 9001]);
  });

  it("are refused without a write while it is known that none is free", async () => {
    const { table, turns } = ground();
    await turns(2, "1/h");
    await turns(1, "1/h");

    expect(table.calls.writes).toBe(1);
  });

  it("within the horizon are taken up to its end; the farthest of those who ask together counts", async () => {
    const { limiter, table } = ground(0);
    const [first, second, third] = await Promise.all([
      limiter.turn("add", "1/s", 1),
      limiter.turn("add", "1/s", 3),
      limiter.turn("add", "1/s", 2),
    ]);

    expect([first, second, third]).toEqual([
      { now: true },
      { now: false, askAt: new Date(NOW + 1) },
      { now: false, askAt: new Date(NOW + 1001) },
    ]);
    expect(await table.get(rateLimitKey("add", "1/s"))).toMatchObject({ ttl: NOW / 1000 + 3 + 3 + 86_400 });
  });

  it("answer all who asked with the table's error, and the next who asks anew", async () => {
    const { table, clock } = ground();
    let broken = true;
    const limiter = createRateLimiter({
      table: { ...table, update: (change) => (broken ? Promise.reject(new Error("down")) : table.update(change)) },
      clock: () => clock.now,
      random: () => 0,
    });
    const asked = await Promise.allSettled([limiter.turn("add", "1/s", 1), limiter.turn("add", "1/s", 1)]);
    expect(asked.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    broken = false;

    expect(await limiter.turn("add", "1/s", 1)).toEqual({ now: true });
  });
});
