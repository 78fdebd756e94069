import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { beatSchedule, crontab, mailer, task } from "../../../../shared/index.ts";
import { outside, SimulationError, simulate } from "../../../../shared/testing/index.ts";

const folder = mkdtempSync(join(tmpdir(), "lovage-simulate-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const execute = promisify(execFile);
const retry = { maxRetries: 6 };
const notes = outside("notes", () => {
  const all: unknown[] = [];
  return { add: (one: unknown) => all.push(one), all: () => [...all] };
});
const add = task({
  name: "add",
  payload: z.object({ x: z.number() }),
  retry,
  run: async ({ x }) => void (await notes.add(x)),
});

async function failureOf(run: Promise<unknown>): Promise<SimulationError> {
  const error: unknown = await run.catch((thrown: unknown) => thrown);
  if (error instanceof SimulationError) return error;
  throw new Error("No run has failed.", { cause: error });
}

describe("a story that fails", () => {
  const twice = (options: object) =>
    simulate({ tasks: { add }, folder, ...options }, async (app) => {
      await add.delay({ x: 1 });
      await app.drain();
      expect(await notes.all()).toEqual([1]);
    });

  it("is shrunk, printed and kept in a file that replays", async () => {
    const found = await failureOf(twice({ runs: 50 }));
    expect(found.faults).toHaveLength(1);
    expect(found.message).toContain(found.timeline);
    expect(found.timeline.split("\n").filter((line) => line.includes("<-"))).toHaveLength(1);
    expect(JSON.parse(readFileSync(found.file, "utf8"))).toMatchObject({ seed: found.seed, faults: found.faults });

    const again = await failureOf(twice({ replay: found.file }));
    expect(again.timeline).toBe(found.timeline);
  });

  it("is the same for the same seed", async () => {
    const [one, other] = [await failureOf(twice({ seed: 100 })), await failureOf(twice({ seed: 100 }))];
    expect([other.seed, other.timeline]).toEqual([one.seed, one.timeline]);
  });

  it("meets only the kinds of faults that are asked for", async () => {
    const { runs, faults } = await twice({ faults: ["slow", "late", "uneven"], runs: 30 });
    expect(runs).toBe(30);
    expect(Object.keys(faults).toSorted()).toEqual(["late", "slow", "uneven"]);
  });

  it("refuses a file that is none of a simulation", async () => {
    const file = join(folder, "other.json");
    writeFileSync(file, '{"seed":1}');
    await expect(twice({ replay: file })).rejects.toThrow("a file that a failed simulation has written");
    await expect(twice({ runs: -1 })).rejects.toThrow("a whole number");
  });
});

describe("liveness", () => {
  it("accuses a task that sends itself for ever", async () => {
    const again: { delay(): Promise<unknown> } = task({ name: "again", run: async () => void (await again.delay()) });
    const story = simulate({ tasks: { again }, folder, runs: 1, faults: [], maxSteps: 500 }, () => again.delay());
    await expect(story).rejects.toThrow("Nothing comes to its end");
  });

  it("accuses a task that ends as a FAILURE, unless the story keeps it", async () => {
    const broken = task({
      name: "broken",
      run() {
        throw new Error("not today");
      },
    });
    const tell = (failures: "keep" | "throw") =>
      simulate({ tasks: { broken }, folder, runs: 5, faults: ["uneven"] }, async (app) => {
        await broken.delay();
        await app.drain({ failures });
      });
    await expect(tell("throw")).rejects.toThrow("not today");
    expect(await tell("keep")).toMatchObject({ runs: 5 });
  });
});

describe("the real world", () => {
  const before = Object.getOwnPropertyNames(performance);
  const lines: string[] = [];
  const tell = (line: string): void => void lines.push(line);

  it("is told, and has the simulation's clock, chance and timers in its place", async () => {
    const looks = task({
      name: "looks",
      async run() {
        const before = Date.now();
        setTimeout(() => undefined, 1);
        await sleep(5000);
        await notes.add([Date.now() - before, new Date().getFullYear(), Math.random(), crypto.randomUUID()]);
      },
    });
    const see = async (): Promise<unknown> => {
      let seen: unknown;
      await simulate({ tasks: { looks }, folder, runs: 1, faults: [], tell }, async (app) => {
        await looks.delay();
        await app.drain();
        [seen] = await notes.all();
      });
      return seen;
    };
    const begun = performance.now();
    const seen = await see();
    expect(seen).toMatchObject([5000, 2026, expect.any(Number), expect.any(String)]);
    expect(await see()).toEqual(seen);
    expect(performance.now() - begun).toBeLessThan(5000);
    for (const what of ["Date.now", "new Date()", "Math.random", "randomUUID", "setTimeout"]) {
      expect(lines.filter((line) => line.startsWith(`looks takes ${what} `)).length).toBeGreaterThan(0);
    }
    expect(lines[0]).toContain("simulate.test.ts");
  });

  it("is as it was afterwards", () => {
    expect(Date.now()).not.toBe(Date.parse("2026-01-01"));
    expect(Object.getOwnPropertyNames(performance)).toEqual(before);
  });

  it("is waited for, and told", async () => {
    lines.length = 0;
    const reads = task({ name: "reads", run: async () => (await execute("echo", ["hello"])).stdout });
    await simulate({ tasks: { reads }, folder, runs: 1, faults: [], tell }, async (app) => {
      await reads.delay();
      await app.drain();
      expect(app.runs[0]?.result).toBe("hello\n");
    });
    expect(lines).toEqual([expect.stringContaining("no part of the simulation")]);
  });
});

it("time limits count in simulated time", async () => {
  const slow = task({ name: "slow", timeLimit: 2, run: () => sleep(10_000) });
  const story = simulate({ tasks: { slow }, folder, runs: 1, faults: [], tell: () => undefined }, async (app) => {
    await slow.delay();
    await app.drain();
  });
  await expect(story).rejects.toThrow("TASK_TIME_LIMIT");
});

it("beat fires while time passes, timers come in their time, and mails are once", async () => {
  const daily = task({
    name: "daily",
    retry,
    run: async (_, { id }) => void (await mailer.send({ to: "ann@example.com", subject: "News", text: "" }, id)),
  });
  const schedule = beatSchedule({ "every-day": { task: daily, schedule: crontab({ hour: 8, minute: 0 }) } });
  const { runs } = await simulate({ tasks: { daily, schedule }, folder, runs: 10 }, async (app) => {
    await daily.applyAsync(undefined, { countdown: 7200 });
    await app.advance("2 days");
    await app.drain();
    expect(app.sent(daily)).toHaveLength(3);
    expect(app.outbox).toHaveLength(3);
  });
  expect(runs).toBe(10);
});
