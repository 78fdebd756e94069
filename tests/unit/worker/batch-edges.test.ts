import { describe, expect, it } from "vitest";
import { InvalidMessageError } from "../../../shared/errors.ts";
import { createApp } from "../../../shared/index.ts";
import { createLog } from "../../../shared/log.ts";
import type { Delivery } from "../../../shared/message/delivery.ts";
import type { App } from "../../../shared/task/current-app.ts";
import { createMemoryTable } from "../../../shared/testing/table.ts";
import type { Verdict } from "../../../shared/worker/acknowledgement.ts";
import { type Handler, handleBatch } from "../../../shared/worker/batch.ts";
import type { Invocation } from "../../../shared/worker/invocation.ts";
import { sqsRecord } from "../../helpers/sqs-record.ts";

interface Ground {
  app: App;
  logged: Record<string, unknown>[];
  hidden: [string, string, number][];
}

/** An app whose queue hides nothing for long, or refuses to when it is asked. */
function ground(hide: () => Promise<void> = async () => {}): Ground {
  const logged: Record<string, unknown>[] = [];
  const hidden: [string, string, number][] = [];
  const app = createApp(
    {
      BROKER_URL: "https://sqs.eu-central-1.amazonaws.com/1/default",
      BROKER_URL_ORDERS: "https://sqs.eu-central-1.amazonaws.com/1/orders.fifo",
    },
    { log: createLog({}, (line) => logged.push(JSON.parse(line))), table: createMemoryTable() },
  );
  app.broker = {
    ...app.broker,
    hide: (...call) => {
      hidden.push(call);
      return hide();
    },
  };
  return { app, logged, hidden };
}

const time = (milliseconds: number) => ({ getRemainingTimeInMillis: () => milliseconds });

const plain = (handle: Handler<Delivery>["handle"]): Handler<Delivery> => ({ read: (delivery) => delivery, handle });

const fifo = (messageId: string, group: string, queue = "orders.fifo", receiveCount = 1) => {
  const record = sqsRecord({ messageId, body: "{}", receiveCount });
  return {
    ...record,
    eventSourceARN: `arn:aws:sqs:us-east-1:000000000000:${queue}`,
    attributes: { ...record.attributes, MessageGroupId: group },
  };
};

describe("a batch", () => {
  it("logs why a message is kept", async () => {
    const { app, logged } = ground();
    const handler = plain(async () => {
      throw new Error("on purpose");
    });
    const Records = [sqsRecord({ messageId: "a", body: "{}" })];

    expect(await handleBatch(app, { Records }, time(60_000), handler)).toEqual({
      batchItemFailures: [{ itemIdentifier: "a" }],
    });
    expect(logged).toEqual([
      expect.objectContaining({
        level: "error",
        message: "A message is kept for redelivery",
        messageId: "a",
        error: expect.objectContaining({ message: "on purpose" }),
      }),
    ]);
  });

  it("tells its handler how much time the function has, and had", async () => {
    const { app } = ground();
    const given: Invocation[] = [];
    const left = [60_000, 40_000];
    const context = { getRemainingTimeInMillis: () => left.shift() ?? 20_000 };
    const handler = plain(async (_delivery, invocation) => {
      given.push(invocation);
      return "acknowledge";
    });
    await handleBatch(app, { Records: [sqsRecord({ messageId: "a", body: "{}" })] }, context, handler);

    expect(given[0]?.totalMilliseconds).toBe(60_000);
    expect(given[0]?.remainingMilliseconds()).toBe(40_000);
  });

  it("begins what comes again while three seconds are left, and what is new in any case", async () => {
    const { app } = ground();
    const began: string[] = [];
    const handler = plain(async ({ messageId }) => {
      began.push(messageId);
      return "acknowledge";
    });
    const Records = [
      sqsRecord({ messageId: "again", body: "{}", receiveCount: 2 }),
      sqsRecord({ messageId: "new", body: "{}" }),
    ];

    await handleBatch(app, { Records }, time(2999), handler);
    expect(began.splice(0)).toEqual(["new"]);
    await handleBatch(app, { Records }, time(3000), handler);
    expect(began).toEqual(["new", "again"]);
  });

  it("runs new messages together, and those that come again alone, where a handler names no order", async () => {
    const { app } = ground();
    const running = new Set<string>();
    const together: string[] = [];
    const handler = plain(async ({ messageId }) => {
      running.add(messageId);
      together.push([...running].join("+"));
      await new Promise((resolve) => setImmediate(resolve));
      running.delete(messageId);
      return "acknowledge";
    });
    const Records = [
      sqsRecord({ messageId: "old", body: "{}", receiveCount: 2 }),
      ...["new1", "new2"].map((messageId) => sqsRecord({ messageId, body: "{}" })),
    ];
    await handleBatch(app, { Records }, time(60_000), handler);

    expect(together).toEqual(["new1", "new1+new2", "old"]);
  });

  it.each([1, 2])("records a message that cannot be read, and acknowledges it: delivery %j", async (receiveCount) => {
    const { app, logged } = ground();
    const handler: Handler<Delivery> = {
      read: () => {
        throw new InvalidMessageError("it is no message");
      },
      handle: async () => "keep",
    };
    const Records = [sqsRecord({ messageId: "a", body: "{}", receiveCount })];

    expect(await handleBatch(app, { Records }, time(60_000), handler)).toEqual({ batchItemFailures: [] });
    expect(logged).toMatchObject([{ message: "A message could not be read", id: "a" }]);
    expect((await app.results.read("a"))?.state).toBe("FAILURE");
  });
});

describe("a FIFO group", () => {
  const run = async (from: Ground, records: ReturnType<typeof fifo>[], verdicts: Record<string, Verdict>) => {
    const began: string[] = [];
    const handler = plain(async ({ messageId }) => {
      began.push(messageId);
      await new Promise((resolve) => setImmediate(resolve));
      return verdicts[messageId] ?? "acknowledge";
    });
    const { batchItemFailures } = await handleBatch(from.app, { Records: records }, time(60_000), handler);
    return { began, kept: batchItemFailures.map(({ itemIdentifier }) => itemIdentifier) };
  };

  it("stops at the first that is kept, and shows what follows at once; other groups go on", async () => {
    const from = ground();
    const records = [fifo("a1", "a"), fifo("b1", "b"), fifo("a2", "a"), fifo("b2", "b"), fifo("a3", "a")];

    expect(await run(from, records, { a1: "keep" })).toEqual({
      began: ["a1", "b1", "b2"],
      kept: ["a1", "a2", "a3"],
    });
    expect(from.hidden).toEqual([
      ["orders", "receipt-a2", 0],
      ["orders", "receipt-a3", 0],
    ]);
    expect(from.logged).toEqual([]);
  });

  it("begins no further message once the time is short", async () => {
    const from = ground();
    const left = [60_000, 2999];
    const context = { getRemainingTimeInMillis: () => left.shift() ?? 2999 };
    const Records = [fifo("a1", "a"), fifo("a2", "a")];

    expect(
      await handleBatch(
        from.app,
        { Records },
        context,
        plain(async () => "acknowledge"),
      ),
    ).toEqual({ batchItemFailures: [{ itemIdentifier: "a2" }] });
  });

  it("runs alone as a whole if one of it comes again", async () => {
    const records = [fifo("a1", "a"), fifo("a2", "a", "orders.fifo", 2), fifo("b1", "b")];

    expect((await run(ground(), records, {})).began).toEqual(["b1", "a1", "a2"]);
  });

  it("whose rest cannot be shown is told in the log, and kept all the same", async () => {
    const from = ground(() => Promise.reject(new Error("no rights")));

    expect((await run(from, [fifo("a1", "a"), fifo("a2", "a")], { a1: "keep" })).kept).toEqual(["a1", "a2"]);
    expect(from.logged).toMatchObject([
      { message: "A message of a FIFO group stays hidden for its visibility timeout", error: { message: "no rights" } },
    ]);
  });

  it("of a queue that is not configured is told in the log, too", async () => {
    const from = ground();
    await run(from, [fifo("a1", "a", "other.fifo"), fifo("a2", "a", "other.fifo")], { a1: "keep" });

    expect(from.hidden).toEqual([]);
    expect(from.logged).toMatchObject([{ error: { message: "Queue 'other.fifo' is not configured." } }]);
  });
});
