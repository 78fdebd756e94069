/**
 * DynamoDB: dynalite's engine behind the gateway, with time to live, PartiQL statements that name one item, tables that
 * are ready when the answer arrives, and the item in the error of a failed condition.
 *
 * Differences from AWS that are left stand in `docs/local-cloud.md`.
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { openingError } from "../data-folder.ts";
import { isObject, type JsonObject, objectsOf, parseObject } from "../json.ts";
import { textOf } from "../request-text.ts";
import { dropPlusSigns } from "./attribute-values.ts";
import { type Engine, openEngine } from "./engine.ts";
import { DynamoDbError } from "./error.ts";
import { createStatements, type Statements } from "./partiql/statements.ts";
import { checkedTags, pageOfTags } from "./tags.ts";
import { createTimeToLive, type TimeToLive } from "./ttl.ts";

export interface DynamoDbOptions {
  /** Keeps tables here; absent: in memory. */
  readonly dataDir?: string | undefined;
  /** Seconds between two runs of the sweeper of expired items. @defaultValue 60 */
  readonly ttlSweepSeconds?: number | undefined;
  /** Milliseconds since the epoch, for the sweeper. @defaultValue Date.now */
  readonly now?: (() => number) | undefined;
  readonly log: (line: string) => void;
}

export interface DynamoDb {
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  close(): Promise<void>;
}

/** AWS's quotas of a new account. */
const LIMITS = {
  AccountMaxReadCapacityUnits: 80_000,
  AccountMaxWriteCapacityUnits: 80_000,
  TableMaxReadCapacityUnits: 40_000,
  TableMaxWriteCapacityUnits: 40_000,
};
const MAX_REQUEST_BYTES = 16 * 1024 * 1024;

/** Opens DynamoDB: with a `dataDir`, with the tables that an earlier run left there. */
export async function openDynamoDb(options: DynamoDbOptions): Promise<DynamoDb> {
  const { dataDir, log } = options;
  const engine = await openEngine(dataDir === undefined ? undefined : join(dataDir, "dynamodb"), log);
  const timeToLive = await openTimeToLive(engine, dataDir, options.now ?? Date.now);
  const statements = createStatements(engine, log);
  const stopSweeper = startSweeper(timeToLive, options.ttlSweepSeconds ?? 60, log);

  return {
    async handle(request, response) {
      const target = String(request.headers["x-amz-target"]);
      const operation = target.slice(target.indexOf(".") + 1);
      let status = 200;
      let body: string;
      try {
        requireSignature(request);
        body = JSON.stringify(await execute({ engine, timeToLive, statements }, operation, await readRequest(request)));
      } catch (error) {
        const known = error instanceof DynamoDbError;
        if (!known || error.status >= 500) {
          log(`dynamodb: ${operation} failed: ${error instanceof Error ? error.stack : error}`);
        }
        status = known ? error.status : 500;
        body = JSON.stringify(known ? error.body : { __type: "InternalServerError" });
      }
      response
        .writeHead(status, {
          "content-type": "application/x-amz-json-1.0",
          "content-length": Buffer.byteLength(body),
          "x-amzn-requestid": randomUUID(),
        })
        .end(body);
    },
    async close() {
      await stopSweeper();
      await engine.close();
    },
  };
}

async function openTimeToLive(engine: Engine, dataDir: string | undefined, now: () => number): Promise<TimeToLive> {
  if (dataDir === undefined) return createTimeToLive(engine, undefined, now);
  const file = join(dataDir, "dynamodb-ttl.json");
  try {
    return createTimeToLive(engine, file, now);
  } catch (error) {
    await engine.close();
    throw openingError(error, dataDir, file);
  }
}

interface Parts {
  readonly engine: Engine;
  readonly timeToLive: TimeToLive;
  readonly statements: Statements;
}

async function execute(parts: Parts, operation: string, request: JsonObject): Promise<JsonObject> {
  const { engine, timeToLive, statements } = parts;
  switch (operation) {
    case "UpdateTimeToLive":
      return timeToLive.update(request);
    case "DescribeTimeToLive":
      return timeToLive.describe(request);
    case "ExecuteStatement":
      return statements.execute(request);
    case "BatchExecuteStatement":
      return statements.executeBatch(request);
    case "DescribeLimits":
      return LIMITS;
    case "DescribeContinuousBackups":
      return describeBackups(engine, request);
    case "CreateTable":
      return createTable(engine, request);
    case "TagResource": {
      const { ResourceArn } = request;
      const present = await engine.execute("ListTagsOfResource", { ResourceArn });
      checkedTags(request.Tags, objectsOf(present.Tags));
      return engine.execute(operation, request);
    }
    case "ListTagsOfResource": {
      const { NextToken: token, ...rest } = request;
      return pageOfTags(await engine.execute(operation, rest), token);
    }
    case "UpdateTable":
    case "DeleteTable": {
      // Copied: the engine goes on to change what it has answered.
      const answer = structuredClone(await engine.execute(operation, request));
      const { TableName: table } = isObject(answer.TableDescription) ? answer.TableDescription : {};
      await settled(engine, String(table));
      if (operation === "DeleteTable") timeToLive.forget(String(table));
      return answer;
    }
    default:
      return engine.execute(operation, request);
  }
}

async function createTable(engine: Engine, request: JsonObject): Promise<JsonObject> {
  const { Tags, ...rest } = request;
  const tags = checkedTags(Tags);
  const answer = structuredClone(await engine.execute("CreateTable", { DeletionProtectionEnabled: false, ...rest }));
  await settled(engine, String(request.TableName));
  const { TableArn } = isObject(answer.TableDescription) ? answer.TableDescription : {};
  if (tags.length > 0) await engine.execute("TagResource", { ResourceArn: TableArn, Tags: tags });
  return answer;
}

async function describeBackups(engine: Engine, request: JsonObject): Promise<JsonObject> {
  await engine.execute("DescribeTable", request);
  return {
    ContinuousBackupsDescription: {
      ContinuousBackupsStatus: "ENABLED",
      PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: "DISABLED" },
    },
  };
}

/** Waits the few milliseconds until the table is active or gone, so that no caller has to wait for seconds. */
async function settled(engine: Engine, table: string): Promise<void> {
  for (;;) {
    const answer = await engine.execute("DescribeTable", { TableName: table }).catch(() => undefined);
    const description = isObject(answer?.Table) ? answer.Table : {};
    const indexes = objectsOf(description.GlobalSecondaryIndexes).map((index) => index.IndexStatus);
    const states = [description.TableStatus, ...indexes];
    if (!states.some((state) => typeof state === "string" && state !== "ACTIVE")) return;
    await nextTurn();
  }
}

function startSweeper(timeToLive: TimeToLive, seconds: number, log: (line: string) => void): () => Promise<void> {
  let running = Promise.resolve();
  const timer = setInterval(() => {
    running = running.then(async () => {
      try {
        await timeToLive.sweep();
      } catch (error) {
        log(`dynamodb: deleting expired items failed, and is tried again: ${error}`);
      }
    });
  }, seconds * 1000);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await running;
  };
}

/** The signature itself is not checked; that there is one is, so that a client without credentials fails here as on AWS. */
function requireSignature(request: IncomingMessage): void {
  if (!String(request.headers.authorization).startsWith("AWS4-")) {
    throw new DynamoDbError(
      "com.amazon.coral.service#MissingAuthenticationTokenException",
      "Request is missing Authentication Token",
    );
  }
}

async function readRequest(request: IncomingMessage): Promise<JsonObject> {
  const written = await textOf(request, MAX_REQUEST_BYTES);
  if (written === undefined) {
    throw new DynamoDbError("com.amazon.coral.service#RequestEntityTooLargeException", "Request is too large", 413);
  }
  const body = parseObject(written);
  if (body === undefined) {
    throw new DynamoDbError("com.amazon.coral.service#SerializationException", "The request is not a JSON object");
  }
  if (written.includes('"+')) dropPlusSigns(body);
  return body;
}
