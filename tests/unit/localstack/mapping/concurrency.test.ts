import { expect, it } from "vitest";
import { createPollerConcurrency } from "../../../../localstack/mapping/concurrency.ts";

function withClock(settings: { maximumConcurrency?: number; poolLimit?: number } = {}) {
  let now = 0;
  const concurrency = createPollerConcurrency(settings, () => now);
  const pass = (ms: number) => {
    now += ms;
  };
  const saturate = (seconds: number) => {
    for (let second = 0; second <= seconds; second += 1) {
      concurrency.saturated();
      pass(1000);
    }
  };
  return { concurrency, pass, saturate };
}

it("concurrency starts at 5 and grows by 300 a minute while there is more to do", () => {
  const { concurrency, saturate } = withClock();

  expect(concurrency.limit()).toBe(5);
  saturate(60);

  expect(concurrency.limit()).toBe(305);
});

it("growth takes its time: asking more often does not help", () => {
  const { concurrency, pass } = withClock();

  const waits = [concurrency.saturated(), concurrency.saturated()];
  pass(400);
  waits.push(concurrency.saturated());

  expect(waits).toEqual([1000, 1000, 600]);
  expect(concurrency.limit()).toBe(5);
});

it.each([
  ["AWS's 1 250", {}, 1250],
  ["the mapping's maximum", { maximumConcurrency: 12 }, 12],
  ["what the local pool can run", { poolLimit: 8 }, 8],
  ["the mapping's maximum below that", { maximumConcurrency: 6, poolLimit: 8 }, 6],
  ["the mapping's maximum above that", { maximumConcurrency: 8, poolLimit: 4 }, 8],
])("Growth ends at %s", (_what, settings, most) => {
  const { concurrency, saturate } = withClock(settings);

  saturate(600);

  expect(concurrency.limit()).toBe(most);
  expect(concurrency.saturated()).toBeUndefined();
});

it("a maximum below 5 is the start", () => {
  expect(withClock({ maximumConcurrency: 2 }).concurrency.limit()).toBe(2);
  expect(withClock({ poolLimit: 1 }).concurrency.limit()).toBe(1);
});

it("an empty queue brings it back to 5, and to 2 when it stays empty", () => {
  const { concurrency, pass, saturate } = withClock();
  saturate(10);

  concurrency.idle();
  const limits = [concurrency.limit()];
  pass(60_000);
  concurrency.idle();
  limits.push(concurrency.limit());

  expect(limits).toEqual([5, 2]);
});

it("with a maximum it stays at 5 however long the queue is empty", () => {
  const { concurrency, pass } = withClock({ maximumConcurrency: 20 });

  concurrency.idle();
  pass(600_000);
  concurrency.idle();

  expect(concurrency.limit()).toBe(5);
});

it("failures halve it, down to 2, and successes bring it back to the start", () => {
  const { concurrency, saturate } = withClock();
  saturate(3);

  const limits = [concurrency.limit()];
  for (let failure = 0; failure < 5; failure += 1) {
    concurrency.failed();
    limits.push(concurrency.limit());
  }
  for (let success = 0; success < 5; success += 1) concurrency.succeeded();

  expect(limits).toEqual([20, 10, 5, 2, 2, 2]);
  expect(concurrency.limit()).toBe(5);
});
