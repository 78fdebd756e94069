import type { SQSRecord } from "aws-lambda";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createApp } from "../../../shared/index.ts";
import { createLog } from "../../../shared/log.ts";
import { handleBatch } from "../../../shared/worker/batch.ts";
import type { Verdict } from "../../../shared/worker/verdict.ts";
import { sqsRecord } from "../../helpers/sqs-record.ts";

const app = createApp({}, { log: createLog({}, () => {}) });
const time = (milliseconds: number) => ({ getRemainingTimeInMillis: () => milliseconds });

const record = (messageId: string, receiveCount = 1, body = "{}") => sqsRecord({ messageId, body, receiveCount });

describe("a batch", () => {
  it("never acknowledges a record whose handler did not say so", async () => {
    const ends = fc.constantFrom("acknowledge", "keep", "throw");
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(ends, fc.integer({ min: 1, max: 3 })), { maxLength: 12 }), async (plan) => {
        const records = plan.map(([, count], index) => record(String(index), count));
        const answer = await handleBatch(app, { Records: records }, time(60_000), async ({ messageId }) => {
          const end = plan[Number(messageId)]?.[0];
          if (end === "throw") throw new Error("on purpose");
          return end === "acknowledge" ? "acknowledge" : "keep";
        });
        const failed = answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
        expect(failed).toEqual(plan.flatMap(([end], index) => (end === "acknowledge" ? [] : [String(index)])));
      }),
    );
  });

  it("runs new records at once, and those that came back afterwards and alone", async () => {
    const running = new Set<string>();
    const together: string[] = [];
    const handle = async ({ messageId }: SQSRecord): Promise<Verdict> => {
      running.add(messageId);
      together.push([...running].sort().join("+"));
      await new Promise((resolve) => setImmediate(resolve));
      running.delete(messageId);
      return "acknowledge";
    };
    const records = [
      record("old1", 2),
      record("new1"),
      record("old2", 3),
      record("new2"),
      record("marked", 1, '{"suspect":true}'),
    ];

    await handleBatch(app, { Records: records }, time(60_000), handle);

    expect(together).toEqual(["new1", "new1+new2", "old1", "old2", "marked"]);
  });

  it("begins with what others have left no time for, again and again", async () => {
    const began: string[] = [];
    const records = [
      record("new"),
      record("came back", 2),
      record("crowded", 1, '{"suspect":true,"crowded":5}'),
      record("a little crowded", 1, '{"suspect":true,"crowded":4}'),
    ];
    await handleBatch(app, { Records: records }, time(60_000), async ({ messageId }) => {
      began.push(messageId);
      return "acknowledge";
    });

    expect(began).toEqual(["crowded", "new", "came back", "a little crowded"]);
  });

  it("hands back what it has no time to begin", async () => {
    const answer = await handleBatch(app, { Records: [record("a", 2)] }, time(2000), async () => "acknowledge");

    expect(answer.batchItemFailures).toEqual([{ itemIdentifier: "a" }]);
  });
});
