/** Messages that AWS's own services put into a queue: destinations of Lambda, targets and dead letters of Scheduler. */

import { GetQueueUrlCommand, SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";

export interface QueueMessage {
  readonly body: string;
  readonly groupId?: string | undefined;
  /** Attributes of the type String, unless `numbers` names them. */
  readonly attributes?: Readonly<Record<string, string>>;
  readonly numbers?: readonly string[];
}

/** Sends a message to the queue with that ARN. Rejects, as SQS says, if it does not take it. */
export type SendToQueue = (queueArn: string, message: QueueMessage) => Promise<void>;

const QUEUE_ARN = /^arn:[\w-]+:sqs:[\w-]*:\d*:([\w.-]+)$/;

export function isQueueArn(arn: string): boolean {
  return QUEUE_ARN.test(arn);
}

export function createSendToQueue(sqs: SQSClient): SendToQueue {
  return async (queueArn, { body, groupId, attributes = {}, numbers = [] }) => {
    const [, QueueName] = QUEUE_ARN.exec(queueArn) ?? [];
    if (QueueName === undefined) throw new Error(`'${queueArn}' is no queue: the local cloud sends to queues alone.`);
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName }));
    const MessageAttributes = Object.fromEntries(
      Object.entries(attributes).map(([name, StringValue]) => {
        return [name, { DataType: numbers.includes(name) ? "Number" : "String", StringValue }];
      }),
    );
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: body, MessageGroupId: groupId, MessageAttributes }));
  };
}
