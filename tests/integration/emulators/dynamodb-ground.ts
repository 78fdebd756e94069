/** A DynamoDB of a test file's own, with tables of its tests. */
import {
  type AttributeValue,
  CreateTableCommand,
  type CreateTableCommandInput,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from "@aws-sdk/client-dynamodb";
import { afterAll } from "vitest";
import { openCloud, uniqueName } from "./cloud.ts";

export const S = (text: string): AttributeValue => ({ S: text });
export const N = (number: number | string): AttributeValue => ({ N: `${number}` });

export type Item = Record<string, AttributeValue>;

/** Creates a table whose key is the text `id`, unless `more` says otherwise, and answers its name. */
export async function createTable(
  client: DynamoDBClient,
  more: Partial<CreateTableCommandInput> = {},
): Promise<string> {
  const TableName = uniqueName();
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      ...more,
    }),
  );
  return TableName;
}

/** A DynamoDB with one such table, which ends with the test file. Called at the top of the file. */
export async function startDynamoDb(more: Partial<CreateTableCommandInput> = {}) {
  const { dynamodb, gateway } = await openCloud();
  afterAll(() => gateway.close());
  return { dynamodb, TableName: await createTable(dynamodb, more) };
}

export const put = (client: DynamoDBClient, TableName: string, Item: Item) =>
  client.send(new PutItemCommand({ TableName, Item }));

export async function itemAt(client: DynamoDBClient, TableName: string, Key: Item): Promise<Item | undefined> {
  const { Item } = await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
  return Item;
}
