import { describe, expect, it } from "vitest";
import { whyNotRunning } from "../../../shared/dashboard/why.ts";
import type { TaskRecord } from "../../../shared/results/record.ts";

const NOW = Date.parse("2026-11-27T16:00:00.000Z");
const waiting: TaskRecord = {
  id: "01a21de8-a77d-7966-8c1d-267ed5dd377e",
  task: "add",
  state: "PENDING",
  queue: "default",
  attempt: 1,
  payload: {},
  createdAt: "2026-11-27T15:59:00.000Z",
  rootId: "01a21de8-a77d-7966-8c1d-267ed5dd377e",
};
const queues = [{ name: "default", paused: false, waiting: 40, inFlight: 10, delayed: 0 }];
const at = "2026-11-27T15:00:00.000Z";
const why = (record: Partial<TaskRecord>, decisions: Parameters<typeof whyNotRunning>[1] = []): string | undefined =>
  whyNotRunning({ ...waiting, ...record }, decisions, queues, NOW);

describe("why a task is not running", () => {
  it.each([
    [{}, "It waits for its turn: about 40 messages wait in default, about 10 are being worked on."],
    [{ eta: "2026-11-27T16:02:05.000Z" }, "It waits for its time: due in 2 min 5 s."],
    [{ eta: "2026-11-27T16:00:10.000Z", state: "RETRY" }, "It waits for its retry: due in 10 s."],
    [{ payload: { key: "uploads/1" } }, "It waits for its file, which has not come."],
    [{ error: { name: "E", message: "no place is free" } }, "It waits: no place is free"],
    [{ queue: "gone" }, "Its queue gone is not one of the service's."],
  ] satisfies [Partial<TaskRecord>, string][])("says of %o: %s", (record, sentence) => {
    expect(why(record)).toBe(sentence);
  });

  it("names the pause of its task or queue, and of no other", () => {
    expect(why({}, [{ kind: "pause", scope: "queue", name: "default", at }])).toBe(
      `It waits because the queue default is paused, since ${at}.`,
    );
    expect(why({}, [{ kind: "pause", scope: "task", name: "other", at }])).toContain("for its turn");
  });

  it("says nothing of one that runs or has ended", () => {
    expect(why({ state: "STARTED" })).toBeUndefined();
    expect(why({ state: "SUCCESS" })).toBeUndefined();
  });

  it("says that an empty queue is no reason", () => {
    expect(whyNotRunning(waiting, [], [{ name: "default", paused: false, waiting: 0, inFlight: 0 }], NOW)).toContain(
      "shows about no message",
    );
  });
});
