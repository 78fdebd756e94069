import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import type { Change } from "../../../shared/aws/change.ts";
import { task } from "../../../shared/index.ts";
import { uniqueName } from "../../helpers/engine.ts";
import { startVirtualBench } from "../../helpers/virtual-bench.ts";

let key: string;
let ran: string[] = [];

const WAIT = 10;
const DAY = 86_400;
const text = z.object({ text: z.string() });
const save = task({ name: "save", payload: text, run: ({ text }) => void ran.push(text) });
const quiet = task({
  name: "quiet",
  payload: text,
  ignoreResult: true,
  trackStarted: false,
  run: ({ text }) => void ran.push(text),
});
const tasks = { save, quiet };

const { engine, bench, queues } = startVirtualBench(tasks);
beforeEach(() => {
  key = uniqueName("key");
  ran = [];
});

const inSeconds = (seconds: number) => new Date(engine.clock.now.getTime() + seconds * 1000);
const state = async (id: string) => (await engine.app.results.read(id))?.state;
const states = (...calls: { id: string }[]) => Promise.all(calls.map(({ id }) => state(id)));
const call = (text: string, of: typeof save | typeof quiet = save) =>
  of.applyAsync({ text }, { debounce: { key, wait: WAIT } });

/** A call whose sender dies after its record: it tells nobody whose place it took. */
const callAndDie = async (text: string, of?: typeof save | typeof quiet) => {
  const { results } = engine.app;
  engine.app.results = { ...results, replace: async () => false };
  try {
    return await call(text, of);
  } finally {
    engine.app.results = results;
  }
};
/** A call whose sender dies before it has sent anything. */
const joinAndDie = (now = engine.clock.now) =>
  engine.app.bursts.join(now, { task: "save", key, id: engine.app.newId(), wait: WAIT, maxWait: undefined });

describe("bursts that follow each other", () => {
  it.each([
    ["tracked", save],
    ["untracked", quiet],
  ])(
    "run the newest call of each, though the messages of the first come when the next has begun: %s",
    async (_, of) => {
      const older = await call("older", of);
      const newer = await callAndDie("newer", of);
      await queues.jump(WAIT + 1);
      const next = await call("next", of);
      await queues.until(inSeconds(3 * WAIT));

      expect(ran).toEqual(["newer", "next"]);
      expect(await states(older, newer, next)).toEqual(["REVOKED", "SUCCESS", "SUCCESS"]);
    },
  );

  it("run the newest call of each, though one joined while the first was between its message and its record", async () => {
    const { results } = engine.app;
    let newer: { id: string } | undefined;
    engine.app.results = {
      ...results,
      async pending(message) {
        engine.app.results = results;
        newer = await call("newer");
        return results.pending(message);
      },
    };
    const older = await call("older");
    await queues.jump(WAIT + 1);
    const next = await call("next");
    await queues.until(inSeconds(3 * WAIT));

    expect(ran).toEqual(["newer", "next"]);
    expect(await states(older, newer ?? older, next)).toEqual(["REVOKED", "SUCCESS", "SUCCESS"]);
  });

  it("are told from what another version of Lovage has written, which knows nothing of their calls", async () => {
    const item = { pk: "debounce#save", sk: key };
    const write = (change: Omit<Change, "key">) => engine.table.update({ ...change, key: item });
    // It begins a burst over the last one's calls, and is the first of a key.
    await call("before");
    await queues.until(inSeconds(2 * WAIT));
    const first = await call("first");
    await write({ set: { calls: engine.app.newId() } });
    await queues.until(inSeconds(2 * WAIT));
    expect(await state(first.id)).toBe("SUCCESS");

    await write({ remove: ["calls", "joins"] });
    const older = await call("older");
    await write({ remove: ["calls", "joins"] });
    const newer = await callAndDie("newer");
    await queues.until(inSeconds(2 * WAIT));
    expect(await states(older, newer)).toEqual(["REVOKED", "SUCCESS"]);
    expect(ran).toEqual(["before", "first", "newer"]);
  });

  it("run one call of a burst of which two senders died, one before and one after it had sent", async () => {
    const first = await call("first");
    const second = await callAndDie("second");
    await joinAndDie();
    await queues.until(inSeconds(WAIT + 120));

    expect(ran).toEqual(["second"]);
    expect(await states(first, second)).toEqual(["REVOKED", "SUCCESS"]);
  });

  it("run the newest call alone after a pause of two months", async () => {
    expect((await bench.call("POST", "/tasks/save/pause")).status).toBe(202);
    const older = await call("older");
    const newer = await callAndDie("newer");
    for (let look = 0; look < 12; look++) {
      await queues.jump(5 * DAY);
      await queues.deliver();
      if (look === 0) expect(await states(older, newer)).toEqual(["REVOKED", "PENDING"]);
    }
    expect((await bench.call("POST", "/tasks/save/resume")).status).toBe(202);
    await call("next");
    await queues.until(inSeconds(3 * 3600));

    expect(await state(newer.id)).toBe("SUCCESS");
    expect(ran.toSorted()).toEqual(["newer", "next"]);
  });

  it("run the newest call alone, though the clock of its sender is behind and the next burst was about to begin", async () => {
    const older = await call("older");
    const { table } = engine;
    const { update } = table;
    const slowClock = engine.clock.now;
    let behind: { id: string } | undefined;
    table.update = async (one) => {
      const outcome = await update(one);
      if (!one.key.pk.startsWith("burst#") || behind !== undefined) return outcome;
      // The next burst has copied the first; now a sender for whom the first still goes on joins it, and dies after its record.
      const now = engine.clock.now;
      engine.clock.now = slowClock;
      behind = { id: "" };
      behind = await callAndDie("behind");
      engine.clock.now = now;
      // The copy is written once more, as a slow sender would do it.
      await update(one);
      return outcome;
    };
    await queues.jump(WAIT + 1);
    const next = await call("next");
    table.update = update;
    await queues.until(inSeconds(3 * WAIT));

    expect(await states(older, behind ?? older, next)).toEqual(["REVOKED", "SUCCESS", "SUCCESS"]);
    expect(ran.toSorted()).toEqual(["behind", "next"]);
  });
});
