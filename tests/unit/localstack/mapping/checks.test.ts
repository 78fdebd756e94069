import { expect, it } from "vitest";
import { checkMapping } from "../../../../localstack/mapping/checks.ts";

const STANDARD = "arn:aws:sqs:us-east-1:000000000000:orders";
const GOOD = {
  queueArn: STANDARD,
  batchSize: 10,
  maximumBatchingWindowSeconds: 0,
  visibilityTimeoutSeconds: 180,
  functionTimeoutSeconds: 30,
};

it.each([
  ["the defaults", {}],
  ["a large batch with a window", { batchSize: 10_000, maximumBatchingWindowSeconds: 1 }],
  ["the longest window", { maximumBatchingWindowSeconds: 300 }],
  ["a visibility timeout equal to the function's", { visibilityTimeoutSeconds: 30 }],
  ["a FIFO queue with ten", { queueArn: `${STANDARD}.fifo` }],
  ["the least and the most concurrency", { maximumConcurrency: 2 }],
  ["the most concurrency", { maximumConcurrency: 1000 }],
])("AWS accepts %s", (_what, change) => {
  expect(() => checkMapping({ ...GOOD, ...change })).not.toThrow();
});

it.each([
  [
    "a visibility timeout below the function's",
    { visibilityTimeoutSeconds: 29 },
    "Queue visibility timeout: 29 seconds is less than Function timeout: 30 seconds",
  ],
  [
    "more than 10 without a window",
    { batchSize: 11 },
    "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
  ],
  [
    "a window on a FIFO queue",
    { queueArn: `${STANDARD}.fifo`, maximumBatchingWindowSeconds: 1 },
    "Batching window is not",
  ],
  [
    "more than 10 on a FIFO queue",
    { queueArn: `${STANDARD}.fifo`, batchSize: 11 },
    "Batch size greater than 10 is not",
  ],
  ["no batch at all", { batchSize: 0 }, "Value '0' at 'batchSize'"],
  ["a batch above 10 000", { batchSize: 10_001, maximumBatchingWindowSeconds: 1 }, "expected 1–10000"],
  ["a window above five minutes", { maximumBatchingWindowSeconds: 301 }, "expected 0–300"],
  ["a maximum concurrency of 1", { maximumConcurrency: 1 }, "Value '1' at 'scalingConfig.maximumConcurrency'"],
  ["a maximum concurrency above 1 000", { maximumConcurrency: 1001 }, "expected 2–1000"],
])("AWS refuses %s", (_what, change, sentence) => {
  expect(() => checkMapping({ ...GOOD, ...change })).toThrow(sentence);
  expect(() => checkMapping({ ...GOOD, ...change })).toThrow(
    expect.objectContaining({ name: "InvalidParameterValueException" }),
  );
});
