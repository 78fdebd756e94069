/**
 * Time to live: which attribute of which table says when an item expires, and the sweeper that deletes what has expired.
 *
 * AWS deletes "within a few days" of the expiry, so nothing may rely on the sweeper: reads must filter `ttl > now` themselves.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { isObject, type JsonObject, objectsOf, parseObject } from "../json.ts";
import type { Engine } from "./engine.ts";
import { DynamoDbError } from "./error.ts";

/** AWS leaves items alone that expired longer ago than this: they are taken for a mistake in the unit. */
const MAX_AGE_SECONDS = 5 * 365 * 86_400;

export interface TimeToLive {
  /** UpdateTimeToLive. @throws DynamoDbError */
  update(request: JsonObject): Promise<JsonObject>;
  /** DescribeTimeToLive. @throws DynamoDbError */
  describe(request: JsonObject): Promise<JsonObject>;
  /** The table is gone. */
  forget(table: string): void;
  /** Deletes every expired item of every table; answers how many. */
  sweep(): Promise<number>;
}

/** @param file keeps the settings over a restart; absent: in memory */
export function createTimeToLive(engine: Engine, file: string | undefined, now: () => number): TimeToLive {
  let attributes: ReadonlyMap<string, string> = new Map(file === undefined ? [] : readSettings(file));
  const save = (changed: ReadonlyMap<string, string>) => {
    if (file !== undefined) {
      // Renamed into place: a process that dies here leaves the old settings or the new ones.
      writeFileSync(`${file}.new`, JSON.stringify(Object.fromEntries(changed)));
      renameSync(`${file}.new`, file);
    }
    attributes = changed;
  };

  return {
    async update(request) {
      const table = await existingTable(engine, request);
      const specification = isObject(request.TimeToLiveSpecification) ? request.TimeToLiveSpecification : {};
      const { Enabled: enabled, AttributeName: attribute } = specification;
      if (typeof enabled !== "boolean" || typeof attribute !== "string" || attribute === "") {
        throw DynamoDbError.validation("TimeToLiveSpecification must have Enabled and a non-empty AttributeName");
      }
      const current = attributes.get(table);
      if (enabled && current !== undefined) {
        throw DynamoDbError.validation(
          current === attribute ? "TimeToLive is already enabled" : "TimeToLive is active on a different AttributeName",
        );
      }
      if (!enabled && current !== attribute) {
        throw DynamoDbError.validation(
          current === undefined
            ? "TimeToLive is already disabled"
            : "TimeToLive is active on a different AttributeName",
        );
      }
      save(enabled ? new Map([...attributes, [table, attribute]]) : without(attributes, table));
      return { TimeToLiveSpecification: { Enabled: enabled, AttributeName: attribute } };
    },

    async describe(request) {
      const attribute = attributes.get(await existingTable(engine, request));
      return {
        TimeToLiveDescription:
          attribute === undefined
            ? { TimeToLiveStatus: "DISABLED" }
            : { TimeToLiveStatus: "ENABLED", AttributeName: attribute },
      };
    },

    forget(table) {
      if (attributes.has(table)) save(without(attributes, table));
    },

    async sweep() {
      let deleted = 0;
      for (const [table, attribute] of attributes) {
        deleted += await sweepTable(engine, table, attribute, Math.floor(now() / 1000));
      }
      return deleted;
    },
  };
}

async function sweepTable(engine: Engine, table: string, attribute: string, nowSeconds: number): Promise<number> {
  const description = (await engine.execute("DescribeTable", { TableName: table })).Table;
  const schema = objectsOf(isObject(description) ? description.KeySchema : []);
  const keyNames = schema.map((key) => String(key.AttributeName));
  const expired = {
    ExpressionAttributeNames: { "#ttl": attribute },
    ExpressionAttributeValues: { ":now": { N: `${nowSeconds}` }, ":oldest": { N: `${nowSeconds - MAX_AGE_SECONDS}` } },
  };
  let deleted = 0;
  let from: unknown;
  do {
    const page = await engine.execute("Scan", {
      TableName: table,
      FilterExpression: "#ttl BETWEEN :oldest AND :now",
      ...expired,
      ...(from === undefined ? {} : { ExclusiveStartKey: from }),
    });
    for (const item of objectsOf(page.Items)) {
      deleted += await deleteExpired(engine, {
        TableName: table,
        Key: Object.fromEntries(keyNames.map((name) => [name, item[name]])),
        // Checked again with the delete: an item that was prolonged since the scan stays.
        ConditionExpression: "#ttl BETWEEN :oldest AND :now",
        ...expired,
      });
    }
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
  return deleted;
}

async function deleteExpired(engine: Engine, request: JsonObject): Promise<number> {
  try {
    await engine.execute("DeleteItem", request);
    return 1;
  } catch (error) {
    if (error instanceof DynamoDbError && error.name === "ConditionalCheckFailedException") return 0;
    throw error;
  }
}

async function existingTable(engine: Engine, request: JsonObject): Promise<string> {
  const description = (await engine.execute("DescribeTable", { TableName: request.TableName })).Table;
  return String(isObject(description) ? description.TableName : "");
}

function without(attributes: ReadonlyMap<string, string>, table: string): Map<string, string> {
  return new Map([...attributes].filter(([name]) => name !== table));
}

/** @throws SyntaxError if the file holds anything else */
function readSettings(file: string): [string, string][] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
  const settings = parseObject(text);
  if (settings === undefined) throw new SyntaxError(`'${file}' is no JSON object`);
  return Object.entries(settings).map(([table, attribute]) => [table, String(attribute)]);
}
