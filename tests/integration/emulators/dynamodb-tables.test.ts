import {
  type CreateGlobalSecondaryIndexAction,
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteTableCommand,
  DescribeContinuousBackupsCommand,
  DescribeLimitsCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  ListTagsOfResourceCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateTableCommand,
  type UpdateTableCommandInput,
} from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { openEngine } from "../../../localstack/dynamodb/engine.ts";
import { type Cloud, errorOf, openCloud, temporaryDirectory, uniqueName } from "./cloud.ts";
import { createTable, type Item, itemAt, N, put, S } from "./dynamodb-ground.ts";

let cloud: Cloud;
let dynamodb: DynamoDBClient;

beforeAll(async () => {
  cloud = await openCloud();
  dynamodb = cloud.dynamodb;
});

afterAll(() => cloud.gateway.close());

const Create: CreateGlobalSecondaryIndexAction = {
  IndexName: "by-color",
  KeySchema: [{ AttributeName: "color", KeyType: "HASH" }],
  Projection: { ProjectionType: "ALL" },
};
const byColor: Partial<UpdateTableCommandInput> = {
  AttributeDefinitions: [{ AttributeName: "color", AttributeType: "S" }],
  GlobalSecondaryIndexUpdates: [{ Create }],
};

const update = (TableName: string, more: Partial<UpdateTableCommandInput>, client = dynamodb) =>
  client.send(new UpdateTableCommand({ TableName, ...more }));

async function describeTable(TableName: string, client = dynamodb) {
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  return Table;
}

async function red(TableName: string, client = dynamodb): Promise<(string | undefined)[]> {
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName,
      IndexName: "by-color",
      KeyConditionExpression: "color = :color",
      ExpressionAttributeValues: { ":color": S("red") },
    }),
  );
  return Items.map(({ id }) => id?.S).sort();
}

describe("an index that a table gets later", () => {
  it("holds the items that were there, as far as their values suit its key, and those that come", async () => {
    const TableName = await createTable(dynamodb);
    const items: Item[] = [
      { id: S("a"), color: S("red") },
      { id: S("b"), color: S("blue") },
      ...[{ id: S("none") }, { id: S("number"), color: N(1) }, { id: S("empty"), color: S("") }],
    ];
    for (const item of items) await put(dynamodb, TableName, item);

    const { TableDescription } = await update(TableName, byColor);
    await put(dynamodb, TableName, { id: S("c"), color: S("red") });
    const described = await describeTable(TableName);

    expect(TableDescription?.GlobalSecondaryIndexes).toMatchObject([{ IndexName: "by-color" }]);
    expect(described?.GlobalSecondaryIndexes).toMatchObject([{ IndexName: "by-color", IndexStatus: "ACTIVE" }]);
    expect(await red(TableName)).toEqual(["a", "c"]);
  });

  it("misses none of the writes that go on meanwhile", async () => {
    const TableName = await createTable(dynamodb);
    const write = (id: string) => put(dynamodb, TableName, { id: S(id), color: S("red") });
    const ids = Array.from({ length: 300 }, (_, index) => `${index}`.padStart(3, "0"));
    await Promise.all(ids.slice(0, 100).map(write));

    const going = ids.slice(100).map(write);
    await update(TableName, byColor);
    await Promise.all(going);

    expect(await red(TableName)).toEqual(ids);
  });

  it("goes, and comes back without what went", async () => {
    const TableName = await createTable(dynamodb);
    await put(dynamodb, TableName, { id: S("a"), color: S("red") });
    await update(TableName, byColor);

    await update(TableName, { GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: "by-color" } }] });
    const without = await describeTable(TableName);
    const query = await errorOf(red(TableName));
    await put(dynamodb, TableName, { id: S("a"), color: S("blue") });
    await update(TableName, byColor);

    expect(without?.GlobalSecondaryIndexes).toBeUndefined();
    expect(without?.AttributeDefinitions).toEqual([{ AttributeName: "id", AttributeType: "S" }]);
    expect(query).toMatchObject({ name: "ValidationException" });
    expect(await red(TableName)).toEqual([]);
  });

  it("is filled at the next start, if the process was killed meanwhile", async () => {
    const dataDir = await temporaryDirectory();
    const before = await openCloud({ dataDir });
    const TableName = await createTable(before.dynamodb);
    await put(before.dynamodb, TableName, { id: S("a"), color: S("red") });
    await update(TableName, byColor, before.dynamodb);
    await before.gateway.close();
    await forgetIndex(dataDir, TableName);

    const after = await openCloud({ dataDir });
    onTestFinished(() => after.gateway.close());

    expect(await red(TableName, after.dynamodb)).toEqual(["a"]);
    const described = await describeTable(TableName, after.dynamodb);
    expect(described?.GlobalSecondaryIndexes?.[0]).toMatchObject({ IndexStatus: "ACTIVE" });
    expect(described?.GlobalSecondaryIndexes?.[0]?.Backfilling).toBeUndefined();
  });

  /** Leaves the index as it is while it is made: described, and without entries. */
  async function forgetIndex(dataDir: string, TableName: string): Promise<void> {
    const { default: db } = await import("dynalite/db/index.js");
    const store = db.create({ path: `${dataDir}/dynamodb` });
    await store.db.open();
    await new Promise<void>((resolve, reject) => {
      store.deleteIndexDb("Global", TableName, "by-color", (error) => (error ? reject(error) : resolve()));
    });
    await new Promise<void>((resolve, reject) => {
      store.tableDb.get(TableName, (_error, table) => {
        const half = JSON.parse(
          JSON.stringify(table).replace('"IndexStatus":"ACTIVE"', '"IndexStatus":"CREATING","Backfilling":true'),
        );
        store.tableDb.put(TableName, half, (error) => (error ? reject(error) : resolve()));
      });
    });
    await store.lifecycleManager.gracefulClose();
  }

  it("is refused where it cannot be made", async () => {
    const TableName = await createTable(dynamodb);
    const ProvisionedThroughput = { ReadCapacityUnits: 1, WriteCapacityUnits: 1 };

    const undefinedKey = await errorOf(update(TableName, { GlobalSecondaryIndexUpdates: [{ Create }] }));
    const withThroughput = await errorOf(
      update(TableName, {
        ...byColor,
        GlobalSecondaryIndexUpdates: [{ Create: { ...Create, ProvisionedThroughput } }],
      }),
    );
    const absent = await errorOf(
      update(TableName, { GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: "absent" } }] }),
    );
    const unchanged = await errorOf(
      update(TableName, { GlobalSecondaryIndexUpdates: [{ Update: { IndexName: "absent", ProvisionedThroughput } }] }),
    );
    await update(TableName, byColor);
    const { IndexName } = Create;
    const onDemand = await errorOf(
      update(TableName, { GlobalSecondaryIndexUpdates: [{ Update: { IndexName, ProvisionedThroughput } }] }),
    );
    const twice = await errorOf(update(TableName, byColor));

    expect(undefinedKey).toMatchObject({ message: expect.stringContaining("not defined in AttributeDefinitions") });
    expect(withThroughput).toMatchObject({ message: expect.stringContaining("should not be specified for index") });
    for (const error of [absent, unchanged]) expect(error).toMatchObject({ name: "ResourceNotFoundException" });
    expect(onDemand).toMatchObject({ message: expect.stringContaining("when BillingMode is PAY_PER_REQUEST") });
    expect(twice).toMatchObject({ message: "Attempting to create an index which already exists" });
  });
});

describe("a table's settings", () => {
  it("are its tags, from the beginning", async () => {
    const Tags = [
      { Key: "team", Value: "a" },
      { Key: "stage", Value: "dev" },
    ];
    const TableName = await createTable(dynamodb, { Tags });
    const { TableArn: ResourceArn } = (await describeTable(TableName)) ?? {};
    const tags = async () => {
      const { Tags: found = [] } = await dynamodb.send(new ListTagsOfResourceCommand({ ResourceArn }));
      return Object.fromEntries(found.map(({ Key, Value }) => [Key, Value]));
    };

    const atFirst = await tags();
    await dynamodb.send(new TagResourceCommand({ ResourceArn, Tags: [{ Key: "team", Value: "b" }] }));
    await dynamodb.send(new UntagResourceCommand({ ResourceArn, TagKeys: ["stage"] }));
    const twice = await errorOf(createTable(dynamodb, { Tags: [...Tags, ...Tags] }));

    expect(atFirst).toEqual({ team: "a", stage: "dev" });
    expect(await tags()).toEqual({ team: "b" });
    expect(twice).toMatchObject({ name: "ValidationException" });
  });

  it("are its protection against deletion", async () => {
    const TableName = await createTable(dynamodb, { DeletionProtectionEnabled: true });
    const remove = () => dynamodb.send(new DeleteTableCommand({ TableName }));

    const described = await describeTable(TableName);
    const refused = await errorOf(remove());
    await update(TableName, { DeletionProtectionEnabled: false });
    const unprotected = await describeTable(TableName);
    await remove();

    expect(described?.DeletionProtectionEnabled).toBe(true);
    expect(refused).toMatchObject({
      name: "ValidationException",
      message: expect.stringContaining("protected against deletion"),
    });
    expect(unprotected?.DeletionProtectionEnabled).toBe(false);
  });

  it("may be asked for by its ARN", async () => {
    const TableName = await createTable(dynamodb);
    const { TableArn = "" } = (await describeTable(TableName)) ?? {};
    await put(dynamodb, TableArn, { id: S("a") });

    const elsewhere = await errorOf(put(dynamodb, TableArn.replace(/:\d{12}:/, ":123456789012:"), { id: S("b") }));

    expect(await itemAt(dynamodb, TableName, { id: S("a") })).toEqual({ id: S("a") });
    expect(elsewhere).toMatchObject({ name: "ResourceNotFoundException" });
  });

  it("are limits and backups, which are told", async () => {
    const TableName = await createTable(dynamodb);

    const limits = await dynamodb.send(new DescribeLimitsCommand({}));
    const backups = await dynamodb.send(new DescribeContinuousBackupsCommand({ TableName }));
    const absent = await errorOf(dynamodb.send(new DescribeContinuousBackupsCommand({ TableName: uniqueName() })));

    expect(limits).toMatchObject({ AccountMaxReadCapacityUnits: 80_000, TableMaxWriteCapacityUnits: 40_000 });
    expect(backups.ContinuousBackupsDescription).toMatchObject({
      PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: "DISABLED" },
    });
    expect(absent).toMatchObject({ name: "ResourceNotFoundException" });
  });
});

describe("a parameter that is not emulated", () => {
  const table: CreateTableCommandInput = {
    TableName: "never-made",
    BillingMode: "PAY_PER_REQUEST",
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
  };

  it.each([
    ["StreamSpecification", { StreamEnabled: true, StreamViewType: "KEYS_ONLY" }],
    ["SSESpecification", { Enabled: true }],
    ["TableClass", "STANDARD_INFREQUENT_ACCESS"],
    ["ResourcePolicy", "{}"],
    ["OnDemandThroughput", { MaxReadRequestUnits: 5 }],
  ])("is refused by name: %s", async (name, value) => {
    const create = new CreateTableCommand({ ...table, [name]: value });

    expect(await errorOf(dynamodb.send(create))).toMatchObject({
      name: "ValidationException",
      message: `CreateTable.${name} is not emulated: leave it out.`,
    });
  });

  it("is let through where it asks for nothing", async () => {
    const TableName = await createTable(dynamodb, {
      StreamSpecification: { StreamEnabled: false },
      SSESpecification: { Enabled: false },
    });

    expect(await describeTable(TableName)).toMatchObject({ TableStatus: "ACTIVE" });
  });

  it("is refused inside another, too, and by the engine's other calls", async () => {
    const engine = await openEngine(undefined);
    onTestFinished(() => engine.close());
    const AttributeDefinitions = [{ AttributeName: "id", AttributeType: "S", Unknown: 1 }];

    const nested = await errorOf(engine.execute("CreateTable", { ...table, AttributeDefinitions }));
    const scan = await errorOf(engine.execute("Scan", { TableName: "never-made", Unknown: "x" }));

    expect(nested).toMatchObject({
      message: "CreateTable.AttributeDefinitions.Unknown is not emulated: leave it out.",
    });
    expect(scan).toMatchObject({ message: "Scan.Unknown is not emulated: leave it out." });
  });

  it("is the size of item collections, where a table has them", async () => {
    const TableName = await createTable(dynamodb, {
      KeySchema: [
        { AttributeName: "id", KeyType: "HASH" },
        { AttributeName: "at", KeyType: "RANGE" },
      ],
      AttributeDefinitions: ["id", "at", "other"].map((name) => ({ AttributeName: name, AttributeType: "S" as const })),
      LocalSecondaryIndexes: [
        {
          IndexName: "by-other",
          KeySchema: [
            { AttributeName: "id", KeyType: "HASH" },
            { AttributeName: "other", KeyType: "RANGE" },
          ],
          Projection: { ProjectionType: "ALL" },
        },
      ],
    });
    const Item = { id: S("a"), at: S("b") };
    const ReturnItemCollectionMetrics = "SIZE";

    const refused = await errorOf(dynamodb.send(new PutItemCommand({ TableName, Item, ReturnItemCollectionMetrics })));
    const { Count } = await dynamodb.send(new ScanCommand({ TableName }));

    expect(refused).toMatchObject({ message: "ReturnItemCollectionMetrics is not emulated: leave it out." });
    expect(Count).toBe(0);
  });
});
