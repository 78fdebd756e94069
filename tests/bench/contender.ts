/** One way to send and run tasks, with its processes, as the rounds see it. */

import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { DynamoDBClient, ScanCommand, type ScanCommandOutput } from "@aws-sdk/client-dynamodb";
import { GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { CounterCommands } from "./call-counter.ts";
import { type Child, type Commands, startChild } from "./child.ts";
import type { OfflineCommands } from "./offline-process.ts";
import { createSetting, PLUG_FOLDER } from "./setting.ts";
import type { SideCommands } from "./side-process.ts";

export type Cloud = Child<CounterCommands>;

export interface Contender {
  readonly name: string;
  /** Of the tasks of a measurement: one that is much slower does a part of them. @defaultValue 1 */
  readonly portion?: number;
  readonly cloud: Cloud;
  readonly sender: Child<SideCommands>;
  /** Absent where the cloud itself runs the tasks, in sandboxes. */
  readonly worker: Child<SideCommands> | undefined;
  /** Milliseconds of processor time of what runs the tasks, so far; undefined where nothing is known. */
  workerCpu(): Promise<number | undefined>;
  /** Keeps workers from the queue until `release`. */
  hold(): Promise<void>;
  release(): Promise<void>;
  /** Lets workers rest while others are measured. */
  rest(): void;
  /** Waits until the queue has neither waiting messages nor any in flight: all are run, stored and deleted. */
  emptied(): Promise<void>;
  /** How many results of the task `add` its table holds. */
  results(): Promise<number>;
  stop(): Promise<void>;
}

const COUNTER = "call-counter.ts";
const SIDE = join(import.meta.dirname, "side-process.ts");
const LOOK_MILLISECONDS = 10;
/** The local cloud runs at least this many sandboxes of a function. */
const LEAST_SANDBOXES = 4;
const DEPTH = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"] as const;
const MOST_PLUGS = 500;
/** A plug that is not taken by then finds every sandbox busy. */
const PLUG_MILLISECONDS = 400;
const STUCK_MILLISECONDS = 180_000;

/** The emulators alone, in a process of their own. */
export function startEmulators(profile: boolean): Promise<{ cloud: Cloud; endpoint: string }> {
  return startMetered<CounterCommands>({ name: "emulators", meter: COUNTER, profile });
}

/** @param meter the module of this folder that counts in their process, and answers `C` */
export async function startMetered<C extends Commands>({
  name,
  meter,
  profile,
}: {
  name: string;
  meter: string;
  profile: boolean;
}): Promise<{ cloud: Child<C>; endpoint: string }> {
  const module = join(import.meta.dirname, "../../localstack/serve.ts");
  const preload = join(import.meta.dirname, meter);
  const cloud = startChild<C>({ name, module, preload, profile, arguments: ["--port", "0"] });
  return { cloud, endpoint: await cloud.says(/http:\/\/127\.0\.0\.1:\d+/) };
}

/** A sender and a worker process, both for `side`, on the emulators of another process. */
export async function startLoop(
  name: string,
  side: string,
  { cloud, endpoint }: { cloud: Cloud; endpoint: string },
  profile: boolean,
): Promise<Contender> {
  const environment = await createSetting(endpoint, name);
  const sides = startSides(name, side, environment, profile);
  const { close, ...table } = observe(environment);
  return {
    name,
    cloud,
    ...sides,
    ...table,
    async stop() {
      close();
      await sides.stop();
    },
  };
}

/** A sender and a worker process, both for `side`. */
export function startSides(
  name: string,
  side: string,
  environment: Record<string, string>,
  profile: boolean,
): Pick<Contender, "sender" | "worker" | "workerCpu" | "hold" | "release" | "rest" | "stop"> {
  const start = (role: string): Child<SideCommands> =>
    startChild({ name: `${name}-${role}`, module: SIDE, arguments: [side], environment, profile });
  const sender = start("sender");
  const worker = start("worker");
  let resting: Promise<unknown> = Promise.resolve();
  return {
    sender,
    worker,
    workerCpu: () => worker.ask("cpu"),
    hold: async () => void (await resting),
    async release() {
      await resting;
      await worker.ask("start");
    },
    rest() {
      resting = worker.ask("stop");
    },
    async stop() {
      // A worker that has died was told about already.
      await resting.catch(() => {});
      await Promise.all([sender.stop(), worker.stop()]);
    },
  };
}

/** The whole local cloud as `serverless offline` runs it, and a process that sends with Lovage. */
export async function startOffline(name: string, profile: boolean): Promise<Contender> {
  const module = join(import.meta.dirname, "offline-process.ts");
  const cloud = startChild<CounterCommands & OfflineCommands>({
    name,
    module,
    preload: join(import.meta.dirname, COUNTER),
    profile,
  });
  await cloud.says(/Local cloud ready/);
  const environment = await cloud.ask("environment");
  const sender = startChild<SideCommands>({
    name: `${name}-sender`,
    module: SIDE,
    arguments: ["lovage"],
    environment,
    profile,
  });
  const table = observe(environment);
  return {
    name,
    cloud,
    sender,
    worker: undefined,
    workerCpu: () => cloud.ask("workerCpu"),
    ...table,
    async hold() {
      await rm(PLUG_FOLDER, { recursive: true, force: true });
      await mkdir(PLUG_FOLDER, { recursive: true });
      // One at a time, so that each has a batch, and a sandbox, to itself; the last one finds no sandbox free.
      let sent = 0;
      let taken = 0;
      do {
        if (sent === MOST_PLUGS) throw new Error("The sandboxes of the local cloud cannot be kept busy.");
        await sender.ask("plug");
        sent += 1;
        taken = await countPlugs(sent);
      } while (taken === sent || taken < LEAST_SANDBOXES);
    },
    release: () => writeFile(join(PLUG_FOLDER, "open"), ""),
    rest() {},
    async stop() {
      table.close();
      await sender.stop();
      await cloud.stop();
    },
  };
}

/** Waits a little for the `expected` plug to sit in its sandbox; answers with how many do. */
async function countPlugs(expected: number): Promise<number> {
  const start = performance.now();
  let taken = (await readdir(PLUG_FOLDER)).length;
  while (taken < expected && performance.now() - start < PLUG_MILLISECONDS) {
    await wait(LOOK_MILLISECONDS);
    taken = (await readdir(PLUG_FOLDER)).length;
  }
  return taken;
}

/** Looks at how full the queue of an environment is. */
export function observeQueue(environment: Record<string, string>): Pick<Contender, "emptied"> & { close(): void } {
  const { emptied, close } = observe(environment);
  return { emptied, close };
}

function observe(environment: Record<string, string>): Pick<Contender, "emptied" | "results"> & { close(): void } {
  const { AWS_ENDPOINT_URL = "", AWS_REGION = "", BROKER_URL: QueueUrl, RESULT_BACKEND = "" } = environment;
  const access = {
    endpoint: AWS_ENDPOINT_URL,
    region: AWS_REGION,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  const sqs = new SQSClient({ ...access, useQueueUrlAsEndpoint: false });
  const dynamodb = new DynamoDBClient(access);
  const depth = async (): Promise<number> => {
    const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...DEPTH] });
    const { Attributes = {} } = await sqs.send(command);
    return DEPTH.reduce((sum, name) => sum + Number(Attributes[name]), 0);
  };
  return {
    async emptied() {
      const start = performance.now();
      while ((await depth()) > 0) {
        if (performance.now() - start > STUCK_MILLISECONDS) throw new Error(`Queue ${QueueUrl} is not drained.`);
        await wait(LOOK_MILLISECONDS);
      }
    },
    async results() {
      let count = 0;
      let start: ScanCommandOutput["LastEvaluatedKey"];
      do {
        const answer: ScanCommandOutput = await dynamodb.send(
          new ScanCommand({
            TableName: RESULT_BACKEND.replace("dynamodb://", ""),
            Select: "COUNT",
            FilterExpression: "task = :add AND #state = :success",
            ExpressionAttributeNames: { "#state": "state" },
            ExpressionAttributeValues: { ":add": { S: "add" }, ":success": { S: "SUCCESS" } },
            ...(start && { ExclusiveStartKey: start }),
          }),
        );
        count += answer.Count ?? 0;
        start = answer.LastEvaluatedKey;
      } while (start);
      return count;
    },
    close() {
      sqs.destroy();
      dynamodb.destroy();
    },
  };
}
