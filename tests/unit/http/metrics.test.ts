import { expect, it } from "vitest";
import { metricsText } from "../../../shared/http/metrics.ts";

const times = { waitMilliseconds: { sum: 3000, max: 2000 }, runMilliseconds: { sum: 50, max: 40 } };
const at = "2026-01-01T00:00:00.000Z";

it("are lines of Prometheus, with one type for each name and each text escaped", () => {
  const text = metricsText(
    { queues: [{ name: "default", paused: true, waiting: 3, inFlight: 1, delayed: 0 }], dead: 2 },
    [
      { at, task: 'a"\\\n', state: "SUCCESS", count: 2, runs: 2, ...times },
      { at: "2026-01-01T00:01:00.000Z", task: 'a"\\\n', state: "SUCCESS", count: 2, runs: 2, ...times },
      { at, task: "b", state: "REVOKED", count: 1, runs: 0, ...times },
    ],
  );

  expect(text.endsWith("\n")).toBe(true);
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  expect(lines).toEqual([
    'lovage_queue_messages{queue="default",kind="waiting"} 3',
    'lovage_queue_messages{queue="default",kind="inFlight"} 1',
    'lovage_queue_messages{queue="default",kind="delayed"} 0',
    'lovage_queue_paused{queue="default"} 1',
    "lovage_dead_letters 2",
    String.raw`lovage_task_ends{task="a\"\\\n",state="SUCCESS"} 4`,
    'lovage_task_ends{task="b",state="REVOKED"} 1',
    String.raw`lovage_task_wait_seconds_mean{task="a\"\\\n",state="SUCCESS"} 1.5`,
    String.raw`lovage_task_wait_seconds_max{task="a\"\\\n",state="SUCCESS"} 2`,
    String.raw`lovage_task_run_seconds_mean{task="a\"\\\n",state="SUCCESS"} 0.025`,
    String.raw`lovage_task_run_seconds_max{task="a\"\\\n",state="SUCCESS"} 0.04`,
  ]);
  const names = text.match(/^# TYPE \w+/gm) ?? [];
  expect(new Set(names).size).toBe(names.length);
});

it("leave out what could not be read", () => {
  const text = metricsText({ queues: [{ name: "default", paused: false, unreadable: true }], dead: null }, []);

  expect(text).not.toMatch(/^lovage_(queue_messages|dead_letters)/m);
  expect(text).toContain('lovage_queue_paused{queue="default"} 0\n');
});
