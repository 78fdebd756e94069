import { describe, expect, it } from "vitest";
import { absent, type Condition, equal, type Item } from "../../../shared/aws/change.ts";
import {
  ENDED_BADLY,
  ENDED_IN_VAIN,
  type Evidence,
  idle,
  isMine,
  isUnclaimed,
  MAY_EXPIRE,
  MAY_EXPLAIN,
  mayClaim,
  NEVER_RECORDED,
  NOT_BEGUN,
  NOT_ENDED,
  ofContent,
  RECORDED,
  STARTED,
  WAITING,
} from "../../../shared/results/conditions.ts";
import { createMemoryTable } from "../../../shared/testing/table.ts";

/** Whether a write under this condition applies to a record. */
async function applies(when: Condition, record: Item | undefined): Promise<boolean> {
  const table = createMemoryTable();
  const key = { pk: "task", sk: "record" };
  if (record !== undefined) await table.update({ key, set: record });
  return (await table.update({ key, when })).applied;
}

const STATES = ["PENDING", "STARTED", "RETRY", "SUCCESS", "FAILURE", "REVOKED"];

describe("a message whose id its caller has made", () => {
  const mine = { contentHash: "mine" };

  it.each([
    ["a record of the same content", { state: "PENDING", contentHash: "mine" }, true],
    ["a record of another content", { state: "PENDING", contentHash: "other" }, false],
    ["a record of no caller's id", { state: "PENDING" }, false],
    ["a record of the same content that has ended", { state: "SUCCESS", contentHash: "mine" }, false],
    ["no record", undefined, true],
  ])("changes %s: as its hash says", async (_, record, changes) => {
    expect(await applies(ofContent(mine, MAY_EXPLAIN), record)).toBe(changes);
  });

  it("changes no record at all where there has to be one, and none is", async () => {
    expect(await applies(ofContent(mine, WAITING), undefined)).toBe(false);
    expect(await applies(ofContent(mine, absent("ended")), { state: "PENDING" })).toBe(false);
    expect(await applies(ofContent(mine, equal("state", "state")), { state: "state" })).toBe(false);
  });

  it("is told by nothing else, where the caller made none", async () => {
    expect(await applies(ofContent({}, WAITING), { state: "PENDING" })).toBe(true);
    expect(await applies(ofContent({}, WAITING), { state: "PENDING", contentHash: "other" })).toBe(true);
  });
});

describe("a record's state", () => {
  it.each([
    ["WAITING", WAITING, ["PENDING", "RETRY"]],
    ["NOT_BEGUN", NOT_BEGUN, ["PENDING"]],
    ["STARTED", STARTED, ["STARTED"]],
    ["NOT_ENDED", NOT_ENDED, ["PENDING", "STARTED", "RETRY"]],
    ["ENDED_IN_VAIN", ENDED_IN_VAIN, ["FAILURE"]],
    ["ENDED_BADLY", ENDED_BADLY, ["FAILURE", "REVOKED"]],
    ["NEVER_RECORDED", NEVER_RECORDED, ["none"]],
    ["RECORDED", RECORDED, STATES],
    ["MAY_EXPLAIN", MAY_EXPLAIN, ["none", "PENDING", "RETRY"]],
    ["MAY_EXPIRE", MAY_EXPIRE, ["none", "PENDING"]],
  ] as const)("is one that %s allows, and no other", async (_name, condition, allowed) => {
    const found: string[] = [];
    if (await applies(condition, undefined)) found.push("none");
    for (const state of STATES) if (await applies(condition, { state })) found.push(state);

    expect(found).toEqual(allowed);
  });
});

const evidence = (seen?: number): Evidence => ({
  message: seen === undefined ? {} : { seen },
  delivery: { messageId: "m", receiveCount: 2 },
});

/** A run by the delivery before. */
const running = { state: "STARTED", attempt: 3, messageId: "m", receiveCount: 1, fence: 7 };
const elsewhere = { ...running, messageId: "other" };

describe("a task is idle, and may be claimed,", () => {
  it.each<[string, Item | undefined, number | undefined, boolean]>([
    ["without a record", undefined, undefined, true],
    ["while it waits", { state: "PENDING", attempt: 3 }, undefined, true],
    ["while it waits for a retry", { state: "RETRY", attempt: 3 }, undefined, true],
    ["not once it has ended", { state: "SUCCESS", attempt: 3 }, undefined, false],
    ["once the run's own message comes again", running, undefined, true],
    ["not with the delivery that runs", { ...running, receiveCount: 2 }, undefined, false],
    ["not with an older delivery", { ...running, receiveCount: 3 }, undefined, false],
    ["not with another message", elsewhere, undefined, false],
    ["not once it has ended, though its message comes again", { ...running, state: "FAILURE" }, undefined, false],
    ["with a copy that has seen the run", elsewhere, 7, true],
    ["not with a copy that has seen another run", elsewhere, 6, false],
    ["not with a copy of a run that has ended", { ...elsewhere, state: "FAILURE" }, 7, false],
    ["with a copy, once the run's own message comes again", running, 6, true],
    ["as its record has seen", { ...elsewhere, seenFence: 7, seenMessage: "m", seenCount: 1 }, undefined, true],
    ["as its record has seen, with a copy", { ...elsewhere, seenFence: 7, seenMessage: "m", seenCount: 1 }, 6, true],
    [
      "not if its record has seen another run",
      { ...elsewhere, seenFence: 6, seenMessage: "m", seenCount: 1 },
      undefined,
      false,
    ],
    [
      "not if another message has seen it",
      { ...elsewhere, seenFence: 7, seenMessage: "other", seenCount: 1 },
      undefined,
      false,
    ],
    [
      "not if this delivery has seen it",
      { ...elsewhere, seenFence: 7, seenMessage: "m", seenCount: 2 },
      undefined,
      false,
    ],
    [
      "not once it has ended, though seen",
      { ...elsewhere, state: "REVOKED", seenFence: 7, seenMessage: "m", seenCount: 1 },
      undefined,
      false,
    ],
  ])("%s", async (_name, record, seen, expected) => {
    expect(await applies(idle(evidence(seen)), record)).toBe(expected);
    expect(await applies(mayClaim(3, evidence(seen)), record)).toBe(expected);
  });

  it("but not at another attempt, nor after a revoke was asked for", async () => {
    for (const record of [running, { state: "PENDING", attempt: 3 }]) {
      expect(await applies(mayClaim(2, evidence()), record)).toBe(false);
      expect(await applies(mayClaim(3, evidence()), { ...record, revokeRequestedAt: "now" })).toBe(false);
    }
  });
});

describe("a run", () => {
  it("is mine with my fence, while it runs", async () => {
    expect(await applies(isMine(7), running)).toBe(true);
    expect(await applies(isMine(6), running)).toBe(false);
    expect(await applies(isMine(7), { ...running, state: "FAILURE" })).toBe(false);
    expect(await applies(isMine(7), undefined)).toBe(false);
  });

  it("without a claim is open until its attempt has ended", async () => {
    expect(await applies(isUnclaimed(3), undefined)).toBe(true);
    expect(await applies(isUnclaimed(3), { state: "RETRY", attempt: 3 })).toBe(true);
    expect(await applies(isUnclaimed(3), { state: "RETRY", attempt: 4 })).toBe(false);
    expect(await applies(isUnclaimed(3), running)).toBe(false);
  });
});
