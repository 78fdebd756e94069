import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, it } from "vitest";
import { createSqs } from "../../../shared/aws/sqs.ts";
import { createBroker } from "../../../shared/broker/broker.ts";
import { newId } from "../../../shared/message/id.ts";
import type { Message } from "../../../shared/message/message.ts";

const sqs = mockClient(SQSClient);
const queueUrl = (queue: string) => `http://127.0.0.1/000000000000/${queue}`;
const broker = () => createBroker({ sqs: createSqs(), queueUrl, deadLetterQueueUrl: () => queueUrl("dead") });

function message(payload: string = "x", queue = "default"): Message {
  const id = newId();
  return { v: 1, id, task: "t", attempt: 1, payload, queue, sentAt: "2026-01-01T00:00:00.000Z", rootId: id };
}

/** How many entries each call carried. */
const callSizes = () => sqs.commandCalls(SendMessageBatchCommand).map(({ args }) => args[0].input.Entries?.length);

describe("the broker", () => {
  beforeEach(() => sqs.reset());

  it("puts what is sent in one moment into as few calls as SQS allows", async () => {
    sqs.on(SendMessageBatchCommand).resolves({});
    const { send } = broker();

    await Promise.all(Array.from({ length: 23 }, () => send(message(), 0)));

    expect(callSizes()).toEqual([10, 10, 3]);
  });

  it("keeps a batch under 1 MiB, and queues apart", async () => {
    sqs.on(SendMessageBatchCommand).resolves({});
    const { send } = broker();

    const large = "é".repeat(200_000);
    await Promise.all([
      send(message(large), 0),
      send(message(large), 0),
      send(message(large), 0),
      send(message("x", "other"), 0),
    ]);

    expect(callSizes()).toEqual([2, 1, 1]);
  });

  it("sends entries that failed alone again, and only those", async () => {
    sqs
      .on(SendMessageBatchCommand)
      .resolvesOnce({ Successful: [], Failed: [{ Id: "1", Code: "InternalError", SenderFault: false }] })
      .resolves({});
    const { send } = broker();

    await Promise.all([send(message(), 0), send(message(), 0), send(message(), 0)]);

    expect(callSizes()).toEqual([3, 1]);
  });

  it("tells only the sender whose own message was refused", async () => {
    const Failed = [{ Id: "0", Code: "InvalidMessageContents", Message: "bad characters", SenderFault: true }];
    sqs.on(SendMessageBatchCommand).resolves({ Successful: [], Failed });
    const { send } = broker();

    const [first, second] = await Promise.allSettled([send(message(), 0), send(message(), 0)]);

    expect(first).toMatchObject({
      status: "rejected",
      reason: {
        code: "BROKER_FAILED",
        message: "Queue 'default' did not accept the message: InvalidMessageContents: bad characters",
      },
    });
    expect(second?.status).toBe("fulfilled");
  });

  it("gives up after four refusals, and tells every sender when the call itself fails", async () => {
    sqs
      .on(SendMessageBatchCommand)
      .resolves({ Successful: [], Failed: [{ Id: "0", Code: "Throttled", SenderFault: false }] });
    await expect(broker().send(message(), 0)).rejects.toThrow("Throttled");
    expect(callSizes()).toEqual([1, 1, 1, 1]);

    sqs.on(SendMessageBatchCommand).rejects(new Error("no network"));
    await expect(broker().send(message(), 0)).rejects.toThrow("no network");
  });
});
