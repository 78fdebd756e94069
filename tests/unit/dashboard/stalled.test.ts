import { describe, expect, it } from "vitest";
import { oldestWaiting, stalledQueues } from "../../../shared/dashboard/stalled.ts";
import type { TaskRecord } from "../../../shared/results/record.ts";

const NOW = Date.parse("2026-11-28T12:00:30Z");
const task = (id: string, secondsAgo: number, more: Partial<TaskRecord> = {}): TaskRecord => ({
  id,
  task: "add",
  state: "PENDING",
  queue: "default",
  attempt: 1,
  payload: null,
  createdAt: new Date(NOW - secondsAgo * 1000).toISOString(),
  rootId: id,
  ...more,
});
const inSeconds = (seconds: number): string => new Date(NOW + seconds * 1000).toISOString();

describe("the oldest waiting task", () => {
  it("is the one that might have begun first, and no upload whose file is awaited", () => {
    const tasks = [
      task("runs", 900, { state: "STARTED" }),
      task("later", 800, { eta: inSeconds(60) }),
      task("upload", 700, { payload: { key: "uploads/x" } }),
      task("due", 600, { eta: inSeconds(-5) }),
      task("old", 20),
    ];
    expect(oldestWaiting(tasks, NOW)).toMatchObject({ record: { id: "old" }, milliseconds: 20_000 });
    expect(oldestWaiting([], NOW)).toBeUndefined();
  });
});

describe("a queue", () => {
  const queues = [{ name: "default", paused: false, waiting: 100, inFlight: 5 }];
  const waiting = [task("a", 95)];
  const ended = (secondsAgo: number, state = "SUCCESS") => [{ at: inSeconds(-secondsAgo), state, count: 1 }];

  it("is stalled when work waits for a while, and nothing ends", () => {
    expect(stalledQueues({ queues, waiting, ends: ended(600) }, NOW)).toEqual([
      {
        name: "default",
        text: "In default about 100 wait, for 1 min 35 s; about 5 are being worked on, and nothing ends: stalled, or busy with long tasks",
      },
    ]);
    expect(stalledQueues({ queues, waiting, ends: ended(10, "RETRY") }, NOW)).toHaveLength(1);
    const idle = [{ name: "default", paused: false, waiting: 3, inFlight: 0 }];
    expect(stalledQueues({ queues: idle, waiting, ends: [] }, NOW)[0]?.text).toContain("no worker takes them");
  });

  it.each([
    ["something has ended", { queues, waiting, ends: ended(60) }],
    ["nobody knows what has ended", { queues, waiting, ends: undefined }],
    ["its work has just come", { queues, waiting: [task("a", 10)], ends: [] }],
    ["it is paused", { queues: [{ ...queues[0], name: "default", paused: true }], waiting, ends: [] }],
    ["another one's task waits", { queues, waiting: [task("a", 95, { queue: "low" })], ends: [] }],
  ])("is not when %s", (_, seen) => {
    expect(stalledQueues(seen, NOW)).toEqual([]);
  });
});
