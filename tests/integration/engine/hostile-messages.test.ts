import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { createDeadLetterWorker, task } from "../../../shared/index.ts";
import { encodeMessage } from "../../../shared/message/encoding.ts";
import type { Message } from "../../../shared/message/message.ts";
import { visibility } from "../../helpers/engine.ts";
import { sqsRecord } from "../../helpers/sqs-record.ts";
import { startBench } from "../../helpers/workbench.ts";

const echo = task({
  name: "echo",
  payload: z.object({ text: z.string(), failures: z.number().default(0) }),
  retry: { maxRetries: 1, backoff: { base: 0 } },
  run: ({ text, failures }, { attempt }) => {
    if (attempt <= failures) throw new Error("again");
    return text.length;
  },
});

const { engine, bench } = await startBench({ echo }, visibility(1, "DefaultQueue", "LowQueue", "FifoQueue"));
beforeEach(() => {
  engine.clock.now = new Date();
});

/** Bodies that a foreign writer might put into a queue. */
function aMessage(change: Partial<Message> = {}): Message {
  const id = engine.app.newId();
  const sentAt = engine.clock.now.toISOString();
  const known = { v: 1, id, task: "echo", attempt: 1, queue: "default", sentAt, rootId: id } as const;
  return { ...known, payload: { text: "four" }, ...change };
}

async function write(message: object, logicalId = "DefaultQueue"): Promise<string> {
  const { MessageId = "" } = await engine.clients.sqs.send(
    new SendMessageCommand({ QueueUrl: await engine.queueUrl(logicalId), MessageBody: JSON.stringify(message) }),
  );
  return MessageId;
}

describe("a message for a queue that the service does not have", () => {
  it("runs on the queue that it came from, and stays there for its retry", async () => {
    const message = aMessage({ queue: "gone", payload: { text: "four", failures: 1 } });
    await write(message, "LowQueue");
    await bench.workUntilFinal(message.id, "LowQueue");

    expect(await engine.app.results.read(message.id)).toMatchObject({
      state: "SUCCESS",
      result: 4,
      attempt: 2,
      queue: "low",
    });
  });

  it("goes from the dead-letter queue to the default one", async () => {
    const { broker } = engine.app;
    const sent: Message[] = [];
    engine.app.broker = { ...broker, send: async (message) => void sent.push(message) };
    const message = aMessage({ queue: "gone" });
    const record = {
      ...sqsRecord({ body: encodeMessage(message) }),
      eventSourceARN: `arn:aws:sqs:us-east-1:000000000000:${engine.app.config.deadLetterQueueUrl.split("/").at(-1)}`,
    };
    const answer = await createDeadLetterWorker(engine.app)(
      { Records: [record] },
      { getRemainingTimeInMillis: () => 30_000 },
    );
    engine.app.broker = broker;

    expect(answer.batchItemFailures).toEqual([]);
    expect(sent).toMatchObject([{ id: message.id, queue: "default", suspect: true }]);
  });
});

describe("a message of a foreign writer", () => {
  it("may carry a payload that no record could hold", async () => {
    const text = "z".repeat(500_000);
    const message = aMessage({ payload: { text } });
    await write(message);
    await bench.workUntilFinal(message.id);

    expect(await engine.app.results.read(message.id)).toMatchObject({ state: "SUCCESS", result: 500_000 });
    expect((await bench.call("GET", `/tasks/${message.id}`)).body).toMatchObject({ payload: { text } });
  });

  it("for a FIFO queue may have no group: then its task is one of its own", async () => {
    const message = aMessage({ queue: "fifo" });
    await write(message);
    await bench.work();
    await bench.workUntilFinal(message.id, "FifoQueue");

    expect(await engine.app.results.read(message.id)).toMatchObject({ state: "SUCCESS", queue: "fifo" });
  });

  const long = "k".repeat(2000);
  it.each<[string, object]>([
    ["tags", { tags: [long] }],
    ["tags", { tags: Array.from({ length: 3000 }, (_, index) => `tag-${index}`) }],
    ["headers", { headers: { name: "h".repeat(500_000) } }],
    ["concurrencyKey", { concurrencyKey: long }],
    ["messageGroupId", { messageGroupId: long }],
    ["debounce", { debounce: { key: long, burst: "019aaaaa-0000-7000-8000-000000000000" } }],
  ])("whose %s no record or key could hold is recorded as unreadable, and gone", async (field, change) => {
    const messageId = await write({ ...aMessage(), ...change });

    expect(await bench.work()).toEqual([]);
    expect(await engine.app.results.read(messageId)).toMatchObject({
      state: "FAILURE",
      task: "(unreadable)",
      error: { code: "MESSAGE_INVALID", message: expect.stringContaining(`its field '${field}' is`) },
    });
  });
});
