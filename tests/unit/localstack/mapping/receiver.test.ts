import { ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, expect, it } from "vitest";
import { systemClock } from "../../../../localstack/clock.ts";
import { callsOverHttp } from "../../../../localstack/mapping/queue-calls.ts";
import { createMessageReceiver, type MessageReceiver } from "../../../../localstack/mapping/receiver.ts";

const sqs = mockClient(SQSClient);
const MESSAGES = { Messages: [{ MessageId: "m" }] };

let lines: string[];
let now: number;
let slept: number[];
let stopping: AbortController;
let receiver: MessageReceiver;

function refused(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

beforeEach(() => {
  sqs.reset();
  [lines, slept, now, stopping] = [[], [], 0, new AbortController()];
  const clock = {
    ...systemClock,
    now: () => now,
    async sleep(ms: number) {
      slept.push(ms);
      now += ms;
    },
  };
  const log = (line: string) => lines.push(line);
  const { signal } = stopping;
  const queueUrl = "http://host/1/orders";
  const queue = callsOverHttp(new SQSClient({}), queueUrl);
  receiver = createMessageReceiver({ queue, queueUrl, clock, log, signal });
});

it("a poll asks for every attribute and waits as long as it is told", async () => {
  sqs.on(ReceiveMessageCommand).resolves(MESSAGES);

  const messages = await receiver.receive(10, 20);

  expect(messages).toEqual(MESSAGES.Messages);
  expect(sqs.commandCalls(ReceiveMessageCommand)[0]?.args[0].input).toEqual({
    QueueUrl: "http://host/1/orders",
    MaxNumberOfMessages: 10,
    WaitTimeSeconds: 20,
    MessageSystemAttributeNames: ["All"],
    MessageAttributeNames: ["All"],
  });
});

it("an outage is waited out, more and more slowly, with one line at its start and one at its end", async () => {
  const command = sqs.on(ReceiveMessageCommand);
  for (let attempt = 0; attempt < 8; attempt += 1) command.rejectsOnce(refused("Error", "connect ECONNREFUSED"));
  command.resolves(MESSAGES);

  const messages = await receiver.receive(10, 20);

  expect(messages).toHaveLength(1);
  expect(slept).toEqual([100, 200, 400, 800, 1600, 3000, 3000, 3000]);
  expect(lines).toEqual([
    "Queue 'orders' cannot be polled (Error: connect ECONNREFUSED): trying again until it can.",
    "Queue 'orders' answers again after 12.1 s.",
  ]);
  expect(receiver.outages()).toBe(1);
});

it("a second cause within one outage is told too, once", async () => {
  sqs
    .on(ReceiveMessageCommand)
    .rejectsOnce(refused("Error", "connect ECONNREFUSED"))
    .rejectsOnce(refused("QueueDoesNotExist", "no such queue"))
    .rejectsOnce(refused("QueueDoesNotExist", "no such queue"))
    .resolves(MESSAGES);

  await receiver.receive(10, 20);

  expect(lines.map((line) => /\((\w+)/.exec(line)?.[1])).toEqual(["Error", "QueueDoesNotExist", undefined]);
});

it("an endpoint that answers long polls at once with nothing is not asked without a rest", async () => {
  sqs.on(ReceiveMessageCommand).resolves({});

  for (let poll = 0; poll < 12; poll += 1) await receiver.receive(10, 20);

  expect(slept).toEqual([0, 10, 30, 70, 150, 310, 630, 1000, 1000, 1000, 1000, 1000]);
});

it("a short poll of an empty queue needs no rest", async () => {
  sqs.on(ReceiveMessageCommand).resolves({});

  await receiver.receive(10, 0);
  await receiver.receive(10, 0);

  expect(slept).toEqual([]);
});

it("nothing is received after the abort, and an aborted poll is no outage", async () => {
  sqs.on(ReceiveMessageCommand).callsFake(() => {
    stopping.abort();
    throw refused("AbortError", "Request aborted");
  });

  const messages = [await receiver.receive(10, 20), await receiver.receive(10, 20)];

  expect(messages).toEqual([[], []]);
  expect(receiver.polls()).toBe(1);
  expect(lines).toEqual([]);
});
