/** Reads of many items, conditions without expressions, and pages of tags. */
import {
  type AttributeValue,
  BatchGetItemCommand,
  type Condition,
  DescribeTableCommand,
  type ExpectedAttributeValue,
  ListTagsOfResourceCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TagResourceCommand,
} from "@aws-sdk/client-dynamodb";
import { describe, expect, it } from "vitest";
import { errorOf, uniqueName } from "./cloud.ts";
import { createTable, N, put, S, startDynamoDb } from "./dynamodb-ground.ts";

const { dynamodb, TableName } = await startDynamoDb();

describe("BatchGetItem", () => {
  const ids = (keys: readonly Record<string, unknown>[] = []) => keys.map(({ id }) => Number(Object(id).S));

  // https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
  it("answers 16 MB, and leaves the other keys with how they were asked for", async () => {
    const table = await createTable(dynamodb);
    const large = "x".repeat(399_000);
    for (let id = 0; id < 44; id += 1) await put(dynamodb, table, { id: S(`${id}`), large: S(large) });
    const Keys = Array.from({ length: 44 }, (_, id) => ({ id: S(`${id}`) }));
    const how = { ProjectionExpression: "id, #l", ExpressionAttributeNames: { "#l": "large" }, ConsistentRead: true };

    const first = await dynamodb.send(
      new BatchGetItemCommand({ RequestItems: { [table]: { Keys, ...how } }, ReturnConsumedCapacity: "INDEXES" }),
    );
    const rest = await dynamodb.send(new BatchGetItemCommand({ RequestItems: first.UnprocessedKeys }));

    expect(first.UnprocessedKeys).toEqual({ [table]: { Keys: Keys.slice(42), ...how } });
    expect(first.ConsumedCapacity).toEqual([
      { TableName: table, CapacityUnits: 42 * 98, Table: { CapacityUnits: 42 * 98 } },
    ]);
    expect(rest.UnprocessedKeys).toEqual({});
    const found = [...ids(first.Responses?.[table]), ...ids(rest.Responses?.[table])];
    expect(found.toSorted((one, other) => one - other)).toEqual(Array.from({ length: 44 }, (_, id) => id));
  });

  it("leaves out what is not there, and has no order of its own making", async () => {
    const table = await createTable(dynamodb);
    for (let id = 0; id < 9; id += 1) await put(dynamodb, table, { id: S(`${id}`) });
    const Keys = Array.from({ length: 12 }, (_, id) => ({ id: S(`${id}`) }));

    const { Responses, UnprocessedKeys, ConsumedCapacity } = await dynamodb.send(
      new BatchGetItemCommand({ RequestItems: { [table]: { Keys }, [TableName]: { Keys: [{ id: S("-") }] } } }),
    );

    const found = ids(Responses?.[table]);
    expect(found).not.toEqual(found.toSorted());
    expect(found.toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect([Responses?.[TableName], UnprocessedKeys, ConsumedCapacity]).toEqual([[], {}, undefined]);
  });

  it.each([
    [{ missing: { Keys: [{ id: S("a") }] } }, "ResourceNotFoundException"],
    [{ TABLE: { Keys: [{ id: N(1) }] } }, "ValidationException"],
  ])("is refused whole: %j", async (items, name) => {
    const RequestItems = Object.fromEntries(
      Object.entries(items).map(([table, keys]) => [table === "TABLE" ? TableName : table, keys]),
    );

    expect(await errorOf(dynamodb.send(new BatchGetItemCommand({ RequestItems })))).toMatchObject({ name });
  });
});

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html
describe("conditions without an expression", () => {
  const item = {
    n: N(5),
    s: S("abc"),
    l: { L: [N(1), S("x")] },
    m: { M: { a: { SS: ["p", "q"] } } },
    b: { BOOL: true },
    set: { NS: ["1", "2"] },
    u: S("é😀"),
    nothing: { NULL: true },
  };

  const replace = (id: AttributeValue, Expected: Record<string, ExpectedAttributeValue>) =>
    dynamodb.send(new PutItemCommand({ TableName, Item: { id }, Expected })).then(
      () => true,
      ({ name }: Error) => name,
    );

  it.each<[string, Record<string, Condition>, boolean]>([
    ["EQ of a map", { m: { ComparisonOperator: "EQ", AttributeValueList: [{ M: { a: { SS: ["q", "p"] } } }] } }, true],
    ["EQ of a list", { l: { ComparisonOperator: "EQ", AttributeValueList: [{ L: [N(1), S("y")] }] } }, false],
    ["EQ of a Boolean", { b: { ComparisonOperator: "EQ", AttributeValueList: [{ BOOL: true }] } }, true],
    ["NE of a null", { nothing: { ComparisonOperator: "NE", AttributeValueList: [{ NULL: true }] } }, false],
    ["NE of what is not there", { none: { ComparisonOperator: "NE", AttributeValueList: [N(1)] } }, true],
    ["EQ of a set", { set: { ComparisonOperator: "EQ", AttributeValueList: [{ NS: ["2", "1"] }] } }, true],
    ["LT in UTF-8", { u: { ComparisonOperator: "LT", AttributeValueList: [S("é\uff5e")] } }, false],
    ["GE", { n: { ComparisonOperator: "GE", AttributeValueList: [N("5.0")] } }, true],
    ["BETWEEN", { n: { ComparisonOperator: "BETWEEN", AttributeValueList: [N(1), N(4)] } }, false],
    ["IN", { s: { ComparisonOperator: "IN", AttributeValueList: [S("x"), S("abc")] } }, true],
    ["BEGINS_WITH", { s: { ComparisonOperator: "BEGINS_WITH", AttributeValueList: [S("ab")] } }, true],
    ["CONTAINS", { l: { ComparisonOperator: "CONTAINS", AttributeValueList: [S("x")] } }, true],
    ["NOT_CONTAINS", { set: { ComparisonOperator: "NOT_CONTAINS", AttributeValueList: [N(2)] } }, false],
    ["NULL", { none: { ComparisonOperator: "NULL" } }, true],
    ["NOT_NULL", { none: { ComparisonOperator: "NOT_NULL" } }, false],
  ])("hold as on AWS: %s", async (_what, conditions, holds) => {
    const id = S(uniqueName());
    await put(dynamodb, TableName, { id, ...item });
    const KeyConditions = { id: { ComparisonOperator: "EQ" as const, AttributeValueList: [id] } };

    const queried = await dynamodb.send(new QueryCommand({ TableName, KeyConditions, QueryFilter: conditions }));
    const scanned = await dynamodb.send(
      new ScanCommand({ TableName, ScanFilter: { ...conditions, id: KeyConditions.id } }),
    );
    const written = await replace(id, conditions);

    const count = holds ? 1 : 0;
    expect([queried.Count, scanned.Count]).toEqual([count, count]);
    expect(written).toBe(holds || "ConditionalCheckFailedException");
  });

  it.each<[string, Record<string, ExpectedAttributeValue>, boolean]>([
    ["a value that is there", { n: { Value: N(5) } }, true],
    ["another value, though it exists", { n: { Value: N(6), Exists: true } }, false],
    ["nothing where something is", { n: { Exists: false } }, false],
    ["nothing", { none: { Exists: false } }, true],
  ])("are expected of a write: %s", async (_what, Expected, holds) => {
    const id = S(uniqueName());
    await put(dynamodb, TableName, { id, ...item });

    const written = await replace(id, Expected);

    expect(written).toBe(holds || "ConditionalCheckFailedException");
  });

  it.each<[string, Record<string, Condition>, string]>([
    ["no condition", {}, "ConditionalOperator cannot be used without Filter or Expected"],
    [
      "one condition",
      { n: { ComparisonOperator: "NULL" } },
      "ConditionalOperator can only be used when Filter or Expected has two or more elements",
    ],
  ])("are not joined where there is %s", async (_what, conditions, message) => {
    const scan = new ScanCommand({ TableName, ScanFilter: conditions, ConditionalOperator: "AND" });
    const Item = { id: S("a") };
    const written = new PutItemCommand({ TableName, Item, Expected: conditions, ConditionalOperator: "OR" });

    expect(await errorOf(dynamodb.send(scan))).toMatchObject({ name: "ValidationException", message });
    expect(await errorOf(dynamodb.send(written))).toMatchObject({
      name: "ValidationException",
      message: `1 validation error detected: ${message}`,
    });
  });

  it("need one that holds, with OR", async () => {
    const id = S(uniqueName());
    await put(dynamodb, TableName, { id, n: N(5) });
    const ScanFilter: Record<string, Condition> = {
      none: { ComparisonOperator: "NOT_NULL" },
      id: { ComparisonOperator: "EQ", AttributeValueList: [id] },
    };

    const either = await dynamodb.send(new ScanCommand({ TableName, ScanFilter, ConditionalOperator: "OR" }));
    const both = await dynamodb.send(new ScanCommand({ TableName, ScanFilter }));

    expect([either.Count, both.Count]).toEqual([1, 0]);
  });
});

describe("tags", () => {
  it("come in pages of ten", async () => {
    const table = await createTable(dynamodb);
    const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: table }));
    const ResourceArn = Table?.TableArn;
    const Tags = Array.from({ length: 20 }, (_, index) => ({ Key: `key-${index + 10}`, Value: `${index}` }));
    const list = (NextToken?: string) => dynamodb.send(new ListTagsOfResourceCommand({ ResourceArn, NextToken }));

    await dynamodb.send(new TagResourceCommand({ ResourceArn, Tags }));
    const first = await list();
    const second = await list(first.NextToken);

    expect([first.Tags, second.Tags]).toEqual([Tags.slice(0, 10), Tags.slice(10)]);
    expect(second.NextToken).toBeUndefined();
    expect(await errorOf(list("bm9uZQ=="))).toMatchObject({ name: "ValidationException" });
  });

  it.each([
    ["no key", [{ Key: "", Value: "x" }], "The Tag Key provided is invalid, Key: "],
    ["a value too long", [{ Key: "a", Value: "x".repeat(257) }], "The Tag Value provided is invalid, Value: "],
    ["AWS's own key", [{ Key: "aws:a", Value: "x" }], "Tag Key cannot be prefixed with aws:, Key: aws:a"],
    [
      "a key twice",
      ["x", "y"].map((Value) => ({ Key: "a", Value })),
      "Duplicate Tag Keys provided as input: Duplicate Tag Key found a",
    ],
    [
      "more than fifty",
      Array.from({ length: 50 }, (_, index) => ({ Key: `key-${index}`, Value: "x" })),
      "Number of Tags exceed the current limit for the provided ResourceArn",
    ],
  ])("are refused for %s", async (_what, Tags, message) => {
    const table = await createTable(dynamodb, { Tags: [{ Key: "first", Value: "1" }] });
    const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: table }));

    const refused = await errorOf(dynamodb.send(new TagResourceCommand({ ResourceArn: Table?.TableArn, Tags })));

    expect(refused).toMatchObject({ name: "ValidationException", message: expect.stringContaining(message) });
  });
});
