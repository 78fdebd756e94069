import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createApp } from "../../../shared/index.ts";
import { createLog } from "../../../shared/log.ts";
import type { Delivery } from "../../../shared/message/delivery.ts";
import { newId } from "../../../shared/message/id.ts";
import type { Verdict } from "../../../shared/worker/acknowledgement.ts";
import { type Handler, handleBatch } from "../../../shared/worker/batch.ts";
import { orderOf, readTaskDelivery } from "../../../shared/worker/task-delivery.ts";
import { sqsRecord } from "../../helpers/sqs-record.ts";

const app = createApp(
  { BROKER_URL: "https://sqs.eu-central-1.amazonaws.com/1/default" },
  { log: createLog({}, () => {}) },
);
const time = (milliseconds: number) => ({ getRemainingTimeInMillis: () => milliseconds });

const record = (messageId: string, receiveCount = 1, body = "{}") => sqsRecord({ messageId, body, receiveCount });

/** Handles deliveries as they come. */
const plain = (handle: Handler<Delivery>["handle"]): Handler<Delivery> => ({ read: (delivery) => delivery, handle });

/** Handles the messages of a task queue. */
const tasks = (handle: (delivery: Delivery) => Promise<Verdict>) => ({
  read: (delivery: Delivery) => readTaskDelivery(app, delivery),
  orderOf,
  handle,
});

const message = (marks: object = {}) => {
  const id = newId();
  const fields = { v: 1, id, rootId: id, task: "add", attempt: 1, payload: {}, queue: "default" };
  return JSON.stringify({ ...fields, sentAt: new Date().toISOString(), ...marks });
};

describe("a batch", () => {
  it("never acknowledges a record whose handler did not say so", async () => {
    const ends = fc.constantFrom("acknowledge", "keep", "throw");
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(ends, fc.integer({ min: 1, max: 3 })), { maxLength: 12 }), async (plan) => {
        const records = plan.map(([, count], index) => record(String(index), count));
        const answer = await handleBatch(
          app,
          { Records: records },
          time(60_000),
          plain(async ({ messageId }) => {
            const end = plan[Number(messageId)]?.[0];
            if (end === "throw") throw new Error("on purpose");
            return end === "acknowledge" ? "acknowledge" : "keep";
          }),
        );
        const failed = answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
        expect(failed).toEqual(plan.flatMap(([end], index) => (end === "acknowledge" ? [] : [String(index)])));
      }),
    );
  });

  it("runs new records at once, and those that came back afterwards and alone", async () => {
    const running = new Set<string>();
    const together: string[] = [];
    const handle = async ({ messageId }: Delivery): Promise<Verdict> => {
      running.add(messageId);
      together.push([...running].sort().join("+"));
      await new Promise((resolve) => setImmediate(resolve));
      running.delete(messageId);
      return "acknowledge";
    };
    const records = [
      record("old1", 2, message()),
      record("new1", 1, message()),
      record("old2", 3, message()),
      record("new2", 1, message()),
      record("marked", 1, message({ suspect: true })),
    ];

    await handleBatch(app, { Records: records }, time(60_000), tasks(handle));

    expect(together).toEqual(["new1", "new1+new2", "old1", "old2", "marked"]);
  });

  it("begins with what others have left no time for, again and again", async () => {
    const began: string[] = [];
    const records = [
      record("new", 1, message()),
      record("came back", 2, message()),
      record("crowded", 1, message({ suspect: true, crowded: 5 })),
      record("a little crowded", 1, message({ suspect: true, crowded: 4 })),
    ];
    await handleBatch(
      app,
      { Records: records },
      time(60_000),
      tasks(async ({ messageId }) => {
        began.push(messageId);
        return "acknowledge";
      }),
    );

    expect(began).toEqual(["crowded", "new", "came back", "a little crowded"]);
  });

  it("is read once, at the door, with payloads that look like marks or references", async () => {
    const began: string[] = [];
    let reads = 0;
    const tricky = message({ payload: { text: '"suspect":true,"crowded":9,"payloadRef":{"sizeBytes":99999999}' } });
    const handler = tasks(async ({ messageId }) => {
      began.push(messageId);
      return "acknowledge";
    });
    const counted = {
      ...handler,
      read: (delivery: Delivery) => {
        reads += 1;
        return handler.read(delivery);
      },
    };

    await handleBatch(
      app,
      { Records: [record("came back", 2, message()), record("tricky", 1, tricky)] },
      time(60_000),
      counted,
    );

    expect(began).toEqual(["tricky", "came back"]);
    expect(reads).toBe(2);
  });

  it("hands back what it has no time to begin", async () => {
    const answer = await handleBatch(
      app,
      { Records: [record("a", 2)] },
      time(2000),
      plain(async () => "acknowledge"),
    );

    expect(answer.batchItemFailures).toEqual([{ itemIdentifier: "a" }]);
  });
});
