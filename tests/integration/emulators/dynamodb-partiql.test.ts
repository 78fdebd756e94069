import {
  type AttributeValue,
  BatchExecuteStatementCommand,
  type BatchExecuteStatementCommandInput,
  type BatchStatementRequest,
  CreateTableCommand,
  type DynamoDBClient,
  ExecuteStatementCommand,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cloud, errorOf, openCloud, uniqueName } from "./cloud.ts";

let cloud: Cloud;
let dynamodb: DynamoDBClient;
let table: string;

beforeAll(async () => {
  cloud = await openCloud();
  dynamodb = cloud.dynamodb;
  table = uniqueName();
  await dynamodb.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      AttributeDefinitions: [
        { AttributeName: "pk", AttributeType: "S" },
        { AttributeName: "sk", AttributeType: "S" },
      ],
    }),
  );
});

afterAll(() => cloud.gateway.close());

const S = (text: string): AttributeValue => ({ S: text });
const N = (number: number): AttributeValue => ({ N: `${number}` });
const showOld = { ReturnValuesOnConditionCheckFailure: "ALL_OLD" } as const;

/** Puts an item of its own, and answers its key. */
async function seed(attributes: Record<string, AttributeValue> = {}) {
  const key = { pk: S(uniqueName()), sk: S("1") };
  await dynamodb.send(new PutItemCommand({ TableName: table, Item: { ...key, ...attributes } }));
  return key;
}

type Key = Awaited<ReturnType<typeof seed>>;

async function itemAt(Key: Key) {
  const { Item } = await dynamodb.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
  return Item;
}

function batch(Statements: BatchStatementRequest[], more: Partial<BatchExecuteStatementCommandInput> = {}) {
  return dynamodb.send(new BatchExecuteStatementCommand({ Statements, ...more }));
}

/** The answer to one statement alone, whose last two parameters are the key. */
async function update(text: string, key: Key, ...parameters: AttributeValue[]) {
  const Statement = `UPDATE "${table}" ${text}`;
  const { Responses } = await batch([{ Statement, Parameters: [...parameters, key.pk, key.sk], ...showOld }]);
  return Responses?.[0];
}

const WHERE = `WHERE "pk"=? AND "sk"=?`;

describe("INSERT", () => {
  it("writes an item, and tells of one that is there already", async () => {
    const key = { pk: S(uniqueName()), sk: S("1") };
    const Statement = `INSERT INTO "${table}" VALUE {'pk':?, 'sk':?, 'state':?, 'list':[1, 'two', TRUE, NULL], 'set':<<1, 2>>}`;
    const request = { Statement, Parameters: [key.pk, key.sk, S("PENDING")], ...showOld };

    const first = await batch([request]);
    const second = await batch([{ ...request, Parameters: [key.pk, key.sk, S("OTHER")] }]);

    expect(first.Responses).toEqual([{ TableName: table }]);
    expect(second.Responses).toEqual([
      { TableName: table, Error: { Code: "DuplicateItem", Message: "Duplicate primary key exists in table" } },
    ]);
    expect(await itemAt(key)).toEqual({
      ...key,
      state: S("PENDING"),
      set: { NS: ["1", "2"] },
      list: { L: [N(1), S("two"), { BOOL: true }, { NULL: true }] },
    });
  });
});

describe("UPDATE", () => {
  it("changes the item and answers with it", async () => {
    const key = await seed({ fence: N(1), progress: S("half"), state: S("PENDING") });
    const text = `SET "state"=? SET "fence"="fence"+1 REMOVE "progress" REMOVE "absent" WHERE "state" IN ['PENDING', ?] AND "pk"=? AND "sk"=? RETURNING ALL NEW *`;

    const answer = await update(text, key, S("STARTED"), S("RETRY"));

    const item = { ...key, fence: N(2), state: S("STARTED") };
    expect(answer).toEqual({ TableName: table, Item: item });
    expect(await itemAt(key)).toEqual(item);
  });

  it.each([
    ["ALL OLD", { a: N(1), b: N(2) }, true],
    ["ALL NEW", { a: N(7), b: N(2) }, true],
    ["MODIFIED OLD", { a: N(1) }, false],
    ["MODIFIED NEW", { a: N(7) }, false],
  ])("answers RETURNING %s", async (returning, attributes, withKey) => {
    const key = await seed({ a: N(1), b: N(2) });

    const answer = await update(`SET a=7 ${WHERE} RETURNING ${returning} *`, key);

    expect(answer?.Item).toEqual({ ...attributes, ...(withKey && key) });
  });

  it("whose condition fails shows the item, if asked, and changes nothing", async () => {
    const item = { state: S("SUCCESS"), fence: N(3) };
    const key = await seed(item);
    const Statement = `UPDATE "${table}" SET "state"='STARTED' ${WHERE} AND ("state" IS MISSING OR "fence" < 3)`;
    const request = { Statement, Parameters: [key.pk, key.sk] };

    const asked = await batch([{ ...request, ...showOld }]);
    const unasked = await batch([request]);

    const error = { Code: "ConditionalCheckFailed", Message: "The conditional request failed" };
    expect(asked.Responses).toEqual([{ TableName: table, Error: { ...error, Item: { ...key, ...item } } }]);
    expect(unasked.Responses).toEqual([{ TableName: table, Error: error }]);
    expect(await itemAt(key)).toEqual({ ...key, ...item });
  });

  it("makes no item that is not there", async () => {
    const key = { pk: S(uniqueName()), sk: S("1") };

    const answer = await update(`SET a=1 ${WHERE}`, key);

    expect(answer).toEqual({
      TableName: table,
      Error: { Code: "ConditionalCheckFailed", Message: "The conditional request failed" },
    });
    expect(await itemAt(key)).toBeUndefined();
  });

  it("reaches into maps, lists and sets", async () => {
    const key = await seed({ m: { M: { "a b": N(1) } }, l: { L: [N(1), N(2)] }, s: { SS: ["a", "b"] } });
    const sets = `SET m."a b"=2, m['new']=l[1] SET l=list_append(l, ?) SET s=set_add(s, <<'c'>>) SET t=set_add(t, ?) SET u=if_not_exists(u, 5)`;

    const answer = await update(`${sets} ${WHERE}`, key, { L: [N(3)] }, { NS: ["1"] });
    await update(`SET s=set_delete(s, <<'a', 'z'>>) REMOVE l[0] ${WHERE}`, key);

    expect(answer).toEqual({ TableName: table });
    expect(await itemAt(key)).toEqual({
      ...key,
      m: { M: { "a b": N(2), new: N(2) } },
      l: { L: [N(2), N(3)] },
      s: { SS: ["b", "c"] },
      t: { NS: ["1"] },
      u: N(5),
    });
  });

  it.each([
    [`a='x' AND n=5`, true],
    [`'x'=a AND n<>4 AND n!=4`, true],
    [`(a='y' OR n BETWEEN 1 AND 5) AND NOT (a='z' OR n>5)`, true],
    [`NOT NOT ((a='x'))`, true],
    [`n NOT BETWEEN 1 AND 4 AND a NOT IN ['y', 'z']`, true],
    [`n>=5 AND n<=5 AND NOT n<5`, true],
    [`zz IS MISSING AND a IS NOT MISSING AND m.zz.deep IS MISSING`, true],
    [`nul IS NULL AND a IS NOT NULL`, true],
    [`begins_with("a", 'x') AND contains(s, 'b') AND attribute_type(n, 'N') AND size(l)=2`, true],
    [`m.q[0]=7 AND l[1]=2 AND a > 'w' -- a comment`, true],
    [`zz IS NULL`, false],
    [`zz<1`, false],
    [`contains(s, 'z')`, false],
    [`a="n"`, false],
    [`n IN [4, 6]`, false],
  ])("holds to WHERE %s: %s", async (condition, holds) => {
    const key = await seed({
      a: S("x"),
      n: N(5),
      l: { L: [N(1), N(2)] },
      m: { M: { q: { L: [N(7)] } } },
      s: { SS: ["a", "b"] },
      nul: { NULL: true },
    });

    const answer = await update(`SET done=1 WHERE pk=? AND sk=? AND ${condition}`, key);

    expect(answer?.Error?.Code).toBe(holds ? undefined : "ConditionalCheckFailed");
  });

  it("of many at once with one condition is done once", async () => {
    const key = await seed();
    const claims = Array.from({ length: 30 }, (_, n) =>
      update(`SET winner=? ${WHERE} AND winner IS MISSING RETURNING ALL NEW *`, key, N(n)),
    );

    const answers = await Promise.all(claims);

    const winners = answers.filter((answer) => answer?.Error === undefined);
    expect(winners).toHaveLength(1);
    for (const answer of answers) {
      expect(answer?.Item ?? answer?.Error?.Item).toEqual(winners[0]?.Item);
    }
  });
});

describe("DELETE and SELECT", () => {
  it("delete an item if it is there and fits", async () => {
    const key = await seed({ a: N(1) });
    const remove = async (more: string) => {
      const Statement = `DELETE FROM "${table}" ${WHERE} ${more}`;
      const { Responses } = await batch([{ Statement, Parameters: [key.pk, key.sk], ...showOld }]);
      return Responses?.[0];
    };

    const unfit = await remove("AND (a=2 OR b=3)");
    const fit = await remove("AND a=1 RETURNING ALL OLD *");
    const gone = await remove("AND a=1 RETURNING ALL OLD *");

    expect(unfit?.Error).toMatchObject({ Code: "ConditionalCheckFailed", Item: { ...key, a: N(1) } });
    expect(fit).toEqual({ TableName: table, Item: { ...key, a: N(1) } });
    expect(gone).toEqual({ TableName: table });
  });

  it("read whole items or parts, and nothing where nothing is", async () => {
    const key = await seed({ a: N(1), m: { M: { b: N(2), c: N(3) } } });
    const select = (what: string, { pk, sk }: Key) => ({
      Statement: `SELECT ${what} FROM "${table}" ${WHERE}`,
      Parameters: [pk, sk],
      ConsistentRead: true,
      ...showOld,
    });

    const { Responses } = await batch([
      select("*", key),
      select("a, m.b", { ...key, sk: S("2") }),
      select("zz", await seed()),
      select("m.b, a", await seed({ a: N(1), m: { M: { b: N(2), c: N(3) } } })),
    ]);

    expect(Responses).toEqual([
      { TableName: table, Item: { ...key, a: N(1), m: { M: { b: N(2), c: N(3) } } } },
      { TableName: table },
      { TableName: table, Item: {} },
      { TableName: table, Item: { a: N(1), m: { M: { b: N(2) } } } },
    ]);
  });
});

describe("a batch", () => {
  it("does what can be done, and tells of each of the others", async () => {
    const [good, bad] = [await seed(), await seed()];
    const set = (key: Key, text = `SET a=1 ${WHERE}`) => ({
      Statement: `UPDATE "${table}" ${text}`,
      Parameters: [key.pk, key.sk],
    });

    const { Responses = [] } = await batch([
      set(good),
      set(bad, `SET "a"="nope"+1 ${WHERE}`),
      { Statement: `UPDATE "${uniqueName()}" SET a=1 ${WHERE}`, Parameters: [good.pk, good.sk] },
      { Statement: "nonsense" },
    ]);

    expect(Responses.map(({ Error: error }) => error?.Code)).toEqual([
      ...[undefined, "ValidationError", "ResourceNotFound", "ValidationError"],
    ]);
    expect(await itemAt(good)).toEqual({ ...good, a: N(1) });
  });

  it("is refused as a whole if it names an item twice, or reads and writes, or is too large", async () => {
    const key = await seed();
    const Parameters = [key.pk, key.sk];
    const set = { Statement: `UPDATE "${table}" SET a=1 ${WHERE}`, Parameters };
    const remove = { Statement: `DELETE FROM "${table}" ${WHERE}`, Parameters };
    const other = await seed();
    const select = { Statement: `SELECT * FROM "${table}" ${WHERE}`, Parameters: [other.pk, other.sk] };

    const twice = await errorOf(batch([set, remove]));
    const mixed = await errorOf(batch([set, select]));
    const many = await errorOf(batch(Array.from({ length: 26 }, () => set)));
    const none = await errorOf(batch([]));
    const value = await errorOf(batch([{ ...set, Parameters: [{ N: "x" }, key.sk] }]));

    const name = "ValidationException";
    expect(twice).toMatchObject({ name, message: "Provided list of item keys contains duplicates" });
    expect(mixed).toMatchObject({
      name,
      message: "Read and write requests together in the same batch is not supported.",
    });
    expect(many).toMatchObject({ name, message: expect.stringContaining("less than or equal to 25") });
    expect(none).toMatchObject({ name, message: expect.stringContaining("greater than or equal to 1") });
    expect(value).toMatchObject({ name });
    expect(await itemAt(key)).toEqual(key);
  });

  it("consumes what UpdateItem would, statement by statement", async () => {
    const keys = [await seed({ a: S("x".repeat(3000)) }), await seed()];
    const updated = await Promise.all(
      keys.map((Key) =>
        dynamodb.send(
          new UpdateItemCommand({
            TableName: table,
            Key,
            UpdateExpression: "SET b = :b",
            ExpressionAttributeValues: { ":b": N(1) },
            ReturnConsumedCapacity: "TOTAL",
          }),
        ),
      ),
    );
    const Statement = `UPDATE "${table}" SET b=1 ${WHERE}`;

    const { ConsumedCapacity } = await batch(
      keys.map(({ pk, sk }) => ({ Statement, Parameters: [pk, sk] })),
      { ReturnConsumedCapacity: "TOTAL" },
    );

    expect(ConsumedCapacity).toEqual(updated.map((answer) => answer.ConsumedCapacity));
    expect(ConsumedCapacity?.map(({ CapacityUnits }) => CapacityUnits)).toEqual([3, 1]);
  });
});

describe("a statement that is not emulated, or wrong", () => {
  it.each([
    [`SELECT * FROM "T"`, "Only single item select is supported"],
    [`SELECT * FROM "T" WHERE pk='a' AND sk='b' AND c='d'`, "Only single item select is supported"],
    [`SELECT * FROM "T"."index" WHERE pk='a' AND sk='b'`, "This operation is not supported on an index"],
    [`SELECT * FROM "T" WHERE pk='a' AND sk='b' ORDER BY sk`, "found 'ORDER'"],
    [`UPDATE "T" SET a=1 WHERE pk='a'`, "Where clause does not contain a mandatory equality on all key attributes"],
    [`UPDATE "T" SET a=1 WHERE pk='a' AND sk='b' OR a=1`, "mandatory equality on all key attributes"],
    [`UPDATE "T" SET a=1 WHERE pk='a' AND sk='b' AND sk='c'`, "Multiple conditions on same key sk"],
    [`UPDATE "T" SET a=? WHERE pk='a' AND sk='b'`, "Number of parameters in request and statement don't match."],
    [`UPDATE "T" SET pk='x' WHERE pk='a' AND sk='b'`, "Cannot update attribute pk. This attribute is part of the key"],
    [`UPDATE "T" SET a=1 SET a=2 WHERE pk='a' AND sk='b'`, "Two document paths overlap with each other"],
    [`UPDATE "T" SET a=[?] WHERE pk='a' AND sk='b'`, "Unsupported data type: Parameter"],
    [`UPDATE "T" SET value=1 WHERE pk='a' AND sk='b'`, "a reserved word needs double quotes"],
    [`UPDATE "T" SET a=b+1+1 WHERE pk='a' AND sk='b'`, "more than two operands is not emulated"],
    [`UPDATE "T" SET a=set_add(b, <<1>>) WHERE pk='a' AND sk='b'`, "SET_ADD must equal the assignment value"],
    [`UPDATE "T" SET a=set_add(a, 1) WHERE pk='a' AND sk='b'`, "SET_ADD must be a value with type SET"],
    [`UPDATE "T" SET a=foo(1) WHERE pk='a' AND sk='b'`, "Unrecognized function: foo"],
    [`UPDATE "T" SET a=1 WHERE pk='a' AND sk='b' AND a+1=2`, "Unsupported operator in Condition Expression"],
    [`UPDATE "T" SET a=1 WHERE pk='a' AND sk='b' AND a BETWEEN 2 AND 1`, "requires upper bound to be greater"],
    [`UPDATE "T" SET a=1 WHERE pk='a' AND sk='b' RETURNING NEW *`, "expected ALL or MODIFIED"],
    [`UPDATE "T" SET a=1E400 WHERE pk='a' AND sk='b'`, "Number overflow"],
    [`DELETE FROM "T" WHERE pk='a' AND sk='b' RETURNING ALL NEW *`, "Only RETURNING ALL OLD * is allowed in DELETE"],
    [`INSERT INTO "T" VALUE {'pk':'a'}`, "Missing the key sk in the item"],
    [`INSERT INTO "T" VALUE {'pk':'a','sk':'b','sk':'c'}`, "Duplicate keys in tuple. Key: sk"],
    [`INSERT INTO "T" VALUE {'pk':'a','sk':'b'} RETURNING ALL OLD *`, "RETURNING is not supported in INSERT"],
    [`UPDATE "T" SET a='it WHERE pk='a' AND sk='b'`, "begins nothing that PartiQL knows"],
    [`UPDATE "T" SET a=1 WHERE pk='a' AND sk='b'; DELETE`, "expected the end of the statement"],
    [`DROP TABLE "T"`, "expected INSERT, UPDATE, DELETE or SELECT"],
  ])("is refused: %s", async (text, reason) => {
    const { Responses } = await batch([{ Statement: text.replace('"T"', `"${table}"`) }]);

    expect(Responses?.[0]?.Error?.Code).toBe("ValidationError");
    expect(Responses?.[0]?.Error?.Message).toContain(reason);
  });
});

describe("ExecuteStatement", () => {
  const execute = (text: string, more: object = {}) =>
    dynamodb.send(new ExecuteStatementCommand({ Statement: text.replace(/ T /, ` "${table}" `), ...more }));

  it("does one statement, and fails as DynamoDB's own calls do", async () => {
    const pk = uniqueName();
    const key = `pk='${pk}' AND sk='1'`;

    await execute(`INSERT INTO T VALUE {'pk':'${pk}','sk':'1','a':1}`);
    const again = await errorOf(execute(`INSERT INTO T VALUE {'pk':'${pk}','sk':'1'}`));
    const updated = await execute(`UPDATE T SET a=a+1 WHERE ${key} RETURNING ALL NEW *`);
    const refused = await errorOf(execute(`UPDATE T SET a=9 WHERE ${key} AND a=1`, showOld));
    const read = await execute(`SELECT a FROM T WHERE ${key}`);
    const absent = await execute(`SELECT a FROM T WHERE pk='${pk}' AND sk='2'`);
    const many = await errorOf(execute(`SELECT a FROM T WHERE pk='${pk}'`));

    expect(again).toMatchObject({ name: "DuplicateItemException" });
    expect(updated.Items).toEqual([{ pk: S(pk), sk: S("1"), a: N(2) }]);
    expect(refused).toMatchObject({ name: "ConditionalCheckFailedException", Item: { a: N(2) } });
    expect(read.Items).toEqual([{ a: N(2) }]);
    expect(absent.Items).toEqual([]);
    expect(many).toMatchObject({ name: "ValidationException", message: "Only single item select is supported" });
  });
});
