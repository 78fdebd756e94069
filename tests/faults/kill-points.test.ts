import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { CreateQueueCommand, GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Engine, startEngine, uniqueName } from "../helpers/engine.ts";
import { type Moment, startKillProxy } from "./kill-proxy.ts";

const LIFE = join(import.meta.dirname, "life.ts");

/** Seconds after which a dead worker's message comes back, and its lease has ended. */
const VISIBILITY_SECONDS = 4;

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

interface Outcome {
  output: string;
  killed: boolean;
  operations: string[];
}

/** Runs one step of the life with a SIGKILL at one point of one call, or none. */
async function runLife(
  step: "send" | "work",
  queueUrl: string,
  key: string,
  kill?: { call: number; moment: Moment },
): Promise<Outcome> {
  let child: ChildProcess | undefined;
  let killed = false;
  const proxy = await startKillProxy(
    engine.app.config.queueUrl("default").replace(/(:\d+)\/.*$/, "$1"),
    (call, moment) => {
      if (call.number !== kill?.call || moment !== kill.moment) return false;
      killed = true;
      return child?.kill("SIGKILL") ?? false;
    },
  );
  child = spawn(process.execPath, [LIFE, step, key], {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      ...engine.environment,
      BROKER_URL: queueUrl,
      AWS_ENDPOINT_URL: proxy.endpoint,
      FUNCTION_MILLISECONDS: String(VISIBILITY_SECONDS * 1_000 - 500),
    },
  });
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    output += chunk;
  });
  await new Promise((resolve) => child?.once("close", resolve));
  await proxy.close();
  return { output, killed, operations: proxy.calls.map(({ operation }) => operation) };
}

async function createQueue(): Promise<string> {
  const { QueueUrl = "" } = await engine.clients.sqs.send(
    new CreateQueueCommand({
      QueueName: uniqueName("kill"),
      Attributes: { VisibilityTimeout: String(VISIBILITY_SECONDS) },
    }),
  );
  return QueueUrl;
}

async function messagesLeft(queueUrl: string): Promise<number> {
  const { Attributes = {} } = await engine.clients.sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: queueUrl,
      AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    }),
  );
  return Number(Attributes.ApproximateNumberOfMessages) + Number(Attributes.ApproximateNumberOfMessagesNotVisible);
}

/** Works without further faults until the queue is empty. */
async function drain(queueUrl: string): Promise<string> {
  let output = "";
  for (let round = 0; round < 12 && (await messagesLeft(queueUrl)) > 0; round++) {
    output += (await runLife("work", queueUrl, "")).output;
  }
  return output;
}

const SEND = ["DynamoDB.UpdateItem", "SQS.SendMessageBatch", "DynamoDB.UpdateItem"];
const WORK = ["SQS.ReceiveMessage", "DynamoDB.UpdateItem", "DynamoDB.UpdateItem", "SQS.DeleteMessage"];
const points = (operations: string[]) =>
  operations.flatMap((operation, index) =>
    (["before", "after"] as const).map((moment) => ({ operation, call: index + 1, moment })),
  );

describe.concurrent("SIGKILL", () => {
  it("is tried at every call that a task's life makes", async () => {
    const queueUrl = await createQueue();

    expect((await runLife("send", queueUrl, uniqueName("order"))).operations).toEqual(SEND);
    expect((await runLife("work", queueUrl, "")).operations).toEqual(WORK);
    expect(await messagesLeft(queueUrl)).toBe(0);
  });

  it.each(points(SEND))(
    "of the sender $moment call $call ($operation): the client's second try makes one task that succeeds",
    async ({ call, moment }) => {
      const queueUrl = await createQueue();
      const key = uniqueName("order");

      const first = await runLife("send", queueUrl, key, { call, moment });
      const second = await runLife("send", queueUrl, key);
      const id = /sent (\S+)/.exec(second.output)?.[1] ?? "";
      const output = await drain(queueUrl);

      expect(first.killed).toBe(true);
      expect(await engine.app.results.read(id)).toMatchObject({ state: "SUCCESS", result: 10, attempt: 1 });
      expect(output.match(/^ran$/gm)).toHaveLength(1);
    },
  );

  it.each(points(WORK))(
    "of the worker $moment call $call ($operation): the task ends SUCCESS, recorded once",
    { timeout: 90_000 },
    async ({ call, moment }) => {
      const queueUrl = await createQueue();
      const id = /sent (\S+)/.exec((await runLife("send", queueUrl, uniqueName("order"))).output)?.[1] ?? "";

      const first = await runLife("work", queueUrl, "", { call, moment });
      const output = first.output + (await drain(queueUrl));
      const record = await engine.app.results.read(id);

      expect(first.killed).toBe(true);
      expect(await messagesLeft(queueUrl)).toBe(0);
      expect(record).toMatchObject({ state: "SUCCESS", result: 10, attempt: 1 });
      // Claimed again only if it died between claiming and settling; a result that is stored is never written twice.
      const diedWhileItRan = (call === 2 && moment === "after") || (call === 3 && moment === "before");
      expect(record?.fence).toBe(diedWhileItRan ? 2 : 1);
      // It runs at least once, and twice only if the first run's result was never stored.
      expect(output.match(/^ran$/gm)?.length).toBe(call === 3 && moment === "before" ? 2 : 1);
    },
  );
});
