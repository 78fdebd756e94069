import { execFileSync } from "node:child_process";
import { appendFileSync, closeSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { GetItemCommand, PutItemCommand, UpdateTimeToLiveCommand } from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { ReceiveMessageCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { describe, expect, it, onTestFinished, type TestContext } from "vitest";
import { type Cloud, createQueue, errorOf, openCloud, temporaryDirectory, uniqueName } from "./cloud.ts";
import { createTable, S } from "./dynamodb-ground.ts";

/** A small disk of the test's own, in a folder that is gone afterwards; without the right to mount one, the test is skipped. */
async function smallDisk({ skip }: TestContext, options = "size=4m"): Promise<string> {
  const folder = await temporaryDirectory();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "lovage-test", folder], { stdio: "pipe" });
  } catch {
    return skip("No small disk can be mounted here, so this is skipped: run it as root on Linux.");
  }
  onTestFinished(() => {
    execFileSync("umount", ["--lazy", folder]);
  });
  return folder;
}

/** Fills the disk to its last byte, with a file of this name. */
function fill(folder: string): string {
  const filler = join(folder, "filler");
  const file = openSync(filler, "w");
  for (const size of [65_536, 1024, 1]) {
    try {
      while (true) writeSync(file, Buffer.alloc(size));
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
    }
  }
  closeSync(file);
  return filler;
}

/** Writes with `write` until it fails; answers the error and the names of all that were acknowledged. */
async function writeUntilItFails(write: (name: string) => Promise<unknown>) {
  const acknowledged: string[] = [];
  for (let round = 0; round < 200; round += 1) {
    const names = Array.from({ length: 5 }, (_, index) => `${round}-${index}`);
    const outcomes = await Promise.allSettled(names.map(write));
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    acknowledged.push(...names.filter((_, index) => outcomes[index]?.status === "fulfilled"));
    if (failed !== undefined) return { error: failed.reason, acknowledged };
  }
  throw new Error("The disk never was full.");
}

const noRetry = { maxAttempts: 1 };

describe("a full disk", () => {
  it("ends the writes to tables, and loses none that was acknowledged", async (context) => {
    const dataDir = await smallDisk(context);
    const lines: string[] = [];
    const cloud = await openCloud({ dataDir, log: (line) => lines.push(line) }, noRetry);
    const TableName = await createTable(cloud.dynamodb);
    const write = ({ dynamodb }: Cloud, id: string) =>
      dynamodb.send(new PutItemCommand({ TableName, Item: { id: S(id), text: S("x".repeat(3000)) } }));
    const filler = fill(dataDir);

    const { error, acknowledged } = await writeUntilItFails((id) => write(cloud, id));
    rmSync(filler);
    const later = await errorOf(write(cloud, "later"));
    const ttl = { TableName, TimeToLiveSpecification: { Enabled: true, AttributeName: "ttl" } };
    await cloud.dynamodb.send(new UpdateTimeToLiveCommand(ttl));
    await cloud.gateway.close();
    const after = await openCloud({ dataDir }, noRetry);
    onTestFinished(() => after.gateway.close());
    const found = await Promise.all(
      acknowledged.map(async (id) => {
        const { Item } = await after.dynamodb.send(new GetItemCommand({ TableName, Key: { id: S(id) } }));
        return Item?.id?.S;
      }),
    );
    await write(after, "again");

    const sentence = /'.+\/dynamodb' could not be written, and nothing more is stored in it until .+ is started again/;
    for (const refused of [error, later]) {
      expect(refused).toMatchObject({ name: "InternalServerError", message: expect.stringMatching(sentence) });
    }
    expect(lines.filter((line) => sentence.test(line) && !line.includes("failed:"))).toHaveLength(1);
    expect(found).toEqual(acknowledged);
  });

  it("ends all work with queues, whose memory is then ahead of the disk", async (context) => {
    const dataDir = await smallDisk(context);
    const cloud = await openCloud({ dataDir }, noRetry);
    const QueueName = uniqueName();
    const url = await createQueue(cloud.sqs, {}, QueueName);
    const send = ({ sqs }: Cloud, QueueUrl: string, text: string) =>
      sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: `${text} ${"x".repeat(10_000)}` }));
    const filler = fill(dataDir);

    const { error, acknowledged } = await writeUntilItFails((text) => send(cloud, url, text));
    rmSync(filler);
    const later = await errorOf(createQueue(cloud.sqs));
    await cloud.gateway.close();
    const after = await openCloud({ dataDir }, noRetry);
    onTestFinished(() => after.gateway.close());
    const again = await createQueue(after.sqs, {}, QueueName);
    await send(after, again, "again");
    const found = new Set<string>();
    for (;;) {
      const { Messages = [] } = await after.sqs.send(
        new ReceiveMessageCommand({ QueueUrl: again, MaxNumberOfMessages: 10 }),
      );
      if (Messages.length === 0) break;
      for (const { Body = "" } of Messages) found.add(Body.split(" ")[0] ?? "");
    }

    for (const refused of [error, later]) {
      expect(refused).toMatchObject({
        message: expect.stringMatching(/sqs\.db' could not be written, and nothing more/),
      });
    }
    expect([...found]).toEqual(expect.arrayContaining([...acknowledged, "again"]));
  });

  it("refuses objects while it is full, and takes them when there is room", async (context) => {
    const dataDir = await smallDisk(context);
    const cloud = await openCloud({ dataDir }, noRetry);
    onTestFinished(() => cloud.gateway.close());
    const Bucket = uniqueName();
    await cloud.s3.send(new CreateBucketCommand({ Bucket }));
    const write = (Key: string) => cloud.s3.send(new PutObjectCommand({ Bucket, Key, Body: "x".repeat(100) }));
    const read = async (Key: string) => {
      const { Body } = await cloud.s3.send(new GetObjectCommand({ Bucket, Key }));
      return (await Body?.transformToString())?.length;
    };
    await write("before");
    const filler = fill(dataDir);

    const { acknowledged } = await writeUntilItFails(write);
    const whileFull = await read("before");
    rmSync(filler);
    await write("after");

    expect(whileFull).toBe(100);
    expect(await Promise.all(["before", ...acknowledged, "after"].map(read))).toEqual(
      ["before", ...acknowledged, "after"].map(() => 100),
    );
  });

  it("is told at the start", async (context) => {
    const dataDir = await smallDisk(context);
    fill(dataDir);

    const error = await errorOf(openCloud({ dataDir }));

    expect(error).toMatchObject({
      message: `Data directory '${dataDir}' cannot be opened: its disk is full. Make room, and start again.`,
    });
  });
});

describe("a data directory that cannot be used", () => {
  /** A folder that a cloud has left, with something of each kind in it. */
  async function leftFolder(): Promise<string> {
    const dataDir = await temporaryDirectory();
    const { gateway, dynamodb, sqs, s3 } = await openCloud({ dataDir });
    await createTable(dynamodb);
    const TableName = await createTable(dynamodb);
    const ttl = { TableName, TimeToLiveSpecification: { Enabled: true, AttributeName: "ttl" } };
    await dynamodb.send(new UpdateTimeToLiveCommand(ttl));
    const QueueUrl = await createQueue(sqs);
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "kept" }));
    await s3.send(new CreateBucketCommand({ Bucket: uniqueName() }));
    await gateway.close();
    return dataDir;
  }

  const garbage = "This was written by somebody else. ".repeat(200);

  it.each<[string, string, (folder: string) => void]>([
    ["a damaged table", "dynamodb", (folder) => writeFileSync(join(folder, "dynamodb/CURRENT"), garbage)],
    [
      "a table whose index is gone",
      "dynamodb",
      (folder) => {
        for (const file of readdirSync(join(folder, "dynamodb"))) {
          if (file.startsWith("MANIFEST")) rmSync(join(folder, "dynamodb", file));
        }
      },
    ],
    ["damaged settings", "dynamodb-ttl.json", (folder) => writeFileSync(join(folder, "dynamodb-ttl.json"), "{")],
    ["a file in place of queues", "sqs.db", (folder) => writeFileSync(join(folder, "sqs.db"), garbage)],
    ["queues that are cut short", "sqs.db", (folder) => writeFileSync(join(folder, "sqs.db"), "SQLite format 3\0")],
    ["a file in place of buckets", "s3", (folder) => writeFileSync(join(folder, "s3/s3.db"), garbage)],
  ])("is told by name, with its remedy: %s", async (_kind, part, damage) => {
    const dataDir = await leftFolder();
    for (const file of ["sqs.db-wal", "sqs.db-shm", "s3/s3.db-wal", "s3/s3.db-shm"]) {
      rmSync(join(dataDir, file), { force: true });
    }
    damage(dataDir);

    const error = await errorOf(openCloud({ dataDir }));

    const name = `'${join(dataDir, part)}`;
    expect(error).toMatchObject({
      message: expect.stringMatching(/^Data directory '.+' cannot be opened: '.+' is damaged, or something else has/),
    });
    expect(error).toMatchObject({ message: expect.stringContaining(name) });
    expect(error).toMatchObject({ message: expect.stringMatching(/Move it away .+, or choose another directory\.$/) });
  });

  it("is told when another program's tables are in a file of its name", async () => {
    const dataDir = await leftFolder();
    rmSync(join(dataDir, "sqs.db"));
    const foreign = new DatabaseSync(join(dataDir, "sqs.db"));
    foreign.exec("CREATE TABLE queues (title TEXT); INSERT INTO queues VALUES ('mine')");
    foreign.close();

    const error = await errorOf(openCloud({ dataDir }));

    expect(error).toMatchObject({ message: expect.stringContaining(`'${join(dataDir, "sqs.db")}' is damaged, or`) });
  });

  it("is told when it is a file", async () => {
    const folder = await temporaryDirectory();
    const dataDir = join(folder, "data");
    writeFileSync(dataDir, "a file");

    const itself = await errorOf(openCloud({ dataDir }));
    const below = await errorOf(openCloud({ dataDir: join(dataDir, "below") }));

    for (const error of [itself, below]) {
      expect(error).toMatchObject({ message: expect.stringContaining("expected a directory") });
    }
  });

  it("is told when it cannot be written", async (context) => {
    const dataDir = await smallDisk(context);
    execFileSync("mount", ["-o", "remount,ro", dataDir]);

    const error = await errorOf(openCloud({ dataDir }));

    expect(error).toMatchObject({
      message: `Data directory '${dataDir}' cannot be opened: '${dataDir}' cannot be written. Let this user write it, or choose another directory.`,
    });
  });

  it.each<[string, (file: string) => void]>([
    ["removed", (file) => rmSync(file)],
    ["cut", (file) => writeFileSync(file, "half")],
  ])("is told by the objects whose files were %s, and by no others", async (_, damage) => {
    const dataDir = await temporaryDirectory();
    const { gateway, s3 } = await openCloud({ dataDir }, noRetry);
    onTestFinished(() => gateway.close());
    const Bucket = uniqueName();
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new PutObjectCommand({ Bucket, Key: "damaged", Body: "all of it" }));
    const [blob = ""] = readdirSync(join(dataDir, "s3/blobs"));
    await s3.send(new PutObjectCommand({ Bucket, Key: "whole", Body: "all of it" }));
    damage(join(dataDir, "s3/blobs", blob));

    const read = (Key: string) => s3.send(new GetObjectCommand({ Bucket, Key }));

    expect(await errorOf(read("damaged"))).toMatchObject({
      name: "NoSuchKey",
      message: "The object is damaged: its file in the data folder was removed or cut.",
    });
    expect(await (await read("whole")).Body?.transformToString()).toBe("all of it");
  });

  it("can be opened again when what is damaged was moved away", async () => {
    const dataDir = await leftFolder();
    appendFileSync(join(dataDir, "dynamodb/CURRENT"), garbage);
    await errorOf(openCloud({ dataDir }));

    rmSync(join(dataDir, "dynamodb"), { recursive: true });
    const { gateway } = await openCloud({ dataDir });

    await gateway.close();
  });
});
