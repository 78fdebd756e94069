import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SendMessageBatchCommand } from "@aws-sdk/client-sqs";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type LocalCloud, startLocalCloud } from "../../../localstack/cloud.ts";
import type { Template } from "../../../localstack/template/template.ts";

/** Says what it gets and when it is done, in a time in which others of its queue begin. */
const HANDLER = `
  export const handler = async ({ Records }) => {
    for (const { body, attributes } of Records) console.log("begin", body, attributes.MessageGroupId ?? "");
    await new Promise((resolve) => setTimeout(resolve, 40));
    for (const { body } of Records) console.log("end", body);
    return { batchItemFailures: [] };
  };
`;

/** As the framework compiles `sqs` events of one function. */
const mapping = (queue: string, BatchSize: number, more: Record<string, unknown> = {}) => ({
  Type: "AWS::Lambda::EventSourceMapping",
  Properties: {
    BatchSize,
    Enabled: true,
    FunctionResponseTypes: ["ReportBatchItemFailures"],
    EventSourceArn: { "Fn::GetAtt": [queue, "Arn"] },
    FunctionName: { "Fn::GetAtt": ["WorkerLambdaFunction", "Arn"] },
    ...more,
  },
});

const queue = (QueueName: string, more: Record<string, unknown> = {}) => ({
  Type: "AWS::SQS::Queue",
  Properties: { QueueName, VisibilityTimeout: 60, ...more },
});

const TEMPLATE: Template = {
  Resources: {
    OrderedQueue: queue("ordered.fifo", {
      FifoQueue: true,
      ContentBasedDeduplication: true,
      DeduplicationScope: "messageGroup",
      FifoThroughputLimit: "perMessageGroupId",
    }),
    HeavyQueue: queue("heavy"),
    LightQueue: queue("light"),
    PausedQueue: queue("paused"),
    WorkerLambdaFunction: {
      Type: "AWS::Lambda::Function",
      Properties: { FunctionName: "worker", Handler: "worker.handler", MemorySize: 128, Timeout: 5 },
    },
    OrderedMapping: mapping("OrderedQueue", 10),
    HeavyMapping: mapping("HeavyQueue", 1, { ScalingConfig: { MaximumConcurrency: 8 } }),
    LightMapping: mapping("LightQueue", 1, { ScalingConfig: { MaximumConcurrency: 2 } }),
    PausedMapping: mapping("PausedQueue", 1, { Enabled: false }),
  },
};

let directory: string;
let cloud: LocalCloud;
let lines: string[];

beforeEach(async () => {
  lines = [];
  directory = await mkdtemp(join(tmpdir(), "lovage-queues-"));
  const module = join(directory, "worker.mjs");
  await writeFile(module, HANDLER);
  cloud = await start(TEMPLATE, module);
});

function start(template: Template, module: string): Promise<LocalCloud> {
  return startLocalCloud({
    template,
    bundleOf: () => module,
    environment: {},
    port: 0,
    region: "us-east-1",
    log: (line) => lines.push(line.replace("[worker] ", "")),
  });
}

afterEach(async () => {
  await cloud.stop();
  await rm(directory, { recursive: true });
});

/** Sends `count` messages named after their queue, ten to a call. */
async function send(logicalId: string, name: string, count: number): Promise<void> {
  const QueueUrl = await cloud.ref(logicalId);
  for (let sent = 0; sent < count; sent += 10) {
    const Entries = Array.from({ length: 10 }, (_, index) => {
      return { Id: String(index), MessageBody: `${name}-${sent + index}`, MessageGroupId: `${name}-${index % 2}` };
    });
    await cloud.clients.sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  }
}

/** How many messages of a queue were under way at most. */
function most(name: string): number {
  let running = 0;
  let peak = 0;
  for (const line of lines) {
    if (line.startsWith(`begin ${name}-`)) running += 1;
    if (line.startsWith(`end ${name}-`)) running -= 1;
    peak = Math.max(peak, running);
  }
  return peak;
}

it("a function has a FIFO queue and queues of different weight, as the template declares them", async () => {
  await send("PausedQueue", "paused", 10);
  await Promise.all([
    send("OrderedQueue", "ordered", 20),
    send("HeavyQueue", "heavy", 60),
    send("LightQueue", "light", 20),
  ]);
  const ended = () => lines.filter((line) => line.startsWith("end")).length;
  await vi.waitFor(() => expect(ended()).toBe(100), { timeout: 15_000, interval: 20 });

  const begun = lines.filter((line) => line.startsWith("begin"));
  const ordered = begun.filter((line) => line.endsWith(" ordered-1")).map((line) => Number(line.split(/[- ]/)[2]));
  expect(ordered).toEqual([1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
  expect(most("light")).toBeLessThanOrEqual(2);
  expect(most("heavy")).toBeLessThanOrEqual(8);
  expect(most("heavy")).toBeGreaterThan(most("light"));
  expect(begun.filter((line) => line.includes(" heavy-") && / heavy-[01]$/.test(line))).toHaveLength(60);
  expect(begun.filter((line) => line.includes("paused"))).toEqual([]);
});

// LocalStack, recorded on AWS: test_duplicate_event_source_mappings. A disabled mapping is one, too.
it.each([true, false])("a queue is mapped to a function once (enabled: %s)", async (Enabled) => {
  const Resources = { ...TEMPLATE.Resources, Again: mapping("HeavyQueue", 10, { Enabled }) };

  await expect(start({ Resources }, join(directory, "worker.mjs"))).rejects.toMatchObject({
    name: "ResourceConflictException",
    message:
      'An event source mapping with SQS arn (" arn:aws:sqs:us-east-1:000000000000:heavy ") and function (" worker ") already exists. Please update or delete the existing mapping with UUID HeavyMapping',
  });
});
