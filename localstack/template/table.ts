import {
  type AttributeDefinition,
  CreateTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  type KeySchemaElement,
  ResourceInUseException,
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
  try {
    await dynamodb.send(
      new CreateTableCommand({
        TableName: name,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: listField(properties, "AttributeDefinitions").map(toAttribute),
        KeySchema: listField(properties, "KeySchema").map(toKey),
      }),
    );
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
  await waitUntilTableExists({ client: dynamodb, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }, { TableName: name });

  const ttl = textField(objectField(properties, "TimeToLiveSpecification") ?? {}, "AttributeName");
  if (ttl !== undefined) await enableTtl(dynamodb, name, ttl);
  return { ref: name, attributes: { Arn: `arn:aws:dynamodb:${place.region}:${place.account}:table/${name}` } };
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

function toKey(value: unknown): KeySchemaElement {
  const { AttributeName, KeyType } = isObject(value) ? value : {};
  return { AttributeName: String(AttributeName), KeyType: KeyType === "RANGE" ? "RANGE" : "HASH" };
}
