import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { build } from "esbuild";
import { afterEach, beforeEach, expect, it } from "vitest";
import { bundleOptions } from "../../../build/bundle.ts";
import { WORK_FOLDER } from "../../../build/paths.ts";
import { type LocalCloud, startLocalCloud } from "../../../localstack/cloud.ts";
import { derivedId } from "../../../shared/message/id.ts";
import { recordKey } from "../../../shared/table/keys.ts";
import { readTemplate } from "../../helpers/compile-template.ts";
import { virtualClock } from "../../helpers/virtual-clock.ts";

/** A deployment whose beat function cannot start. */
const BEAT = 'export const handler = async () => { throw new TypeError("the bundle is broken"); };';
const OTHER = "export const handler = async () => ({ batchItemFailures: [] });";

let folder: string;
let cloud: LocalCloud;
let lines: string[];
let clock: ReturnType<typeof virtualClock>;

beforeEach(async () => {
  lines = [];
  clock = virtualClock("2026-11-23T06:59:30Z");
  folder = await mkdtemp(join(WORK_FOLDER, "failed-firing-"));
  await writeFile(join(folder, "beat.mjs"), BEAT);
  await writeFile(join(folder, "other.mjs"), OTHER);
  await build(bundleOptions(["handlers/dead-letter.handler"], folder));
  const template = await readTemplate();
  for (const { Type, Properties } of Object.values(template.Resources)) {
    if (Type === "AWS::Scheduler::Schedule" && Properties) Properties.State = "DISABLED";
  }
  template.Resources.Daily = daily("daily", 7, { "Fn::GetAtt": ["BeatLambdaFunction", "Arn"] });
  template.Resources.Lost = daily("lost", 8, "arn:aws:lambda:us-east-1:000000000000:function:gone");
  const modules: Record<string, string> = {
    "handlers/beat.handler": join(folder, "beat.mjs"),
    "handlers/dead-letter.handler": join(folder, "handlers", "dead-letter.mjs"),
  };
  cloud = await startLocalCloud({
    template,
    clock,
    environment: {},
    port: 0,
    region: "us-east-1",
    bundleOf: (handler) => modules[handler] ?? join(folder, "other.mjs"),
    log: (line) => lines.push(line),
  });
});

afterEach(async () => {
  await cloud.stop();
  await rm(folder, { recursive: true });
});

function daily(Name: string, hour: number, Arn: unknown) {
  const input = { schedule: Name, task: "mail", queue: "low", payload: { to: "ada" } };
  return {
    Type: "AWS::Scheduler::Schedule",
    Properties: {
      Name,
      ScheduleExpression: `cron(0 ${hour} * * ? *)`,
      Target: {
        Arn,
        Input: JSON.stringify({ ...input, scheduledTime: "<aws.scheduler.scheduled-time>" }),
        DeadLetterConfig: { Arn: { "Fn::GetAtt": ["DeadLetterQueue", "Arn"] } },
      },
    },
  };
}

/** The record of an entry's task: state, task, queue, payload, error. */
async function read(entry: string, due: Date): Promise<unknown[]> {
  const { pk, sk } = recordKey(derivedId(due, `beat/${entry}/${due.toISOString()}`));
  const TableName = await cloud.ref("TasksTable");
  const { Item } = await cloud.clients.dynamodb.send(
    new GetItemCommand({ TableName, Key: { pk: { S: pk }, sk: { S: sk } } }),
  );
  const { message } = JSON.parse(Item?.error?.S ?? "{}");
  return [Item?.state?.S, Item?.task?.S, Item?.queue?.S, Item?.payload?.S, message];
}

it("a firing whose function is not there ends as a FAILURE of its task, by Scheduler's dead letter", async () => {
  const due = new Date("2026-11-23T08:00:00.000Z");
  await clock.runTo(due.toISOString());

  const sentence = "could not invoke the beat function (ResourceNotFoundException: Function not found: gone)";
  await expect
    .poll(() => read("lost", due), { timeout: 20_000 })
    .toEqual([...["FAILURE", "mail", "low", '{"to":"ada"}'], expect.stringContaining(sentence)]);
});

it("a firing whose function fails three times ends as a FAILURE of its task", async () => {
  const attempt = (number: number): void => {
    expect(lines.filter((line) => line.includes(`failed at attempt ${number}: TypeError`))).toHaveLength(1);
  };
  await clock.runTo("2026-11-23T07:00:00Z");
  await expect.poll(() => attempt(1)).toBeUndefined();
  await clock.runTo("2026-11-23T07:01:00Z");
  await expect.poll(() => attempt(2)).toBeUndefined();
  await clock.runTo("2026-11-23T07:03:00Z");

  const due = new Date("2026-11-23T07:00:00.000Z");
  await expect
    .poll(() => read("daily", due), { timeout: 20_000 })
    .toEqual([
      ...["FAILURE", "mail", "low", '{"to":"ada"}'],
      expect.stringContaining("the beat function failed 3 times: TypeError: the bundle is broken."),
    ]);
});
