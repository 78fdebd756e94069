import {
  type AttributeValue,
  BatchWriteItemCommand,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  type ReturnValue,
  ScanCommand,
  type ScanCommandInput,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { describe, expect, it } from "vitest";
import { errorOf, uniqueName } from "./cloud.ts";
import { type Item, itemAt, N, put, S, startDynamoDb } from "./dynamodb-ground.ts";

const { dynamodb, TableName } = await startDynamoDb({
  KeySchema: [
    { AttributeName: "id", KeyType: "HASH" },
    { AttributeName: "at", KeyType: "RANGE" },
  ],
  AttributeDefinitions: [
    ...["id", "at", "color"].map((name) => ({ AttributeName: name, AttributeType: "S" as const })),
    { AttributeName: "blob", AttributeType: "B" },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: "by-color",
      KeySchema: [
        { AttributeName: "color", KeyType: "HASH" },
        { AttributeName: "blob", KeyType: "RANGE" },
      ],
      Projection: { ProjectionType: "KEYS_ONLY" },
    },
  ],
});

const newKey = () => ({ id: S(uniqueName()), at: S("1") });
const name = "ValidationException";

function query(condition: string, values: Item, more: Partial<QueryCommandInput> = {}) {
  const request = { TableName, KeyConditionExpression: condition, ExpressionAttributeValues: values, ...more };
  return dynamodb.send(new QueryCommand(request));
}

describe("the key of an index", () => {
  it.each<[string, Item, string, string]>([
    [
      "an empty text",
      { color: S(""), blob: { B: Buffer.from("x") } },
      "empty string value. IndexName: by-color, IndexKey: color",
      "update a secondary index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty string value.",
    ],
    [
      "an empty binary",
      { color: S("x"), blob: { B: Buffer.alloc(0) } },
      "empty binary value. IndexName: by-color, IndexKey: blob",
      "cannot contain an empty binary value.",
    ],
    ["a text of too many bytes", { color: S("é".repeat(1025)) }, "limit of2048 bytes", "limit of2048 bytes"],
    ["a binary of too many bytes", { blob: { B: Buffer.alloc(1025) } }, "limit of 1024 bytes", "limit of 1024 bytes"],
  ])("cannot be %s, however it is written", async (_kind, attributes, ofPut, ofUpdate) => {
    const Key = newKey();
    const names = Object.keys(attributes);
    const Item = { ...Key, ...attributes };

    const putting = [
      put(dynamodb, TableName, Item),
      dynamodb.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: [{ PutRequest: { Item } }] } })),
    ];
    const updating = dynamodb.send(
      new UpdateItemCommand({
        TableName,
        Key,
        UpdateExpression: `SET ${names.map((one) => `#${one} = :${one}`).join(", ")}`,
        ExpressionAttributeNames: Object.fromEntries(names.map((one) => [`#${one}`, one])),
        ExpressionAttributeValues: Object.fromEntries(names.map((one) => [`:${one}`, attributes[one] ?? S("")])),
      }),
    );

    for (const written of putting) {
      expect(await errorOf(written)).toMatchObject({ name, message: expect.stringMatching(new RegExp(`${ofPut}$`)) });
    }
    expect(await errorOf(updating)).toMatchObject({ name, message: expect.stringMatching(new RegExp(`${ofUpdate}$`)) });
    expect(await itemAt(dynamodb, TableName, Key)).toBeUndefined();
  });
});

describe("a key", () => {
  it("has at most 2048 and 1024 bytes, in UTF-8", async () => {
    const longest = { id: S("é".repeat(1024)), at: S("é".repeat(512)) };
    const longer: Item[] = [
      { ...longest, id: S("é".repeat(1025)) },
      { ...longest, at: S("é".repeat(513)) },
    ];

    await put(dynamodb, TableName, longest);
    const errors = await Promise.all(
      longer.flatMap((Key) => [
        errorOf(put(dynamodb, TableName, Key)),
        errorOf(dynamodb.send(new GetItemCommand({ TableName, Key }))),
        errorOf(dynamodb.send(new DeleteItemCommand({ TableName, Key }))),
        errorOf(dynamodb.send(new UpdateItemCommand({ TableName, Key }))),
      ]),
    );

    for (const error of errors)
      expect(error).toMatchObject({ name, message: expect.stringMatching(/limit of ?\d+ bytes/) });
  });

  it.each<[string, Item, string | undefined, string]>([
    ["id = :v", { ":v": S("") }, undefined, "Key: id"],
    ["id = :i AND at = :v", { ":i": S("a"), ":v": S("") }, undefined, "Key: at"],
    ["id = :i AND begins_with(at, :v)", { ":i": S("a"), ":v": S("") }, undefined, "Key: at"],
    ["color = :v", { ":v": S("") }, "by-color", "IndexName: by-color, IndexKey: color"],
  ])("is not asked for by an empty value: %s", async (condition, values, IndexName, key) => {
    const names = { ExpressionAttributeNames: { "#at": "at" } };
    const reserved = condition.includes("at") ? names : {};
    const asked = query(condition.replace(/\bat\b/, "#at"), values, { IndexName, ...reserved });

    expect(await errorOf(asked)).toMatchObject({
      name,
      message: expect.stringMatching(new RegExp(`empty string value. ${key}$`)),
    });
  });
});

describe("a choice of attributes", () => {
  const KeyConditions: QueryCommandInput["KeyConditions"] = {
    id: { ComparisonOperator: "EQ", AttributeValueList: [S("a")] },
  };

  it.each<[Partial<ScanCommandInput>, string]>([
    [
      { Select: "COUNT", ProjectionExpression: "id" },
      "Cannot specify the ProjectionExpression when choosing to get only the Count",
    ],
    [
      { Select: "ALL_ATTRIBUTES", AttributesToGet: ["id"] },
      "Cannot specify the AttributesToGet when choosing to get ALL_ATTRIBUTES",
    ],
    [
      { Select: "SPECIFIC_ATTRIBUTES" },
      "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
    ],
    [
      { Select: "ALL_PROJECTED_ATTRIBUTES" },
      "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
    ],
  ])("that contradicts itself is refused: %j", async (choice, message) => {
    const { ProjectionExpression } = choice;
    const asked = ProjectionExpression
      ? query("id = :id", { ":id": S("a") }, choice)
      : dynamodb.send(new QueryCommand({ TableName, KeyConditions, ...choice }));

    const refused = { name, message: `1 validation error detected: ${message}` };
    expect(await errorOf(asked)).toMatchObject(refused);
    expect(await errorOf(dynamodb.send(new ScanCommand({ TableName, ...choice })))).toMatchObject(refused);
  });

  it("is taken where it fits", async () => {
    const { Count } = await dynamodb.send(new ScanCommand({ TableName, IndexName: "by-color", Select: "COUNT" }));
    const { Items } = await dynamodb.send(
      new ScanCommand({ TableName, Select: "SPECIFIC_ATTRIBUTES", ProjectionExpression: "id" }),
    );

    expect(Count).toBe(0);
    expect(Items?.every((item: Record<string, AttributeValue>) => Object.keys(item).length === 1)).toBe(true);
  });
});

describe("reads and answers", () => {
  it("are not consistent on a global index", async () => {
    const scan = new ScanCommand({ TableName, IndexName: "by-color", ConsistentRead: true });

    expect(await errorOf(dynamodb.send(scan))).toMatchObject({ name, message: expect.stringContaining("onsistent") });
  });

  it("cost twice as much if they are consistent", async () => {
    await put(dynamodb, TableName, { ...newKey(), text: S("x".repeat(9000)) });
    const units = async (ConsistentRead: boolean) => {
      const scan = new ScanCommand({ TableName, ConsistentRead, ReturnConsumedCapacity: "TOTAL" });
      return (await dynamodb.send(scan)).ConsumedCapacity?.CapacityUnits ?? 0;
    };

    expect(await units(true)).toBe(2 * (await units(false)));
  });

  it.each<ReturnValue>(["ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"])(
    "of a deletion or a put are not %s",
    async (ReturnValues) => {
      const Key = newKey();

      expect(await errorOf(dynamodb.send(new DeleteItemCommand({ TableName, Key, ReturnValues })))).toMatchObject({
        name,
      });
      expect(await errorOf(dynamodb.send(new PutItemCommand({ TableName, Item: Key, ReturnValues })))).toMatchObject({
        name,
      });
    },
  );

  it("of an update have no attributes where there are none", async () => {
    const Key = newKey();
    await put(dynamodb, TableName, { ...Key, a: N(1), b: N(2) });
    const remove = (names: string, ReturnValues: ReturnValue) =>
      dynamodb.send(new UpdateItemCommand({ TableName, Key, UpdateExpression: `REMOVE ${names}`, ReturnValues }));

    const [gone, old, absent] = [
      await remove("a", "UPDATED_NEW"),
      await remove("b", "UPDATED_OLD"),
      await remove("zz", "UPDATED_OLD"),
    ];

    expect(gone.Attributes).toBeUndefined();
    expect(old.Attributes).toEqual({ b: N(2) });
    expect(absent.Attributes).toBeUndefined();
  });
});
