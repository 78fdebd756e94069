/** The meter of DynamoDB's units, held to what AWS's documentation says, on items of a known size. */

import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { Units } from "./capacity-meter.ts";
import type { Child } from "./child.ts";
import type { MeterCommands } from "./cost-meter.ts";

/** `pk` + 11, `sk` + 4, `v`: 20 bytes beside the value. */
const KEY = { pk: { S: "calibration" }, sk: { S: "item" } };
const BESIDE_VALUE = 20;

/** @throws Error if an operation is not counted as AWS counts it */
export async function calibrate(
  dynamodb: DynamoDBClient,
  TableName: string,
  meter: Child<MeterCommands>,
): Promise<void> {
  const make = async (bytes: number, ConditionExpression?: string): Promise<void> => {
    const update = new UpdateItemCommand({
      TableName,
      Key: KEY,
      ConditionExpression,
      UpdateExpression: "SET v = :v",
      ExpressionAttributeValues: { ":v": { S: "x".repeat(bytes - BESIDE_VALUE) } },
    });
    await dynamodb.send(update).catch((error: unknown) => {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    });
  };
  const get = async (ConsistentRead: boolean): Promise<void> =>
    void (await dynamodb.send(new GetItemCommand({ TableName, Key: KEY, ConsistentRead })));
  const query = async (pk: string, ConsistentRead: boolean): Promise<void> => {
    const KeyConditionExpression = "pk = :pk";
    const ExpressionAttributeValues = { ":pk": { S: pk } };
    await dynamodb.send(
      new QueryCommand({ TableName, KeyConditionExpression, ExpressionAttributeValues, ConsistentRead }),
    );
  };
  const remove = async (): Promise<void> => void (await dynamodb.send(new DeleteItemCommand({ TableName, Key: KEY })));

  /** The calls that are made in turn, and their cost by hand. */
  const steps: readonly (readonly [string, () => Promise<void>, { writes?: number; reads?: number }])[] = [
    ["a failed condition where there is no item", () => make(1024, "attribute_exists(v)"), { writes: 1 }],
    ["a new item of 1,024 bytes", () => make(1024), { writes: 1 }],
    ["1,024 bytes that become 1,025", () => make(1025), { writes: 2 }],
    ["a failed condition on 1,025 bytes", () => make(1025, "attribute_not_exists(v)"), { writes: 2 }],
    ["1,025 bytes that become 100", () => make(100), { writes: 2 }],
    ["100 bytes that become 4,096", () => make(4096), { writes: 4 }],
    ["reading 4,096 bytes consistently", () => get(true), { reads: 1 }],
    ["reading 4,096 bytes eventually", () => get(false), { reads: 0.5 }],
    ["4,096 bytes that become 4,097", () => make(4097), { writes: 5 }],
    ["reading 4,097 bytes consistently", () => get(true), { reads: 2 }],
    ["finding 4,097 bytes by a consistent query", () => query("calibration", true), { reads: 2 }],
    ["deleting 4,097 bytes", remove, { writes: 5 }],
    ["reading nothing consistently", () => get(true), { reads: 1 }],
    ["finding nothing by an eventual query", () => query("calibration", false), { reads: 0.5 }],
  ];
  for (const [what, act, { writes = 0, reads = 0 }] of steps) {
    await meter.ask("reset");
    await act();
    const found = await meter.ask("meter");
    const [written, read] = [sum(found.writes), sum(found.reads)];
    if (written !== writes || read !== reads) {
      throw new Error(
        `DynamoDB's units are counted wrongly: ${what} is ${written} write and ${read} read units, expected ${writes} and ${reads}. Has dynalite changed?`,
      );
    }
  }
}

function sum(units: Units): number {
  return Object.values(units).reduce((all, one) => all + one, 0);
}
