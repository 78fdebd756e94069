/** EventBridge Scheduler's deliveries to functions and to queues, which are those of the local cloud. */
import { type Message, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createDeliveries, type ScheduleTarget } from "../../../localstack/scheduler/delivery.ts";
import { readSchedules, withoutSchedules } from "../../../localstack/scheduler/from-template.ts";
import { createSendToQueue, type QueueMessage } from "../../../localstack/send-to-queue.ts";
import { createResources } from "../../../localstack/template/resources.ts";
import type { Template } from "../../../localstack/template/template.ts";
import { virtualClock } from "../../helpers/virtual-clock.ts";
import { arnOf, type Cloud, createQueue, openCloud, uniqueName } from "../emulators/cloud.ts";

const FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:beat";
const SCHEDULE = "arn:aws:scheduler:us-east-1:000000000000:schedule/nightly/clean";
const DUE = new Date("2026-03-01T02:00:00Z");

let cloud: Cloud;
let lines: string[];
let invoked: unknown[][];

beforeAll(async () => {
  cloud = await openCloud();
});
afterAll(() => cloud.gateway.close());
beforeEach(() => {
  [lines, invoked] = [[], []];
});

async function fire(target: Partial<ScheduleTarget> & { arn: string }, send = createSendToQueue(cloud.sqs)) {
  const clock = virtualClock("2026-03-01T02:00:00Z");
  const deliveries = createDeliveries({
    invoke: async (name, event) => void invoked.push([name, event]),
    hasFunction: (name) => name === "beat",
    send,
    log: (line) => lines.push(line),
    clock,
  });
  const limits = { maximumRetryAttempts: 185, maximumEventAgeSeconds: 86_400 };
  const delivered = deliveries.deliver({ scheduleArn: SCHEDULE, target: { ...limits, ...target }, due: DUE });
  return { clock, delivered, stop: deliveries.stop };
}

async function receive(QueueUrl: string): Promise<Message[]> {
  const asked = { MessageSystemAttributeNames: ["All" as const], MessageAttributeNames: ["All"] };
  const { Messages = [] } = await cloud.sqs.send(new ReceiveMessageCommand({ QueueUrl, ...asked }));
  return Messages;
}

const textOf = ({ MessageAttributes = {} }: Message): Record<string, unknown> =>
  Object.fromEntries(Object.entries(MessageAttributes).map(([name, { StringValue }]) => [name, StringValue]));

describe("a function", () => {
  // https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
  it("gets the Input, with every context attribute filled in", async () => {
    const names = ["schedule-arn", "scheduled-time", "execution-id", "attempt-number"];
    const input = JSON.stringify(names.map((name) => `<aws.scheduler.${name}>`));

    await (await fire({ arn: FUNCTION, input })).delivered;

    const id = expect.stringMatching(/^[0-9a-f-]{36}$/);
    expect(invoked).toEqual([["beat", [SCHEDULE, "2026-03-01T02:00:00Z", id, "1"]]]);
  });

  // As functions have logged it on AWS: `detail` is text, unlike that of EventBridge's rules.
  it("gets AWS's own event when there is no Input", async () => {
    await (await fire({ arn: `${FUNCTION}:$LATEST` })).delivered;

    const event = {
      version: "0",
      id: expect.any(String),
      "detail-type": "Scheduled Event",
      source: "aws.scheduler",
      account: "000000000000",
      time: "2026-03-01T02:00:00Z",
      region: "us-east-1",
      resources: [SCHEDULE],
      detail: "{}",
    };
    expect(invoked).toEqual([["beat", event]]);
  });
});

describe("a queue", () => {
  it("gets the Input as it stands, which need not be JSON", async () => {
    const url = await createQueue(cloud.sqs);

    await (await fire({ arn: arnOf(url), input: "no {JSON} at <aws.scheduler.scheduled-time>" })).delivered;

    expect(await receive(url)).toMatchObject([{ Body: "no {JSON} at 2026-03-01T02:00:00Z" }]);
  });

  it("gets AWS's own event when there is no Input", async () => {
    const url = await createQueue(cloud.sqs);

    await (await fire({ arn: arnOf(url) })).delivered;

    const [message] = await receive(url);
    expect(JSON.parse(message?.Body ?? "")).toMatchObject({ source: "aws.scheduler", resources: [SCHEDULE] });
  });

  // https://docs.aws.amazon.com/scheduler/latest/APIReference/API_SqsParameters.html
  it("of the kind FIFO gets it in the group of SqsParameters, and needs one", async () => {
    const attributes = { FifoQueue: "true", ContentBasedDeduplication: "true" };
    const url = await createQueue(cloud.sqs, attributes, `${uniqueName()}.fifo`);

    await (await fire({ arn: arnOf(url), input: "a", messageGroupId: "nights" })).delivered;
    await (await fire({ arn: arnOf(url), input: "b" })).delivered;

    expect(await receive(url)).toMatchObject([{ Body: "a", Attributes: { MessageGroupId: "nights" } }]);
    expect(lines).toEqual([
      expect.stringMatching(/schedule 'clean' could not .* dropped.*: MissingParameter: .*MessageGroupId/),
    ]);
  });
});

describe("a firing that cannot be delivered", () => {
  // https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
  it.each([
    ["a function that is not there", FUNCTION.replace("beat", "gone"), "ResourceNotFoundException"],
    ["a queue that is not there", "arn:aws:sqs:us-east-1:000000000000:gone", "QueueDoesNotExist"],
    ["a target of another kind", "arn:aws:states:us-east-1:000000000000:stateMachine:x", "ResourceNotFoundException"],
  ])("to %s goes to the dead-letter queue at once", async (_what, arn, code) => {
    const dead = await createQueue(cloud.sqs);

    await (await fire({ arn, input: '{"a":1}', deadLetterArn: arnOf(dead) })).delivered;

    const [letter] = await receive(dead);
    expect(letter?.Body).toBe('{"a":1}');
    expect(letter && textOf(letter)).toEqual({
      ERROR_CODE: code,
      ERROR_MESSAGE: expect.stringMatching(/.+/),
      EXECUTION_ID: expect.any(String),
      IS_PAYLOAD_TRUNCATED: "false",
      RETRY_ATTEMPTS: "0",
      SCHEDULED_TIME: "2026-03-01T02:00:00Z",
      SCHEDULE_ARN: SCHEDULE,
      TARGET_ARN: arn,
    });
  });

  const down = async (_arn: string, _message: QueueMessage): Promise<void> => {
    throw Object.assign(new Error("connect ECONNREFUSED"), { name: "Error" });
  };

  it("is tried again, with growing pauses, as often as its policy says", async () => {
    const attempts: string[] = [];
    const letters: [string, QueueMessage][] = [];
    const send = async (arn: string, message: QueueMessage): Promise<void> => {
      if (arn.endsWith("dead")) return void letters.push([arn, message]);
      attempts.push(message.body);
      return down(arn, message);
    };
    const limits = { maximumRetryAttempts: 2, deadLetterArn: "arn:aws:sqs:us-east-1:000000000000:dead" };
    const input = "attempt <aws.scheduler.attempt-number>";

    const { clock, delivered } = await fire({ arn: "arn:aws:sqs:us-east-1:000000000000:down", input, ...limits }, send);
    await clock.runTo("2026-03-01T03:00:00Z");
    await delivered;

    expect(attempts).toEqual(["attempt 1", "attempt 2", "attempt 3"]);
    const attributes = { EXHAUSTED_RETRY_CONDITION: "MaximumRetryAttempts", RETRY_ATTEMPTS: "2" };
    expect(letters).toMatchObject([[limits.deadLetterArn, { body: "attempt 3", attributes }]]);
  });

  it("is given up when it is older than its policy says, and no longer tried when all stops", async () => {
    const arn = "arn:aws:sqs:us-east-1:000000000000:down";
    const old = await fire({ arn, maximumEventAgeSeconds: 60 }, down);
    await old.clock.runTo("2026-03-01T02:02:00Z");
    await old.delivered;
    expect(lines).toEqual([expect.stringMatching(/is dropped, for it declares no dead-letter queue: Error: connect/)]);

    const stopped = await fire({ arn }, down);
    stopped.stop();
    await stopped.clock.runTo("2026-03-01T02:02:00Z");
    await stopped.delivered;
    expect(lines).toHaveLength(1);
  });
});

describe("the schedules of a template", () => {
  async function read(properties: Record<string, unknown>, target: Record<string, unknown> = {}) {
    const name = uniqueName();
    const template: Template = {
      Resources: {
        Queue: { Type: "AWS::SQS::Queue", Properties: { QueueName: name } },
        Nightly: {
          Type: "AWS::Scheduler::Schedule",
          Properties: {
            Name: "clean",
            ScheduleExpression: "rate(1 day)",
            ...properties,
            Target: { Arn: { "Fn::GetAtt": ["Queue", "Arn"] }, ...target },
          },
        },
      },
    };
    const access = {
      endpoint: cloud.gateway.endpoint,
      region: "eu-west-1",
      credentials: { accessKeyId: "a", secretAccessKey: "b" },
    };
    return { name, schedules: await readSchedules(template, await createResources(template, cloud, access)) };
  }

  it("have AWS's limits unless they say otherwise", async () => {
    const { name, schedules } = await read({ GroupName: "nightly" }, { SqsParameters: { MessageGroupId: "g" } });

    expect(schedules).toMatchObject([
      {
        arn: "arn:aws:scheduler:eu-west-1:000000000000:schedule/nightly/clean",
        target: {
          arn: arnOf(name),
          messageGroupId: "g",
          maximumRetryAttempts: 185,
          maximumEventAgeSeconds: 86_400,
        },
      },
    ]);
  });

  it.each<[Record<string, unknown>, Record<string, unknown>, RegExp]>([
    [{}, { Arn: FUNCTION, Input: "no" }, /^Schedule 'clean' has the Input 'no': expected JSON/],
    [{}, { Input: { a: 1 } }, /^Schedule 'clean' has the Input '\{"a":1\}': expected a text/],
    [{ EndDate: "soon" }, {}, /the EndDate 'soon': expected an ISO-8601 time/],
    [{}, { RetryPolicy: { MaximumRetryAttempts: 186 } }, /'MaximumRetryAttempts' has the value '186': .* 0 to 185/],
    [{}, { RetryPolicy: { MaximumEventAgeInSeconds: 59 } }, /'MaximumEventAgeInSeconds' .* 60 to 86400/],
    [{}, { DeadLetterConfig: { Arn: "arn:aws:sqs:us-east-1:000000000000:a.fifo" } }, /expected the ARN of a standard/],
  ])("are refused for %j %j", async (properties, target, sentence) => {
    await expect(read(properties, target)).rejects.toThrow(sentence);
  });

  it("are not left to serverless-offline, which fires the other events of a function", () => {
    const own = { schedule: { rate: ["rate(1 minute)"], method: "scheduler" } };
    const others = [{ httpApi: "GET /" }, { schedule: "rate(1 minute)" }, { schedule: { rate: "rate(1 day)" } }];

    expect(withoutSchedules([own, ...others])).toEqual(others);
    expect(withoutSchedules()).toEqual([]);
  });

  it("are left out when they are disabled", async () => {
    expect((await read({ State: "DISABLED" })).schedules).toEqual([]);
  });
});
