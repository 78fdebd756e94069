import { connect } from "node:net";
import {
  type AttributeValue,
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteItemCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type Cloud, errorOf, openCloud, temporaryDirectory, uniqueName } from "./cloud.ts";

let cloud: Cloud;
let dynamodb: DynamoDBClient;

beforeAll(async () => {
  cloud = await openCloud();
  dynamodb = cloud.dynamodb;
});

afterAll(() => cloud.gateway.close());

async function createTable(client = dynamodb, more: Partial<CreateTableCommandInput> = {}): Promise<string> {
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

const put = (TableName: string, Item: Record<string, AttributeValue>, client = dynamodb) =>
  client.send(new PutItemCommand({ TableName, Item }));

async function ids(TableName: string, client = dynamodb): Promise<(string | undefined)[]> {
  const { Items = [] } = await client.send(new ScanCommand({ TableName }));
  return Items.map((item) => item.id?.S).sort();
}

const enableTtl = (TableName: string, AttributeName = "ttl", client = dynamodb) =>
  client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification: { Enabled: true, AttributeName } }));

describe("tables", () => {
  it("are active as soon as they are created, their indexes too", async () => {
    const name = await createTable(dynamodb, {
      AttributeDefinitions: [
        { AttributeName: "id", AttributeType: "S" },
        { AttributeName: "at", AttributeType: "N" },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: "by-at",
          KeySchema: [{ AttributeName: "at", KeyType: "HASH" }],
          Projection: { ProjectionType: "ALL" },
        },
      ],
    });

    const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: name }));
    await put(name, { id: { S: "a" }, at: { N: "7" } });
    const { Items } = await dynamodb.send(
      new QueryCommand({
        TableName: name,
        IndexName: "by-at",
        KeyConditionExpression: "#at = :at",
        ExpressionAttributeNames: { "#at": "at" },
        ExpressionAttributeValues: { ":at": { N: "7" } },
      }),
    );

    expect(Table?.TableStatus).toBe("ACTIVE");
    expect(Table?.GlobalSecondaryIndexes?.[0]?.IndexStatus).toBe("ACTIVE");
    expect(Items).toEqual([{ id: { S: "a" }, at: { N: "7" } }]);
  });

  it("are gone as soon as they are deleted", async () => {
    const name = await createTable();

    await dynamodb.send(new DeleteTableCommand({ TableName: name }));
    const { TableNames } = await dynamodb.send(new ListTablesCommand({}));
    const missing = await errorOf(dynamodb.send(new DescribeTableCommand({ TableName: name })));

    expect(TableNames).not.toContain(name);
    expect(missing).toMatchObject({ name: "ResourceNotFoundException" });
  });

  it("on disk outlive the process, with their items and their time to live", async () => {
    const dataDir = await temporaryDirectory();
    const before = await openCloud({ dataDir });
    const name = await createTable(before.dynamodb);
    await put(name, { id: { S: "kept" } }, before.dynamodb);
    await enableTtl(name, "expires", before.dynamodb);
    await before.gateway.close();

    const after = await openCloud({ dataDir });
    const kept = await ids(name, after.dynamodb);
    const described = await after.dynamodb.send(new DescribeTimeToLiveCommand({ TableName: name }));
    await after.gateway.close();

    expect(kept).toEqual(["kept"]);
    expect(described.TimeToLiveDescription).toEqual({ TimeToLiveStatus: "ENABLED", AttributeName: "expires" });
  });
});

describe("conditional writes", () => {
  const condition = {
    ConditionExpression: "attribute_not_exists(id)",
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  } as const;

  it("that fail show the item that stood in the way, if asked", async () => {
    const TableName = await createTable();
    const item = { id: { S: "a" }, count: { N: "1" } };
    const Key = { id: { S: "a" } };
    await put(TableName, item);

    const errors = await Promise.all([
      errorOf(dynamodb.send(new PutItemCommand({ TableName, Item: Key, ...condition }))),
      errorOf(dynamodb.send(new UpdateItemCommand({ TableName, Key, ...condition }))),
      errorOf(dynamodb.send(new DeleteItemCommand({ TableName, Key, ...condition }))),
    ]);

    for (const error of errors) {
      expect(error).toMatchObject({ name: "ConditionalCheckFailedException", Item: item });
    }
  });

  it("that fail show nothing if not asked, or if there is nothing", async () => {
    const TableName = await createTable();
    await put(TableName, { id: { S: "a" } });
    const { ConditionExpression } = condition;

    const unasked = await errorOf(
      dynamodb.send(new PutItemCommand({ TableName, Item: { id: { S: "a" } }, ConditionExpression })),
    );
    const absent = await errorOf(
      dynamodb.send(
        new UpdateItemCommand({
          TableName,
          Key: { id: { S: "b" } },
          ConditionExpression: "attribute_exists(id)",
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        }),
      ),
    );

    expect(unasked).toMatchObject({ name: "ConditionalCheckFailedException", Item: undefined });
    expect(absent).toMatchObject({ name: "ConditionalCheckFailedException", Item: undefined });
  });

  it("of many at once let exactly one through", async () => {
    const TableName = await createTable();
    const claims = Array.from({ length: 50 }, (_, n) =>
      dynamodb.send(
        new UpdateItemCommand({
          TableName,
          Key: { id: { S: "x" } },
          ConditionExpression: "attribute_not_exists(id)",
          UpdateExpression: "SET winner = :n",
          ExpressionAttributeValues: { ":n": { N: `${n}` } },
        }),
      ),
    );

    const outcomes = await Promise.allSettled(claims);

    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });
});

describe("time to live", () => {
  it("is described as it was set, and cannot be set twice", async () => {
    const TableName = await createTable();
    const describe = () => dynamodb.send(new DescribeTimeToLiveCommand({ TableName }));

    const before = await describe();
    const answer = await enableTtl(TableName);
    const after = await describe();
    const again = await errorOf(enableTtl(TableName));
    const other = await errorOf(enableTtl(TableName, "other"));
    const missing = await errorOf(enableTtl(uniqueName()));

    expect(before.TimeToLiveDescription).toEqual({ TimeToLiveStatus: "DISABLED" });
    expect(answer.TimeToLiveSpecification).toEqual({ Enabled: true, AttributeName: "ttl" });
    expect(after.TimeToLiveDescription).toEqual({ TimeToLiveStatus: "ENABLED", AttributeName: "ttl" });
    expect(again).toMatchObject({ name: "ValidationException", message: "TimeToLive is already enabled" });
    expect(other).toMatchObject({ name: "ValidationException" });
    expect(missing).toMatchObject({ name: "ResourceNotFoundException" });
  });

  it("deletes what has expired, by the clock, and nothing else", async () => {
    const nowSeconds = 2_000_000_000;
    let now = (nowSeconds - 100) * 1000;
    const timed = await openCloud({ ttlSweepSeconds: 0.02, now: () => now });
    onTestFinished(() => timed.gateway.close());
    const TableName = await createTable(timed.dynamodb);
    await enableTtl(TableName, "ttl", timed.dynamodb);
    const sixYears = 6 * 365 * 86_400;
    const items = {
      expired: { N: `${nowSeconds - 1}` },
      later: { N: `${nowSeconds + 60}` },
      text: { S: "1" },
      ancient: { N: `${nowSeconds - sixYears}` },
    };
    for (const [id, ttl] of Object.entries(items)) {
      await put(TableName, { id: { S: id }, ttl }, timed.dynamodb);
    }
    await put(TableName, { id: { S: "forever" } }, timed.dynamodb);
    const whileYoung = await ids(TableName, timed.dynamodb);

    now = nowSeconds * 1000;

    await expect
      .poll(() => ids(TableName, timed.dynamodb), { timeout: 10_000 })
      .toEqual(["ancient", "forever", "later", "text"]);
    expect(whileYoung).toContain("expired");
  });
});

describe("the DynamoDB endpoint", () => {
  it("says what it does not do", async () => {
    const TableName = await createTable();
    const TransactItems = [{ Put: { TableName, Item: { id: { S: "a" } } } }];

    const refused = await errorOf(dynamodb.send(new TransactWriteItemsCommand({ TransactItems })));

    expect(refused).toMatchObject({ name: "UnknownOperationException" });
  });

  it("survives a client that goes away in the middle of a request", async () => {
    const TableName = await createTable();
    const socket = connect(cloud.gateway.port, "127.0.0.1");
    const headers =
      "Host: 127.0.0.1\r\nX-Amz-Target: DynamoDB_20120810.PutItem\r\nAuthorization: AWS4-HMAC-SHA256 x\r\n";
    await new Promise<void>((resolve) => {
      socket.write(`POST / HTTP/1.1\r\n${headers}Content-Length: 1000\r\n\r\n{"Table`, () => resolve());
    });

    socket.resetAndDestroy();
    await put(TableName, { id: { S: "after" } });
    const { Item } = await dynamodb.send(new GetItemCommand({ TableName, Key: { id: { S: "after" } } }));

    expect(Item).toBeDefined();
  });
});
