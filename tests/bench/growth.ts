/**
 * `npm run bench:growth`: how cost grows with what is there. Draining with more and more waiting, and lists among more and more
 * records. See README.md.
 */

import { parseArgs } from "node:util";
import {
  type AttributeValue,
  BatchWriteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  type WriteRequest,
} from "@aws-sdk/client-dynamodb";
import * as z from "zod";
import { createReadApi } from "../../shared/http/read.ts";
import { type App, createApp, files, task, useApp } from "../../shared/index.ts";
import { createLog } from "../../shared/log.ts";
import { newId } from "../../shared/message/id.ts";
import { recordKey } from "../../shared/table/keys.ts";
import { createRegistry } from "../../shared/task/registry.ts";
import { type Cloud, startEmulators, startLoop } from "./contender.ts";
import { createWorkerSide } from "./lovage.ts";
import { compileTemplate, createSetting } from "./setting.ts";
import { median } from "./statistics.ts";
import { table } from "./table.ts";

const USAGE = "Usage: npm run bench:growth -- [--waiting 1000,10000] [--records 1000,10000,100000]";
/** The address of a stage without a key. */
const HOST = "127.0.0.1:3000";
const LOOKS = 9;
/** One failure among so many records. */
const FAILURE_SHARE = 1000;
const WRITES_AT_ONCE = 8;

const ok = task({ name: "ok", payload: z.object({ x: z.number() }), run: ({ x }) => x });
const bad = task({
  name: "bad",
  payload: z.object({ x: z.number() }),
  run: () => {
    throw new Error("The partner has refused it.");
  },
});
const modules = [{ file: "tests/bench/growth.ts", exports: { ok, bad } }];

const progress = (line: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
};

const { values } = parseArgs({
  options: {
    waiting: { type: "string", default: "1000,10000,50000" },
    records: { type: "string", default: "1000,10000,100000" },
  },
});
await compileTemplate();
const lists = await measureLists(sizes(values.records));
const drains = await measureDrains(sizes(values.waiting));
progress("");
print("Draining, by how many wait", [["waiting", "tasks/s", "MB of the worker", "MB of the emulators"], ...drains]);
print("Milliseconds of a call among so many records, one in a thousand a failure; AWS calls beside them", [
  ["", ...sizes(values.records).map(String)],
  ...lists,
]);

/** @throws Error one sentence about a list of sizes that cannot be used */
function sizes(text: string): number[] {
  const numbers = text.split(",").map(Number);
  if (numbers.every((number) => Number.isSafeInteger(number) && number >= 100)) return numbers.sort((a, b) => a - b);
  throw new Error(`Sizes '${text}' cannot be used: expected whole numbers of 100 or more with commas. ${USAGE}`);
}

function print(title: string, rows: readonly (readonly string[])[]): void {
  console.log(`\n${title}`);
  for (const line of table(rows)) console.log(`  ${line}`);
}

async function measureDrains(counts: readonly number[]): Promise<string[][]> {
  const rows: string[][] = [];
  for (const count of counts) {
    progress(`draining ${count}`);
    const emulators = await startEmulators(false);
    const loop = await startLoop("growth", "lovage", emulators, false);
    try {
      await loop.hold();
      await loop.sender.ask("send", count);
      const began = performance.now();
      await loop.release();
      await loop.emptied();
      const rate = count / ((performance.now() - began) / 1000);
      const found = await loop.results();
      if (found !== count) throw new Error(`Of ${count} tasks, ${found} have a result.`);
      const memory = await Promise.all([loop.worker?.ask("resident") ?? 0, emulators.cloud.ask("resident")]);
      rows.push([count.toLocaleString("en"), rate.toFixed(0), ...memory.map((bytes) => (bytes / 2 ** 20).toFixed(0))]);
      loop.rest();
    } finally {
      await loop.stop();
      await emulators.cloud.stop();
    }
  }
  return rows;
}

async function measureLists(counts: readonly number[]): Promise<string[][]> {
  const { cloud, endpoint } = await startEmulators(false);
  const environment = { ...(await createSetting(endpoint, "records")), API_KEY_HASHES: "none" };
  Object.assign(process.env, environment);
  const app = createApp(environment, { log: createLog({}, () => {}) });
  useApp(app);
  const dynamodb = new DynamoDBClient({});
  try {
    const TableName = app.config.resultTable;
    const [success, failure] = await oneOfEach(app, dynamodb, TableName);
    const api = createReadApi(app, createRegistry(modules), files);
    const rows = new Map<string, string[]>();
    let there = 0;
    for (const count of counts) {
      for (; there < count; there += 25 * WRITES_AT_ONCE) {
        if (there % 1000 === 0) progress(`record ${there} of ${count}`);
        await write(dynamodb, TableName, there, { success, failure });
      }
      for (const [title, path] of [
        ["the newest 50", "/tasks?limit=50&values=false"],
        ["the newest 50 failures", "/tasks?state=FAILURE&limit=50&values=false"],
        ["50 of a rare task", "/tasks?task=bad&limit=50&values=false"],
        ["the oldest 50 that wait", "/tasks?state=PENDING,RETRY&order=oldest&limit=50&values=false"],
        ["a tag that no task has", "/tasks?tag=none&limit=50&values=false"],
        ["50 that are not of a task", "/tasks?search=-task%3Abad&limit=50&values=false"],
        ["50 that are of no frequent task", "/tasks?search=-task%3Aok&limit=50&values=false"],
        ["a text that no task has", "/tasks?search=none&limit=50&values=false"],
        ["a part of no id, of the last hour", `/tasks?search=id%3Azzz&from=${anHourAgo()}&limit=50&values=false`],
        ["failures by kind", "/failures?state=open"],
        ["a kind of failure", `/failures/${String(failure.failureGroup?.S)}`],
        ["the last hour's counts", "/counts?by=state"],
      ] as const) {
        progress(`${count} records: ${title}`);
        rows.set(title, [
          ...(rows.get(title) ?? [title]),
          await look(cloud, () => api.request(`http://${HOST}${path}`, { headers: { host: HOST } })),
        ]);
      }
    }
    return [...rows.values()];
  } finally {
    dynamodb.destroy();
    await cloud.stop();
  }
}

function anHourAgo(): string {
  return new Date(Date.now() - 3_600_000).toISOString();
}

type Item = Record<string, AttributeValue>;

/** The records of a task that has succeeded and of one that has failed, as the engine writes them. */
async function oneOfEach(app: App, dynamodb: DynamoDBClient, TableName: string): Promise<[Item, Item]> {
  // Their messages stay where they are: the worker is handed its own.
  const sent = [await ok.delay({ x: 1 }), await bad.delay({ x: 1 })];
  const handle = createWorkerSide(modules, { app });
  const attributes = { ApproximateReceiveCount: "1", SentTimestamp: String(Date.now()) };
  const items = await Promise.all(
    sent.map(async ({ id }, index) => {
      const message = { v: 1, id, task: index === 0 ? "ok" : "bad", attempt: 1, payload: { x: 1 } };
      const body = { ...message, queue: "default", sentAt: new Date().toISOString(), rootId: id };
      await handle([{ MessageId: id, ReceiptHandle: id, Body: JSON.stringify(body), Attributes: attributes }]);
      const { pk, sk } = recordKey(id);
      const { Item } = await dynamodb.send(new GetItemCommand({ TableName, Key: { pk: { S: pk }, sk: { S: sk } } }));
      if (Item === undefined) throw new Error(`Task ${id} has no record.`);
      return Item;
    }),
  );
  const [success, failure] = items;
  if (success?.state?.S !== "SUCCESS" || failure?.failureGroup?.S === undefined) {
    throw new Error("The two tasks whose records are copied have not ended as they should.");
  }
  return [success, failure];
}

/** Copies of records under ids of their own, in calls that go beside each other. */
async function write(
  dynamodb: DynamoDBClient,
  name: string,
  first: number,
  { success, failure }: { success: Item; failure: Item },
): Promise<void> {
  await Promise.all(
    Array.from({ length: WRITES_AT_ONCE }, async (_, call) => {
      const requests: WriteRequest[] = Array.from({ length: 25 }, (__, index) => {
        const isFailure = (first + call * 25 + index) % FAILURE_SHARE === 0;
        const id = newId();
        const { pk, sk } = recordKey(id);
        return { PutRequest: { Item: { ...(isFailure ? failure : success), pk: { S: pk }, sk: { S: sk } } } };
      });
      await dynamodb.send(new BatchWriteItemCommand({ RequestItems: { [name]: requests } }));
    }),
  );
}

/** The median of some looks, and the AWS calls of one. @throws Error for an answer that is none */
async function look(cloud: Cloud, ask: () => Response | Promise<Response>): Promise<string> {
  const calls = async (): Promise<number> =>
    Object.values((await cloud.ask("meter")).calls).reduce((sum, number) => sum + number, 0);
  const before = await calls();
  const times: number[] = [];
  for (let index = 0; index < LOOKS; index += 1) {
    const began = performance.now();
    const answer = await ask();
    await answer.text();
    times.push(performance.now() - began);
    if (answer.status !== 200) throw new Error(`A call that is measured was answered with ${answer.status}.`);
  }
  return `${median(times).toFixed(0)} (${(((await calls()) - before) / LOOKS).toFixed(1)})`;
}
