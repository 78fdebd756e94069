import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../../../shared/message/id.ts";
import type { Message } from "../../../shared/message/message.ts";
import type { Claim } from "../../../shared/results/claims.ts";
import type { TaskState } from "../../../shared/results/record.ts";
import type { ResultStore } from "../../../shared/results/store.ts";
import { recordKey } from "../../../shared/table/keys.ts";
import { type Engine, startEngine } from "../../helpers/engine.ts";

let engine: Engine;
let store: ResultStore;
beforeAll(async () => {
  engine = await startEngine();
  store = engine.app.results;
});
afterAll(() => engine.stop());

const why = { name: "Error", message: "because" };

function aMessage(change: Partial<Message> = {}): Message {
  const id = newId();
  return {
    v: 1,
    id,
    task: "t",
    attempt: 1,
    payload: { a: 1 },
    queue: "default",
    sentAt: engine.clock.now.toISOString(),
    rootId: id,
    ...change,
  };
}

const inSeconds = (seconds: number) => new Date(engine.clock.now.getTime() + seconds * 1000);
/** The first delivery of a message of its own. */
const delivered = () => ({ messageId: newId(), receiveCount: 1 });
const stateOf = async (id: string) => (await store.read(id))?.state;

async function claimed(message: Message, delivery = delivered()): Promise<Claim> {
  const outcome = await store.claim(message, delivery, 30);
  if (!outcome.claimed) throw new Error(`not claimed: ${outcome.record?.state}`);
  return outcome.claim;
}

/** Brings a fresh task into a state, by the ways in which it gets there. */
async function inState(state: TaskState | "ABSENT" | "DESERTED"): Promise<Message> {
  const message = aMessage();
  if (state === "ABSENT") return message;
  await store.pending(message);
  if (state === "PENDING") return message;
  if (state === "REVOKED") {
    await store.revoke(message, delivered(), why);
    return message;
  }
  const claim = await claimed(message);
  // Its worker has died, and a copy that was sent when it ran is there now.
  if (state === "DESERTED") return { ...message, seen: claim.fence };
  if (state === "SUCCESS") await store.succeed(claim, "1");
  if (state === "FAILURE") await store.fail(claim, why);
  if (state === "RETRY") await store.retry(claim, why, inSeconds(5));
  return message;
}

describe("a record's states", () => {
  it("begin with PENDING, which never overwrites what a fast worker wrote", async () => {
    const slow = aMessage();
    const claim = await claimed(slow);
    await store.succeed(claim, "42");

    await store.pending(slow);
    expect(await store.read(slow.id)).toMatchObject({ state: "SUCCESS", result: 42, payload: { a: 1 }, attempt: 1 });
    const first = aMessage();
    await store.pending(first);
    expect(await stateOf(first.id)).toBe("PENDING");
  });

  it.each<[Parameters<typeof inState>[0], boolean]>([
    ["ABSENT", true],
    ["PENDING", true],
    ["DESERTED", true],
    ["STARTED", false],
    ["SUCCESS", false],
    ["FAILURE", false],
    ["REVOKED", false],
    ["RETRY", false], // its message carries the next attempt's number
  ])("let the first attempt be claimed when %s: %s", async (state, allowed) => {
    const message = await inState(state);

    const outcome = await store.claim(message, delivered(), 30);

    expect(outcome.claimed).toBe(allowed);
    if (!outcome.claimed) expect(outcome.record?.state).toBe(state);
  });

  it("let a retry be claimed by its own attempt only", async () => {
    const message = await inState("RETRY");

    expect((await store.claim({ ...message, attempt: 3 }, delivered(), 30)).claimed).toBe(false);
    expect((await store.claim({ ...message, attempt: 2 }, delivered(), 30)).claimed).toBe(true);
    expect(await store.read(message.id)).toMatchObject({ state: "STARTED", attempt: 2 });
  });

  it("let exactly one of many workers win a claim", async () => {
    const message = await inState("PENDING");

    const outcomes = await Promise.all(Array.from({ length: 20 }, () => store.claim(message, delivered(), 30)));

    expect(outcomes.filter((outcome) => outcome.claimed)).toHaveLength(1);
  });

  it.each(["succeed", "fail", "retry", "progress", "revokeRunning"] as const)(
    "refuse a stale attempt's %s",
    async (step) => {
      const message = await inState("PENDING");
      const delivery = delivered();
      const stale = await claimed(message, delivery);
      const fresh = await claimed(message, { ...delivery, receiveCount: 2 });
      const steps = {
        succeed: (claim: Claim) => store.succeed(claim, "1"),
        fail: (claim: Claim) => store.fail(claim, why),
        retry: (claim: Claim) => store.retry(claim, why, inSeconds(1)),
        progress: (claim: Claim) => store.progress(claim, 50),
        revokeRunning: (claim: Claim) => store.revokeRunning(claim, why),
      };

      expect(fresh.fence).toBe(stale.fence + 1);
      expect(await steps[step](stale)).toBe(false);
      expect(await stateOf(message.id)).toBe("STARTED");
      expect(await steps[step](fresh)).toBe(true);
    },
  );

  it.each<[Parameters<typeof inState>[0], boolean]>([
    ["ABSENT", true],
    ["PENDING", true],
    ["RETRY", true],
    ["DESERTED", true],
    ["STARTED", false],
    ["SUCCESS", false],
    ["FAILURE", false],
    ["REVOKED", false],
  ])("let a task that nobody runs be failed from outside when %s: %s", async (state, allowed) => {
    const message = await inState(state);

    const outcome = await store.failUnclaimed(message, delivered(), why);

    expect(outcome.applied).toBe(allowed);
    if (allowed) expect(await store.read(message.id)).toMatchObject({ state: "FAILURE", error: why });
    else expect(await stateOf(message.id)).toBe(state);
  });

  it.each<[TaskState, TaskState]>([
    ["PENDING", "REVOKED"],
    ["RETRY", "REVOKED"],
    ["STARTED", "STARTED"],
    ["SUCCESS", "SUCCESS"],
    ["FAILURE", "FAILURE"],
    ["REVOKED", "REVOKED"],
  ])("turn on a revoke from %s into %s", async (state, expected) => {
    const message = await inState(state);

    expect((await store.requestRevoke(message.id, why))?.state).toBe(expected);
    expect(await stateOf(message.id)).toBe(expected);
  });

  it("do not let a task run again that was revoked while it ran", async () => {
    const message = await inState("PENDING");
    const delivery = delivered();
    const claim = await claimed(message, delivery);
    await store.requestRevoke(message.id, why);

    expect((await store.claim(message, { ...delivery, receiveCount: 2 }, 30)).claimed).toBe(false);
    expect(await store.retry(claim, why, inSeconds(1))).toBe(true);
    expect((await store.claim({ ...message, attempt: 2 }, delivered(), 30)).claimed).toBe(false);
  });

  it("know a claim as their own whose answer was lost", async () => {
    const { createResultStore } = await import("../../../shared/results/store.ts");
    // As the SDK does it: the first call gets through, its answer does not, the same call is made again.
    const { table } = engine;
    const stuttering = {
      ...table,
      async update(update: Parameters<typeof table.update>[0]) {
        await table.update(update);
        return table.update(update);
      },
    };
    const message = await inState("PENDING");
    const { largeValues } = engine.app;
    const clock = () => engine.clock.now;
    const twice = createResultStore({
      table: stuttering,
      clock,
      largeValues,
      resultExpires: () => 86_400,
      failed: () => {},
      ended: () => {},
      version: () => "",
    });

    expect(await twice.claim(message, delivered(), 30)).toEqual({
      claimed: true,
      claim: { message, fence: 1, starts: undefined, tracked: true, startedAt: clock() },
    });
  });

  it("of an unknown id are not assumed", async () => {
    expect(await store.read(newId())).toBeUndefined();
    expect(await store.stateOf(newId())).toBeUndefined();
    expect(await store.requestRevoke(newId(), why)).toBeUndefined();
  });

  it("are not shown after their time, even if the table still holds them", async () => {
    const message = await inState("SUCCESS");
    const now = engine.clock.now;

    engine.clock.now = inSeconds(86_399);
    expect(await stateOf(message.id)).toBe("SUCCESS");
    engine.clock.now = inSeconds(2);
    expect(await stateOf(message.id)).toBeUndefined();
    engine.clock.now = now;
  });

  it("that are to be revoked are ended by the message of a worker that died, and are not to be revoked any more", async () => {
    const message = await inState("PENDING");
    const delivery = delivered();
    await claimed(message, delivery);
    expect(await store.requestRevoke(message.id, why)).toMatchObject({ state: "STARTED" });

    expect(await store.revoke(message, delivered(), why)).toBe(false);
    expect(await store.revoke(message, { ...delivery, receiveCount: 2 }, why)).toBe(true);
    const record = await store.read(message.id);
    expect(record).toMatchObject({ state: "REVOKED" });
    expect(record).not.toHaveProperty("revokeRequestedAt");
  });

  it("let a run be taken over by its own message delivered again, or a copy that has seen it, and by no other", async () => {
    const message = await inState("PENDING");
    const delivery = delivered();
    const { fence } = await claimed(message, delivery);

    for (const [change, by] of [
      [{}, delivered()], // another copy
      [{}, delivery], // the same delivery twice
      [{ seen: fence + 1 }, delivered()],
    ] as const) {
      expect((await store.claim({ ...message, ...change }, by, 30)).claimed).toBe(false);
    }
    const again = { ...delivery, receiveCount: 2 };
    expect(await store.claim(message, again, 30)).toMatchObject({ claimed: true, claim: { fence: fence + 1 } });
    const outdated = store.claim({ ...message, seen: fence }, delivered(), 30);
    expect(await outdated).toMatchObject({ claimed: false, record: { functionSeconds: 30 } });
    const seen = store.claim({ ...message, seen: fence + 1 }, delivered(), 30);
    expect(await seen).toMatchObject({ claimed: true, claim: { fence: fence + 2 } });
  });
});

describe("a large value", () => {
  const large = (letter: string) => ({ name: "Error", message: letter.repeat(40_000) });
  const errorOf = async (id: string) => {
    const record = await store.read(id);
    return record && (await store.complete(record)).error?.message;
  };

  it("of a failed attempt does not hide why a task was revoked", async () => {
    const message = await inState("PENDING");
    await store.retry(await claimed(message), large("a"), inSeconds(5));

    await store.requestRevoke(message.id, why);

    expect(await errorOf(message.id)).toBe("because");
  });

  it("is not overwritten by a step that is refused", async () => {
    const message = aMessage({ trackStarted: false });
    const [one, other] = [await claimed(message), await claimed(message)];

    expect(await store.fail(one, large("a"))).toBe(true);
    expect(await store.fail(other, large("b"))).toBe(false);
    expect(await store.revoke(message, delivered(), large("c"))).toBe(false);

    expect(await errorOf(message.id)).toBe(large("a").message);
  });
});

describe("a run without a claim", () => {
  it("that is given back leaves a record that expires", async () => {
    const message = aMessage({ trackStarted: false, ignoreResult: true });

    expect(await store.release(await claimed(message), "unsettled", why)).toBe(1);

    expect(await engine.table.get(recordKey(message.id))).toMatchObject({
      state: "RETRY",
      ttl: expect.any(Number),
    });
  });

  it("does not begin once its task has ended, even if the record has expired", async () => {
    const message = aMessage({ trackStarted: false });
    await store.succeed(await claimed(message), "1");
    const now = engine.clock.now;
    engine.clock.now = inSeconds(86_401);

    const outcome = await store.claim(message, delivered(), 30);
    engine.clock.now = now;

    expect(outcome).toMatchObject({ claimed: false, record: { state: "SUCCESS" } });
  });
});
