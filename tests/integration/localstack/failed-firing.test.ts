import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { build } from "esbuild";
import { afterEach, beforeEach, expect, it } from "vitest";
import { bundleOptions, WORK_FOLDER } from "../../../build/bundle.ts";
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
const clock = virtualClock("2026-11-23T06:59:30Z");

beforeEach(async () => {
  lines = [];
  folder = await mkdtemp(join(WORK_FOLDER, "failed-firing-"));
  await writeFile(join(folder, "beat.mjs"), BEAT);
  await writeFile(join(folder, "other.mjs"), OTHER);
  await build(bundleOptions("handlers/dead-letter.handler", folder));
  const template = await readTemplate();
  for (const { Type, Properties } of Object.values(template.Resources)) {
    if (Type === "AWS::Scheduler::Schedule" && Properties) Properties.State = "DISABLED";
  }
  template.Resources.Daily = {
    Type: "AWS::Scheduler::Schedule",
    Properties: {
      ...{ Name: "daily", ScheduleExpression: "cron(0 7 * * ? *)" },
      Target: {
        Arn: { "Fn::GetAtt": ["BeatLambdaFunction", "Arn"] },
        Input:
          '{"schedule":"daily","scheduledTime":"<aws.scheduler.scheduled-time>","task":"mail","queue":"low","payload":{"to":"ada"}}',
      },
    },
  };
  const modules: Record<string, string> = {
    "handlers/beat.handler": join(folder, "beat.mjs"),
    "handlers/dead-letter.handler": join(folder, "handlers", "dead-letter.mjs"),
  };
  cloud = await startLocalCloud({
    ...{ template, clock, environment: {}, port: 0, region: "us-east-1" },
    bundleOf: (handler) => modules[handler] ?? join(folder, "other.mjs"),
    log: (line) => lines.push(line),
  });
});

afterEach(async () => {
  await cloud.stop();
  await rm(folder, { recursive: true });
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
  const { pk, sk } = recordKey(derivedId(due, `beat/daily/${due.toISOString()}`));
  const read = async () => {
    const TableName = await cloud.ref("TasksTable");
    const { Item } = await cloud.clients.dynamodb.send(
      new GetItemCommand({ TableName, Key: { pk: { S: pk }, sk: { S: sk } } }),
    );
    return [
      Item?.state?.S,
      Item?.task?.S,
      Item?.queue?.S,
      Item?.payload?.S,
      JSON.parse(Item?.error?.S ?? "{}").message,
    ];
  };
  await expect
    .poll(read, { timeout: 20_000 })
    .toEqual([
      ...["FAILURE", "mail", "low", '{"to":"ada"}'],
      expect.stringContaining("the beat function failed 3 times: TypeError: the bundle is broken."),
    ]);
});
