import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { CreateTableCommand, GetItemCommand, PutItemCommand, UpdateTimeToLiveCommand } from "@aws-sdk/client-dynamodb";
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import {
  DeleteMessageCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import { describe, expect, it, onTestFinished } from "vitest";
import { arnOf, type Clients, createClients, createQueue, openCloud, temporaryDirectory } from "./cloud.ts";

const EMULATOR = fileURLToPath(new URL("../../../localstack/serve.ts", import.meta.url));

interface Emulator {
  readonly process: ChildProcessByStdio<null, Readable, Readable>;
  readonly endpoint: string;
  readonly readyLine: string;
}

function spawnEmulator(...args: string[]) {
  const child = spawn(process.execPath, [EMULATOR, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  return child;
}

async function startEmulator(...args: string[]): Promise<Emulator> {
  const child = spawnEmulator("--port", "0", ...args);
  child.stderr.pipe(process.stderr);
  const [readyLine]: string[] = await once(createInterface(child.stdout), "line");
  const endpoint = readyLine?.match(/http:\/\/127\.0\.0\.1:\d+/)?.[0];
  if (readyLine === undefined || endpoint === undefined) {
    throw new Error(`The emulator said '${readyLine}' instead of that it is ready.`);
  }
  return { process: child, endpoint, readyLine };
}

describe("the emulator process", () => {
  it.each(["SIGINT", "SIGTERM"] as const)("says one line when it is ready, and ends well on %s", async (signal) => {
    const emulator = await startEmulator();
    const { sqs } = createClients(emulator.endpoint);
    const QueueUrl = await createQueue(sqs);
    const waiting = sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
    await sqs.send(new GetQueueUrlCommand({ QueueName: QueueUrl.split("/").at(-1) }));

    emulator.process.kill(signal);
    const [code] = await once(emulator.process, "exit");

    expect(emulator.readyLine).toMatch(/^Local cloud ready: SQS, DynamoDB and S3 on http:\S+ \(nothing is kept\)\.$/);
    expect(code).toBe(0);
    expect((await waiting).Messages).toBeUndefined();
  });

  it("fails with one sentence when its port is taken or its arguments are wrong", async () => {
    const { gateway } = await openCloud();
    onTestFinished(() => gateway.close());

    const taken = spawnEmulator("--port", `${gateway.port}`);
    const wrong = spawnEmulator("--port", "many");
    const ends = Promise.all([once(taken, "close"), once(wrong, "close")]);
    const [takenText, wrongText] = await Promise.all([text(taken.stderr), text(wrong.stderr)]);

    expect(takenText).toMatch(/^Port \d+ on 127\.0\.0\.1 cannot be used .* AWS_ENDPOINT_URL=.*\n$/);
    expect(wrongText).toMatch(/^Option --port 'many' cannot be used: expected 0–65535\. Usage: .*\n$/);
    expect((await ends).map(([code]) => code)).toEqual([1, 1]);
  });

  it("that is killed under load loses nothing that it had acknowledged", async () => {
    const dataDir = await temporaryDirectory();
    const written = {
      messages: new Set<string>(),
      deleted: new Set<string>(),
      items: new Set<string>(),
      objects: new Set<string>(),
    };
    const first = await startEmulator("--data", dataDir);
    await setUp(createClients(first.endpoint));
    first.process.kill("SIGKILL");

    for (const round of ["one", "two"]) {
      const emulator = await startEmulator("--data", dataDir);
      const load = write(createClients(emulator.endpoint), round, written);
      await expect.poll(() => written.items.size, { timeout: 10_000 }).toBeGreaterThan(round === "one" ? 50 : 100);
      emulator.process.kill("SIGKILL");
      await load;
    }
    const last = await startEmulator("--data", dataDir);
    const kept = await readBack(createClients(last.endpoint), written);

    expect(written.objects.size).toBeGreaterThan(10);
    expect(written.deleted.size).toBeGreaterThan(10);
    expect(kept.items).toEqual(written.items);
    expect(kept.objects).toEqual(written.objects);
    expect([...written.objects].filter((id) => !kept.notified.has(id))).toEqual([]);
    expect([...written.messages].filter((id) => !kept.messages.has(id))).toEqual([]);
    expect([...written.deleted].filter((id) => kept.messages.has(id))).toEqual([]);
  });
});

interface Acknowledged {
  readonly messages: Set<string>;
  readonly deleted: Set<string>;
  readonly items: Set<string>;
  readonly objects: Set<string>;
}

const NAME = "survivors";

async function setUp({ sqs, dynamodb, s3 }: Clients): Promise<void> {
  await createQueue(sqs, { VisibilityTimeout: "600" }, NAME);
  await createQueue(sqs, { VisibilityTimeout: "600" }, `${NAME}-deleted`);
  await dynamodb.send(
    new CreateTableCommand({
      TableName: NAME,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    }),
  );
  await dynamodb.send(
    new UpdateTimeToLiveCommand({
      TableName: NAME,
      TimeToLiveSpecification: { Enabled: true, AttributeName: "ttl" },
    }),
  );
  await s3.send(new CreateBucketCommand({ Bucket: NAME }));
  const events = await createQueue(sqs, { VisibilityTimeout: "600" }, `${NAME}-events`);
  await s3.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket: NAME,
      NotificationConfiguration: {
        QueueConfigurations: [{ QueueArn: arnOf(events), Events: ["s3:ObjectCreated:*"] }],
      },
    }),
  );
}

const urlOf = async ({ sqs }: Clients, QueueName: string) =>
  (await sqs.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl ?? "";

/** Writes until the cloud dies, and notes what was acknowledged. */
async function write(clients: Clients, round: string, written: Acknowledged): Promise<void> {
  const { sqs, dynamodb, s3 } = clients;
  const [queue, deletes] = await Promise.all([urlOf(clients, NAME), urlOf(clients, `${NAME}-deleted`)]);
  const repeat = async (kind: string, work: (id: string) => Promise<void>) => {
    for (let n = 0; ; n++) {
      await work(`${round}-${kind}-${n}`);
    }
  };
  await Promise.allSettled([
    ...["a", "b"].map((lane) =>
      repeat(lane, async (id) => {
        await sqs.send(new SendMessageCommand({ QueueUrl: queue, MessageBody: id }));
        written.messages.add(id);
      }),
    ),
    repeat("deleted", async (id) => {
      await sqs.send(new SendMessageCommand({ QueueUrl: deletes, MessageBody: id }));
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: deletes }));
      for (const { ReceiptHandle, Body = "" } of Messages) {
        await sqs.send(new DeleteMessageCommand({ QueueUrl: deletes, ReceiptHandle }));
        written.deleted.add(Body);
      }
    }),
    ...["c", "d"].map((lane) =>
      repeat(lane, async (id) => {
        await dynamodb.send(new PutItemCommand({ TableName: NAME, Item: { id: { S: id } } }));
        written.items.add(id);
      }),
    ),
    repeat("object", async (id) => {
      await s3.send(new PutObjectCommand({ Bucket: NAME, Key: id, Body: id }));
      written.objects.add(id);
    }),
  ]);
}

/** The acknowledged items and objects that are there; all messages; and the keys of all event notifications. */
async function readBack(clients: Clients, written: Acknowledged) {
  const { dynamodb, s3 } = clients;
  const items = new Set<string>();
  for (const id of written.items) {
    const { Item } = await dynamodb.send(new GetItemCommand({ TableName: NAME, Key: { id: { S: id } } }));
    items.add(Item?.id?.S ?? "");
  }
  const objects = new Set<string>();
  for (const id of written.objects) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: NAME, Key: id }));
    objects.add((await Body?.transformToString()) ?? "");
  }
  const messages = new Set([...(await drain(clients, NAME)), ...(await drain(clients, `${NAME}-deleted`))]);
  const events = await drain(clients, `${NAME}-events`);
  return { items, objects, messages, notified: new Set(events.flatMap(keysIn)) };
}

/** The bodies of all messages that a queue has; gives one that is being sent a second to arrive. */
async function drain(clients: Clients, name: string): Promise<string[]> {
  const bodies: string[] = [];
  const QueueUrl = await urlOf(clients, name);
  for (;;) {
    const receive = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 });
    const { Messages } = await clients.sqs.send(receive);
    if (Messages === undefined) {
      return bodies;
    }
    bodies.push(...Messages.map(({ Body = "" }) => Body));
  }
}

function keysIn(event: string): string[] {
  const { Records = [] }: { Records?: { s3: { object: { key: string } } }[] } = JSON.parse(event);
  return Records.map(({ s3: { object } }) => object.key);
}
