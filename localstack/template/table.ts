import {
  type AttributeDefinition,
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  type GlobalSecondaryIndex,
  type KeySchemaElement,
  ResourceInUseException,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { isObject } from "../json.ts";
import { type Created, listField, objectField, textField } from "./template.ts";

/** Creates `AWS::DynamoDB::Table`, on demand and with its TTL, unless it exists. */
export async function createTable(
  dynamodb: DynamoDBClient,
  properties: Record<string, unknown>,
  place: { region: string; account: string },
): Promise<Created> {
  const name = textField(properties, "TableName");
  if (name === undefined) throw new Error("An AWS::DynamoDB::Table has no TableName: the local cloud needs one.");
  const indexes = listField(properties, "GlobalSecondaryIndexes").map(toIndex);
  try {
    await dynamodb.send(
      new CreateTableCommand({
        TableName: name,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: listField(properties, "AttributeDefinitions").map(toAttribute),
        KeySchema: listField(properties, "KeySchema").map(toKey),
        ...(indexes.length > 0 && { GlobalSecondaryIndexes: indexes }),
      }),
    );
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
    await addIndexes(dynamodb, name, { properties, indexes });
  }
  await waitUntilTableExists({ client: dynamodb, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }, { TableName: name });

  const ttl = textField(objectField(properties, "TimeToLiveSpecification") ?? {}, "AttributeName");
  if (ttl !== undefined) await enableTtl(dynamodb, name, ttl);
  return { ref: name, attributes: { Arn: `arn:aws:dynamodb:${place.region}:${place.account}:table/${name}` } };
}

/** Gives a table that an older version has made the indexes that it lacks. */
async function addIndexes(
  dynamodb: DynamoDBClient,
  table: string,
  { properties, indexes }: { properties: Record<string, unknown>; indexes: readonly GlobalSecondaryIndex[] },
): Promise<void> {
  const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: table }));
  const present = Table?.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName) ?? [];
  for (const index of indexes.filter(({ IndexName }) => !present.includes(IndexName))) {
    const { IndexName, KeySchema, Projection } = index;
    await dynamodb.send(
      new UpdateTableCommand({
        TableName: table,
        AttributeDefinitions: listField(properties, "AttributeDefinitions").map(toAttribute),
        GlobalSecondaryIndexUpdates: [{ Create: { IndexName, KeySchema, Projection } }],
      }),
    );
  }
}

async function enableTtl(dynamodb: DynamoDBClient, table: string, attribute: string): Promise<void> {
  const { TimeToLiveDescription } = await dynamodb.send(new DescribeTimeToLiveCommand({ TableName: table }));
  // Enabling it twice is an error of its own on AWS.
  if (TimeToLiveDescription?.TimeToLiveStatus === "ENABLED") return;
  await dynamodb.send(
    new UpdateTimeToLiveCommand({
      TableName: table,
      TimeToLiveSpecification: { AttributeName: attribute, Enabled: true },
    }),
  );
}

function toAttribute(value: unknown): AttributeDefinition {
  const { AttributeName, AttributeType } = isObject(value) ? value : {};
  const type = (["S", "N", "B"] as const).find((known) => known === AttributeType);
  return { AttributeName: String(AttributeName), AttributeType: type };
}

function toIndex(value: unknown): GlobalSecondaryIndex {
  const index = isObject(value) ? value : {};
  const type = textField(objectField(index, "Projection") ?? {}, "ProjectionType");
  const known = (["ALL", "KEYS_ONLY"] as const).find((one) => one === type);
  if (known === undefined) {
    throw new Error(
      `Index '${textField(index, "IndexName")}' has the projection '${type}': the local cloud makes ALL and KEYS_ONLY.`,
    );
  }
  return {
    IndexName: textField(index, "IndexName"),
    KeySchema: listField(index, "KeySchema").map(toKey),
    Projection: { ProjectionType: known },
  };
}

function toKey(value: unknown): KeySchemaElement {
  const { AttributeName, KeyType } = isObject(value) ? value : {};
  return { AttributeName: String(AttributeName), KeyType: KeyType === "RANGE" ? "RANGE" : "HASH" };
}
