/**
 * Two services that `npm create lovage` has made, from tarballs alone: the second calls the first with `lovage/client`, and both are
 * deployed, as CloudFormation, to moto. moto runs no function without Docker, so the calls go through the local stage.
 */

import { execFile } from "node:child_process";
import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { DescribeTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { ListQueuesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createClient } from "../../localstack/client.ts";
import { install, type Packed, pack, start } from "../helpers/packed.ts";
import { type Missing, type Peer, startMoto } from "./peers.ts";

const run = promisify(execFile);

/** Of the first service: an entry of each kind. */
const ENTRIES = `
custom:
  lovage:
    queues:
      ledger: { fifo: true, workers: 5 }
    views:
      home: { route: GET /home, handler: handlers/home.handler, key: read }
    buckets:
      archive: {}
`;
const HOME = `import { Hono } from "hono";
import { createView } from "lovage";

export const handler = createView(new Hono().get("/home", (c) => c.text("home")));
`;
/** Of the second one. */
const SETTING = `  environment:
    FIRST_URL: \${env:FIRST_URL, 'https://first.example.com'}
`;
const ASK = `import { task } from "lovage";
import { createClient } from "lovage/client";
import * as z from "zod";
import type * as tasks from "../../../first/handlers/tasks/math.ts";

export const ask = task({
  name: "ask",
  payload: z.object({ x: z.number() }),
  result: z.number(),
  run: async ({ x }, { id }) => {
    const first = createClient<typeof tasks>({ url: process.env.FIRST_URL ?? "" });
    const sent = await first.tasks.add.applyAsync({ x, y: 6 }, { idempotencyKey: id });
    return sent.get({ timeout: 20 });
  },
});
`;

let packed: Packed;
let place: string;
let moto: Peer | Missing;

beforeAll(async () => {
  moto = await startMoto();
  packed = await pack();
  place = await mkdtemp(join(tmpdir(), "lovage-deploy-"));
  await run("tar", ["-xzf", packed.createLovage, "-C", place]);
  await install(packed.lovage, place);
  for (const name of ["first", "second"]) await run("node", [join(place, "package/create.js"), name], { cwd: place });
  await appendFile(join(place, "first/serverless.yml"), ENTRIES);
  await writeFile(join(place, "first/handlers/home.ts"), HOME);
  await appendFile(join(place, "second/serverless.yml"), SETTING);
  await writeFile(join(place, "second/handlers/tasks/ask.ts"), ASK);
});
afterAll(async () => {
  if ("stop" in moto) await moto.stop();
  for (const folder of [packed.folder, place]) await rm(folder, { recursive: true, force: true });
});

describe("two created services", () => {
  it("compile, the second with the types of the first", async () => {
    for (const name of ["first", "second"]) {
      expect((await run(join(place, "node_modules/.bin/tsc"), [], { cwd: join(place, name) })).stdout).toBe("");
    }
  });

  it("talk by the client", { timeout: 600_000 }, async () => {
    const first = await start(join(place, "first"));
    const second = await start(join(place, "second"), { FIRST_URL: first.url });
    try {
      const client = createClient(second.url);
      const { id } = await client.post("/tasks/ask", { payload: { x: 4 } });
      expect(await client.waitFor(`/tasks/${id}`)).toMatchObject({ state: "SUCCESS", result: 10 });
    } finally {
      await second.stop();
      await first.stop();
    }
  });

  it("are deployed to moto", { timeout: 600_000 }, async ({ skip }) => {
    if ("missing" in moto) return skip(moto.missing);
    const env = { ...process.env, ...moto.environment };
    for (const name of ["first", "second"]) {
      const program = join(place, "node_modules/.bin/serverless");
      const { stderr } = await run(program, ["deploy", "--stage", "local"], { cwd: join(place, name), env });
      expect(stderr).toContain(`Service deployed to stack ${name}-local`);
    }
    const { AWS_ENDPOINT_URL: endpoint = "", AWS_REGION: region = "" } = moto.environment;
    const settings = { endpoint, region, credentials: { accessKeyId: "test", secretAccessKey: "test" } };
    const { QueueUrls = [] } = await new SQSClient(settings).send(new ListQueuesCommand({}));
    const queues = QueueUrls.map((url) => url.split("/").at(-1));
    expect(queues).toEqual(
      expect.arrayContaining(["first-local-default", "first-local-ledger.fifo", "second-local-default"]),
    );
    const table = new DescribeTableCommand({ TableName: "second-local-tasks" });
    expect((await new DynamoDBClient(settings).send(table)).Table?.GlobalSecondaryIndexes).toHaveLength(1);
    const { Buckets = [] } = await new S3Client({ ...settings, forcePathStyle: true }).send(new ListBucketsCommand({}));
    expect(Buckets.map(({ Name }) => Name)).toContain("first-local-archive-123456789012");
  });
});
