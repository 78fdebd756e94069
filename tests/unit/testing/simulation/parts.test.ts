/** The parts of the simulator: the generator, the plans, the shrinker, the timeline, the world. */

import { describe, expect, it } from "vitest";
import { chanceOf, pickOf } from "../../../../shared/testing/simulation/chance.ts";
import { type Fault, type FaultKind, listed, searching } from "../../../../shared/testing/simulation/faults.ts";
import { shrink } from "../../../../shared/testing/simulation/shrink.ts";
import { createNames, printTimeline } from "../../../../shared/testing/simulation/timeline.ts";
import { createWorld } from "../../../../shared/testing/simulation/world.ts";

const PLACES = Array.from({ length: 1000 }, (_, n) => `write SUCCESS of pay ${n}`);

describe("chance", () => {
  it("gives the same number for the same seed and name, and others for others", () => {
    const numbers = PLACES.map((place) => chanceOf(7, place));
    expect(PLACES.map((place) => chanceOf(7, place))).toEqual(numbers);
    expect(new Set(numbers).size).toBeGreaterThan(990);
    expect(PLACES.filter((place, index) => chanceOf(8, place) === numbers[index])).toEqual([]);
  });

  it("spreads its numbers from 0 to 1", () => {
    const tenths = Map.groupBy(PLACES, (place) => Math.floor(chanceOf(1, place) * 10));
    expect([...tenths.keys()].toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (const [, places] of tenths) expect(places.length).toBeGreaterThan(60);
  });

  it("picks each of the choices", () => {
    expect(new Set(PLACES.map((place) => pickOf(1, place, ["a", "b", "c"])))).toEqual(new Set(["a", "b", "c"]));
  });
});

describe("a plan that searches", () => {
  const KINDS: readonly FaultKind[] = ["slow", "lost", "crash after"];
  const strikes = (seed: number): (Fault | undefined)[] => {
    const plan = searching(seed, KINDS);
    return PLACES.map((place) => plan.strike(place, KINDS));
  };

  it("is the same for the same seed, whatever is asked before", () => {
    const seed = 3;
    const backwards = searching(seed, KINDS);
    const reversed = PLACES.toReversed().map((place) => backwards.strike(place, KINDS));
    expect(reversed.toReversed()).toEqual(strikes(seed));
  });

  it("finds every kind, in some seed, and only kinds that are allowed", () => {
    const all = Array.from({ length: 20 }, (_, seed) => strikes(seed)).flat();
    expect(new Set(all.map((fault) => fault?.kind))).toEqual(new Set([undefined, ...KINDS]));
  });

  it("leaves out what may not be", () => {
    const plan = searching(3, KINDS);
    for (const place of PLACES) plan.strike(place, KINDS, (kind) => kind === "slow");
    expect(plan.struck.filter(({ kind }) => kind !== "slow")).toEqual([]);
  });
});

describe("a plan of a list", () => {
  it("strikes where the list says, with that kind, and nowhere else", () => {
    const plan = listed(1, [{ at: "b", kind: "lost" }]);
    expect(plan.strike("a", ["lost"])).toBeUndefined();
    expect(plan.strike("b", ["slow"])).toBeUndefined();
    expect(plan.strike("b", ["slow", "lost"])).toEqual({ at: "b", kind: "lost" });
    expect(plan.struck).toEqual([{ at: "b", kind: "lost" }]);
  });
});

describe("the shrinker", () => {
  const faults = Array.from({ length: 20 }, (_, n): Fault => ({ at: String(n), kind: "lost" }));
  const has = (list: readonly Fault[], ...places: string[]): boolean =>
    places.every((place) => list.some(({ at }) => at === place));

  it("needs one try where no fault is needed", async () => {
    const tries: number[] = [];
    const left = await shrink(faults, async (some) => {
      tries.push(some.length);
      return true;
    });
    expect([left, tries]).toEqual([[], [0]]);
  });

  it.each([[["7"]], [["0", "19"]], [["3", "4", "11"]], [["0", "5", "10", "15", "19"]]])(
    "leaves exactly what is needed: %j",
    async (needed) => {
      const left = await shrink(faults, async (some) => has(some, ...needed));
      expect(left.map(({ at }) => at)).toEqual(needed);
    },
  );

  it("leaves out what stands for another that is gone", async () => {
    // Two needs three as long as one is there.
    const left = await shrink(
      faults.slice(0, 6),
      async (some) => has(some, "2") && (!has(some, "1") || has(some, "3")),
    );
    expect(left.map(({ at }) => at)).toEqual(["2"]);
  });

  it("shortens times", async () => {
    const slow: Fault = { at: "a", kind: "slow", seconds: 8 };
    const left = await shrink([slow], async ([first]) => (first?.seconds ?? 0) >= 2);
    expect(left).toEqual([{ ...slow, seconds: 2 }]);
  });

  it("ends, also for a story that is different each time", async () => {
    let tries = 0;
    await shrink(faults, async () => tries++ % 2 === 0 && tries > 1);
    expect(tries).toBeLessThanOrEqual(300);
  });
});

describe("the timeline", () => {
  it("says when, who and what, with the fault", () => {
    const lines = printTimeline([
      { at: 5, who: "worker 1", text: "runs pay 1" },
      {
        at: 90_010,
        who: "SQS",
        text: "delivery of pay 1",
        fault: { at: "delivery of pay 1", kind: "duplicate", seconds: 1 },
      },
    ]);
    expect(lines.split("\n")).toEqual([
      "     0.005 s  worker 1  runs pay 1",
      "    90.010 s  SQS       delivery of pay 1   <- SQS delivered it twice (after 1 s)",
    ]);
  });

  it("leaves out the middle of a long story", () => {
    const many = Array.from({ length: 200 }, (_, at) => ({ at, who: "a", text: `line ${at}` }));
    const lines = printTimeline(many).split("\n");
    expect(lines).toHaveLength(81);
    expect(lines[40]).toContain("120 lines are left out");
    expect(lines.at(-1)).toContain("line 199");
  });

  it("has names in the place of ids and times", () => {
    const names = createNames();
    const [one, other] = ["019b76da-a800-8407-8520-708cdc620df3", "019b76da-a800-8407-8520-708cdc620df4"];
    expect(names.say(`read ${one}`)).toBe("read id 1");
    names.add(one, "pay");
    names.add(other, "pay");
    expect(names.say(`send ${one}, ${other} at 2026-01-01T00:00:00.000Z`)).toBe("send pay 1, pay 2 at ");
  });
});

describe("the world", () => {
  it("does what is planned in the order of time, and then of planning", async () => {
    const world = createWorld(0);
    const done: string[] = [];
    world.at(20, () => done.push("c"));
    world.at(10, () => done.push("a"));
    world.at(10, () => done.push("b"));
    world.at(15, () => done.push("taken back"))();
    world.at(12, () => done.push("dead"), { dead: true });
    while (world.next() < Number.POSITIVE_INFINITY) await world.step();
    expect([done, world.now()]).toEqual([["a", "b", "c"], 20]);
  });
});
