/**
 * The calls that an event source mapping makes of its queue: over HTTP, by an SDK's client, or in this process, which costs a
 * tenth. AWS's pollers stand beside its queues, too.
 */

import {
  type BatchResultErrorEntry,
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  type MessageAttributeValue,
  type MessageSystemAttributeName,
  type QueueAttributeName,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { isObject, type JsonObject, objectsOf } from "../json.ts";
import type { Sqs } from "../sqs/server.ts";

export interface QueueCalls {
  /** Up to `count` (1–10) messages with all their attributes; waits up to `waitSeconds` (0–20), and no longer than the signal. */
  receive(count: number, waitSeconds: number, signal: AbortSignal): Promise<Message[]>;
  /** Up to ten. @returns the failures; each has the place of its handle as its `Id` */
  delete(receiptHandles: readonly string[]): Promise<BatchResultErrorEntry[]>;
  /** Makes up to ten messages visible again. */
  release(receiptHandles: readonly string[]): Promise<void>;
  attribute(name: QueueAttributeName, signal?: AbortSignal): Promise<string | undefined>;
}

const ALL = ["All"] as const;

export function callsOverHttp(sqs: SQSClient, queueUrl: string): QueueCalls {
  const QueueUrl = queueUrl;
  return {
    async receive(count, waitSeconds, signal) {
      const command = new ReceiveMessageCommand({ QueueUrl, ...receiveOf(count, waitSeconds) });
      // A second argument makes the SDK build its middleware anew, and a poll that does not wait needs no abort.
      const answer = await (waitSeconds === 0 ? sqs.send(command) : sqs.send(command, { abortSignal: signal }));
      return answer.Messages ?? [];
    },
    async delete(receiptHandles) {
      const command = new DeleteMessageBatchCommand({ QueueUrl, Entries: entriesOf(receiptHandles) });
      return (await sqs.send(command)).Failed ?? [];
    },
    async release(receiptHandles) {
      const Entries = entriesOf(receiptHandles).map((entry) => ({ ...entry, VisibilityTimeout: 0 }));
      await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
    },
    async attribute(name, signal) {
      const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [name] });
      const answer = await sqs.send(command, { ...(signal && { abortSignal: signal }) });
      return answer.Attributes?.[name];
    },
  };
}

export function callsInProcess({ call }: Pick<Sqs, "call">, queueUrl: string): QueueCalls {
  const QueueUrl = queueUrl;
  return {
    async receive(count, waitSeconds, signal) {
      const answer = await call("ReceiveMessage", { QueueUrl, ...receiveOf(count, waitSeconds) }, signal);
      return objectsOf(answer.Messages).map(toMessage);
    },
    async delete(receiptHandles) {
      const { Failed } = await call("DeleteMessageBatch", { QueueUrl, Entries: entriesOf(receiptHandles) });
      return objectsOf(Failed).map(({ Id, SenderFault, Code, Message }) => ({
        Id: String(Id),
        SenderFault: SenderFault === true,
        Code: String(Code),
        Message: textOf(Message),
      }));
    },
    async release(receiptHandles) {
      const Entries = entriesOf(receiptHandles).map((entry) => ({ ...entry, VisibilityTimeout: 0 }));
      await call("ChangeMessageVisibilityBatch", { QueueUrl, Entries });
    },
    async attribute(name) {
      const { Attributes } = await call("GetQueueAttributes", { QueueUrl, AttributeNames: [name] });
      return isObject(Attributes) ? textOf(Attributes[name]) : undefined;
    },
  };
}

function receiveOf(count: number, waitSeconds: number) {
  const names = { MessageSystemAttributeNames: [...ALL], MessageAttributeNames: [...ALL] };
  return { MaxNumberOfMessages: count, WaitTimeSeconds: waitSeconds, ...names };
}

function entriesOf(receiptHandles: readonly string[]): { Id: string; ReceiptHandle: string }[] {
  return receiptHandles.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle }));
}

/** The message as an SDK would read it. */
function toMessage({ MessageAttributes, Attributes, ...fields }: JsonObject): Message {
  const message: Message = {
    MessageId: textOf(fields.MessageId),
    ReceiptHandle: textOf(fields.ReceiptHandle),
    Body: textOf(fields.Body),
    MD5OfBody: textOf(fields.MD5OfBody),
  };
  if (isTexts(Attributes)) message.Attributes = Attributes;
  if (isObject(MessageAttributes)) {
    const attributes = Object.entries(MessageAttributes).map(([name, value]) => [name, toAttribute(value)] as const);
    message.MessageAttributes = Object.fromEntries(attributes);
    message.MD5OfMessageAttributes = textOf(fields.MD5OfMessageAttributes);
  }
  return message;
}

function toAttribute(value: unknown): MessageAttributeValue {
  const { DataType, StringValue, BinaryValue } = isObject(value) ? value : {};
  return {
    DataType: textOf(DataType),
    ...(typeof StringValue === "string" && { StringValue }),
    ...(typeof BinaryValue === "string" && { BinaryValue: Buffer.from(BinaryValue, "base64") }),
  };
}

function isTexts(value: unknown): value is Partial<Record<MessageSystemAttributeName, string>> {
  return isObject(value) && Object.values(value).every((text) => typeof text === "string");
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
