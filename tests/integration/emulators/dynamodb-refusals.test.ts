/** The sentences of DynamoDB's refusals. Those marked "verified" are of tests of moto that were run on AWS. */
import {
  type AttributeAction,
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteItemCommand,
  GetItemCommand,
  type KeyType,
  ListTablesCommand,
  PutItemCommand,
  type PutItemCommandInput,
  ScanCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
  UpdateTableCommand,
} from "@aws-sdk/client-dynamodb";
import { describe, expect, it } from "vitest";
import { errorOf, uniqueName } from "./cloud.ts";
import { type Item, N, S, startDynamoDb } from "./dynamodb-ground.ts";

const { dynamodb, TableName } = await startDynamoDb();

const name = "ValidationException";
const listed = "1 validation error detected: ";
const invalid = "One or more parameter values were invalid: ";

const update = (UpdateExpression: string, values?: Item, more: Partial<UpdateItemCommandInput> = {}) =>
  dynamodb.send(
    new UpdateItemCommand({
      TableName,
      Key: { id: S("a") },
      UpdateExpression,
      ...(values && { ExpressionAttributeValues: values }),
      ...more,
    }),
  );
const putWith = (attributes: Item, more: Partial<PutItemCommandInput> = {}) =>
  dynamodb.send(new PutItemCommand({ TableName, Item: { id: S("a"), ...attributes }, ...more }));
const create = (more: Partial<CreateTableCommandInput>) =>
  dynamodb.send(
    new CreateTableCommand({
      TableName: uniqueName(),
      BillingMode: "PAY_PER_REQUEST" as const,
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      ...more,
    }),
  );

describe("the constraints of the service model", () => {
  it.each<[string, () => Promise<unknown>, string]>([
    [
      "a name with a space, which is too short, too",
      () => dynamodb.send(new GetItemCommand({ TableName: " ", Key: { id: S("a") } })),
      "2 validation errors detected: Value ' ' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; Value ' ' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3",
    ],
    [
      "no key",
      () => dynamodb.send(new GetItemCommand({ TableName, Key: undefined })),
      `${listed}Value null at 'key' failed to satisfy constraint: Member must not be null`,
    ],
    [
      "a number that is too small",
      () => dynamodb.send(new ListTablesCommand({ Limit: 0 })),
      `${listed}Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1`,
    ],
    [
      "a number that is too large",
      () => dynamodb.send(new ScanCommand({ TableName, Segment: 0, TotalSegments: 1_000_001 })),
      `${listed}Value '1000001' at 'totalSegments' failed to satisfy constraint: Member must have value less than or equal to 1000000`,
    ],
    [
      "101 keys, which are not told",
      () => {
        const Keys = Array.from({ length: 101 }, (_, index) => ({ id: S(`${index}`) }));
        return dynamodb.send(new BatchGetItemCommand({ RequestItems: { table: { Keys } } }));
      },
      `${listed}Value at 'requestItems.table.member.keys' failed to satisfy constraint: Member must have length less than or equal to 100`,
    ],
    [
      "26 writes",
      () => {
        const writes = Array.from({ length: 26 }, (_, index) => ({ DeleteRequest: { Key: { id: S(`${index}`) } } }));
        return dynamodb.send(new BatchWriteItemCommand({ RequestItems: { table: writes } }));
      },
      `${listed}Value at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]`,
    ],
    [
      "an action that is none",
      () => {
        // @ts-expect-error: no such action
        const Action: AttributeAction = "SET";
        const AttributeUpdates = { x: { Action, Value: S("") } };
        return dynamodb.send(new UpdateItemCommand({ TableName, Key: { id: S("a") }, AttributeUpdates }));
      },
      `${listed}Value 'SET' at 'attributeUpdates.x.member.action' failed to satisfy constraint: Member must satisfy enum value set: [ADD, PUT, DELETE]`,
    ],
    [
      "a name without characters",
      () => create({ KeySchema: [{ AttributeName: "", KeyType: "HASH" }] }),
      `${listed}Value '' at 'keySchema.1.member.attributeName' failed to satisfy constraint: Member must have length greater than or equal to 1`,
    ],
    [
      "a key of three attributes",
      () => create({ KeySchema: ["a", "b", "c"].map((one) => ({ AttributeName: one, KeyType: "HASH" })) }),
      `${listed}Value '[KeySchemaElement(attributeName=a, keyType=HASH), KeySchemaElement(attributeName=b, keyType=HASH), KeySchemaElement(attributeName=c, keyType=HASH)]' at 'keySchema' failed to satisfy constraint: Member must have length less than or equal to 2`,
    ],
  ])("refuse %s", async (_what, ask, message) => {
    expect(await errorOf(ask())).toMatchObject({ name, message });
  });

  // Verified: test_create_table__specify_non_key_column.
  it("know the two types of a key also in indexes, new ones included", async () => {
    // @ts-expect-error: no such type
    const KeyType: KeyType = "SORT";
    const index = {
      IndexName: "by-color",
      KeySchema: [
        { AttributeName: "id", KeyType: "HASH" as const },
        { AttributeName: "color", KeyType },
      ],
      Projection: { ProjectionType: "ALL" as const },
    };
    const at = (path: string) => ({
      name,
      message: `${listed}Value 'SORT' at '${path}.keySchema.2.member.keyType' failed to satisfy constraint: Member must satisfy enum value set: [HASH, RANGE]`,
    });

    expect(await errorOf(create({ GlobalSecondaryIndexes: [index] }))).toMatchObject(
      at("globalSecondaryIndexes.1.member"),
    );
    expect(await errorOf(create({ LocalSecondaryIndexes: [index] }))).toMatchObject(
      at("localSecondaryIndexes.1.member"),
    );
    const added = new UpdateTableCommand({ TableName, GlobalSecondaryIndexUpdates: [{ Create: index }] });
    expect(await errorOf(dynamodb.send(added))).toMatchObject(at("globalSecondaryIndexUpdates.1.member.create"));
  });
});

describe("a write of one item", () => {
  it.each<[string, () => Promise<unknown>, string]>([
    ["an empty set", () => putWith({ s: { SS: [] } }), `${invalid}An string set  may not be empty`],
    [
      "an empty set inside",
      () => putWith({ l: { L: [{ M: { n: { NS: [] } } }] } }),
      `${invalid}An number set  may not be empty`,
    ],
    [
      "an empty set among the values, whatever else is wrong",
      () => update("SET x = :s, y = :z", { ":s": { BS: [] } }),
      `${invalid}Binary sets should not be empty`,
    ],
    [
      "a name that is not used",
      () => update("SET x = :v", { ":v": S("") }, { ExpressionAttributeNames: { "#n": "n" } }),
      "Value provided in ExpressionAttributeNames unused in expressions: keys: {#n}",
    ],
    ["no values", () => update("SET x = :v", {}), "ExpressionAttributeValues must not be empty"],
    ["an empty expression", () => update(""), "Invalid UpdateExpression: The expression can not be empty;"],
    [
      "a section twice",
      () => update("SET x = :v SET y = :v", { ":v": S("") }),
      'Invalid UpdateExpression: The "SET" section can only be used once in an update expression;',
    ],
    [
      "paths that overlap",
      () => update("SET x = :v, x.y = :v", { ":v": S("") }),
      "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [x], path two: [x, y]",
    ],
    [
      "a text to be added",
      () => update("ADD x :v", { ":v": S("") }),
      "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND",
    ],
    [
      "a reserved word",
      () => putWith({}, { ConditionExpression: "attribute_exists(status)" }),
      "Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: status",
    ],
    [
      "other values to be returned",
      () => dynamodb.send(new DeleteItemCommand({ TableName, Key: { id: S("a") }, ReturnValues: "ALL_NEW" })),
      "ReturnValues can only be ALL_OLD or NONE",
    ],
  ])("lists the refusal of %s", async (_what, ask, message) => {
    expect(await errorOf(ask())).toMatchObject({ name, message: `${listed}${message}` });
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ["a number that is none", () => putWith({ n: N("x") }), "The parameter cannot be converted to a numeric value: x"],
    [
      "an item that is too large",
      () => putWith({ s: S("x".repeat(410_000)) }),
      "Item size has exceeded the maximum allowed size",
    ],
    [
      "a key of another type",
      () => dynamodb.send(new PutItemCommand({ TableName, Item: { id: N(1) } })),
      `${invalid}Type mismatch for key id expected: S actual: N`,
    ],
    [
      "an update of the key",
      () => update("SET id = :v", { ":v": S("b") }),
      `${invalid}Cannot update attribute id. This attribute is part of the key`,
    ],
  ])("tells alone the refusal of %s", async (_what, ask, message) => {
    expect(await errorOf(ask())).toMatchObject({ name, message });
  });

  it("is alone in this: a read tells a name that is not used without a list", async () => {
    const names = { ExpressionAttributeNames: { "#n": "n", "#u": "u" } };
    const read = new GetItemCommand({ TableName, Key: { id: S("a") }, ProjectionExpression: "#n", ...names });

    expect(await errorOf(dynamodb.send(read))).toMatchObject({
      name,
      message: "Value provided in ExpressionAttributeNames unused in expressions: keys: {#u}",
    });
  });

  it("of no item at a key with an empty text is refused like a write", async () => {
    const read = new GetItemCommand({ TableName, Key: { id: S("") } });

    expect(await errorOf(dynamodb.send(read))).toMatchObject({
      name,
      message:
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: id",
    });
  });
});

describe("an item", () => {
  const deep = (levels: number): AttributeValue => (levels === 1 ? S("leaf") : { L: [{ M: { n: deep(levels - 2) } }] });
  const nested = /^Nesting Levels have exceeded supported limits: /;
  const write = (Item: Item) =>
    dynamodb.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: [{ PutRequest: { Item } }] } }));

  it("is 32 levels deep at most, and so is a value", async () => {
    await putWith({ a: { M: { a: deep(31) } } });
    const tooDeep = deep(33);

    expect(await errorOf(putWith({ a: tooDeep }))).toMatchObject({ name, message: expect.stringMatching(nested) });
    expect(await errorOf(write({ id: S("a"), a: tooDeep }))).toMatchObject({
      name,
      message: expect.stringMatching(nested),
    });
    expect(await errorOf(update("SET a = :v", { ":v": tooDeep }))).toMatchObject({
      name,
      message: expect.stringMatching(/^ExpressionAttributeValues contains invalid value: Nesting .* for key :v$/),
    });
  });

  it("has no attribute without a name", async () => {
    expect(await errorOf(putWith({ "": S("x") }))).toMatchObject({ name, message: "Empty attribute name" });
  });
});

describe("an expression that makes no sense", () => {
  const scan = (FilterExpression: string, ExpressionAttributeValues: Item = { ":v": N(1) }) =>
    dynamodb.send(new ScanCommand({ TableName, FilterExpression, ExpressionAttributeValues }));

  it.each([
    ["a = = :v", "=", "= = :v"],
    ["a :v", ":v", "a :v"],
    ["3ame = :v", "3", "3ame"],
    ["a = :v AND", "<EOF>", "AND"],
    ["a = :v, b = :v", ",", ":v, b"],
    ["[object Object]", "[", "[object"],
    ["begins_with a, :v", "a", "begins_with a,"],
    ["a = :v AND __b = :v", "_", "AND __"],
    ["a-b = :v", "-", "a-b"],
    ["#n = {0}", "{", "= {0"],
  ])("is told with the token and what is near it: %s", async (expression, token, near) => {
    expect(await errorOf(scan(expression))).toMatchObject({
      name,
      message: `Invalid FilterExpression: Syntax error; token: "${token}", near: "${near}"`,
    });
  });

  it("is told so of an update, too", async () => {
    expect(await errorOf(update("SET a = :v,", { ":v": N(1) }))).toMatchObject({
      name,
      message: `${listed}Invalid UpdateExpression: Syntax error; token: "<EOF>", near: ","`,
    });
  });

  it("is no longer than 4 KB", async () => {
    const longer = (start: string) => `${start}${"a".repeat(4097 - start.length)}`;
    const size = "Expression size has exceeded the maximum allowed size;";

    expect(await errorOf(scan(longer("a = ")))).toMatchObject({
      name,
      message: `Invalid FilterExpression: ${size} expression size: 4097`,
    });
    expect(await errorOf(update(longer("REMOVE ")))).toMatchObject({
      name,
      message: `${listed}Invalid UpdateExpression: ${size}`,
    });
  });

  it("has at most 300 operators and functions, and 100 operands of IN", async () => {
    const values = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`:${index}`, N(index)] as const));
    const among = (count: number) => scan(`a IN (${Object.keys(values(count)).join(",")})`, values(count));
    const joined = (count: number) => scan(Array.from({ length: count }, () => "a=:v").join(" OR "));

    expect((await among(100)).Count).toBe(0);
    expect((await joined(150)).Count).toBe(0);
    expect(await errorOf(among(101))).toMatchObject({
      name,
      message: "Invalid FilterExpression: The IN operator is provided with too many operands; number of operands: 101",
    });
    expect(await errorOf(joined(151))).toMatchObject({
      name,
      message: "Invalid FilterExpression: The expression contains too many operators; operator count: 301",
    });
  });

  it.each(["<", "<=", ">", ">="])("orders what has no order: %s", async (operator) => {
    const refused = `Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: ${operator}, operand type: BOOL`;

    expect(await errorOf(scan(`a ${operator} :v`, { ":v": { BOOL: true } }))).toMatchObject({ name, message: refused });
    expect(await errorOf(scan(`:v ${operator} a`, { ":v": { BOOL: true } }))).toMatchObject({ name, message: refused });
  });

  // Verified: test_between_function_operands_cannot_be_null.
  it.each<[Item, string]>([
    [{ ":lo": { NULL: true }, ":hi": N(1) }, "NULL"],
    [{ ":lo": N(1), ":hi": { NULL: true } }, "NULL"],
    [{ ":lo": { BOOL: false }, ":hi": { BOOL: true } }, "BOOL"],
  ])("asks for what is between %j", async (values, type) => {
    expect(await errorOf(scan("a = :lo OR a BETWEEN :lo AND :hi", values))).toMatchObject({
      name,
      message: `Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: BETWEEN, operand type: ${type}`,
    });
  });
});

// Verified: test_segment_larger_than_total_segments.
it("a scan's segment is less than their number", async () => {
  const scan = new ScanCommand({ TableName, Segment: 3, TotalSegments: 3 });

  expect(await errorOf(dynamodb.send(scan))).toMatchObject({
    name,
    message: "The Segment parameter is zero-based and must be less than parameter TotalSegments",
  });
});

it.each([0, 1])("segment %i of a scan is one of several", async (Segment) => {
  expect(await errorOf(dynamodb.send(new ScanCommand({ TableName, Segment })))).toMatchObject({
    name,
    message:
      "The TotalSegments parameter is required but was not present in the request when Segment parameter is present",
  });
});

describe("a new table's attributes", () => {
  const definitions = (...names: string[]) => names.map((one) => ({ AttributeName: one, AttributeType: "S" as const }));
  const index = (key: string) => ({
    IndexName: `by-${key}`,
    KeySchema: [{ AttributeName: key, KeyType: "HASH" as const }],
    Projection: { ProjectionType: "ALL" as const },
  });

  it("are all in a key", async () => {
    const unused = create({
      AttributeDefinitions: definitions("id", "user", "at"),
      GlobalSecondaryIndexes: [index("user")],
    });

    expect(await errorOf(unused)).toMatchObject({
      name,
      message: `${invalid}Some AttributeDefinitions are not used. AttributeDefinitions: [at, id, user], keys used: [id, user]`,
    });
  });

  it("are named in their order, where one is missing", async () => {
    const missing = create({ AttributeDefinitions: definitions("id", "at"), GlobalSecondaryIndexes: [index("user")] });

    expect(await errorOf(missing)).toMatchObject({
      name,
      message: `${invalid}Some index key attributes are not defined in AttributeDefinitions. Keys: [user], AttributeDefinitions: [at, id]`,
    });
  });
});
