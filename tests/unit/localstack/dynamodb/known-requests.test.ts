import { describe, expect, it } from "vitest";
import { type Engine, openEngine } from "../../../../localstack/dynamodb/engine.ts";
import { KnownRequests } from "../../../../localstack/dynamodb/known-requests.ts";
import type { JsonObject } from "../../../../localstack/json.ts";

const N = (number: number | string) => ({ N: `${number}` });
const S = (text: string) => ({ S: text });

async function open(): Promise<Engine> {
  const engine = await openEngine(undefined);
  await engine.execute("CreateTable", {
    TableName: "things",
    BillingMode: "PAY_PER_REQUEST",
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    AttributeDefinitions: ["id", "color"].map((name) => ({ AttributeName: name, AttributeType: "S" })),
    GlobalSecondaryIndexes: [
      {
        IndexName: "by-color",
        KeySchema: [{ AttributeName: "color", KeyType: "HASH" }],
        Projection: { ProjectionType: "ALL" },
      },
    ],
  });
  for (const id of ["known", "asked"]) {
    const Item = { id: S(id), n: N(5), s: S("text"), list: { L: [N(1)] }, tags: { SS: ["a", "b"] } };
    await expect.poll(() => engine.execute("PutItem", { TableName: "things", Item })).toEqual({});
  }
  return engine;
}

async function outcome(engine: Engine, operation: string, request: JsonObject): Promise<unknown> {
  // Actions change the requests that they get.
  const own = structuredClone(request);
  try {
    const answer = await engine.execute(operation, own);
    return { answer, item: await engine.execute("GetItem", { TableName: "things", Key: { id: S("asked") } }) };
  } catch (error) {
    return error;
  }
}

const update = (expression: string, id: string, value: unknown, more: JsonObject = {}): JsonObject => ({
  TableName: "things",
  Key: { id: S(id) },
  UpdateExpression: expression,
  ExpressionAttributeValues: { ":v": value },
  ReturnValues: "ALL_NEW",
  ...more,
});

const set = (id: string, value: unknown): JsonObject =>
  update("SET #v = :v", id, value, { ExpressionAttributeNames: { "#v": "v" } });
const add = (id: string, value: unknown): JsonObject => update("ADD n :v", id, value);
const color = (id: string, value: unknown): JsonObject => update("SET color = :v", id, value);
const put = (id: string, value: unknown): JsonObject => ({ TableName: "things", Item: { id: S(id), v: value } });
const range = (id: string, value: unknown): JsonObject => ({
  ...update("SET m = :v", id, value, { ConditionExpression: "n BETWEEN :v AND :high" }),
  ExpressionAttributeValues: { ":v": value, ":high": N(6) },
});
const typed = (id: string, value: unknown): JsonObject =>
  update("SET m = :v", id, value, { ConditionExpression: "attribute_type(s, :v)" });
const conditional = (id: string, value: unknown): JsonObject =>
  update("REMOVE s", id, value, { ConditionExpression: "n = :v", ReturnValuesOnConditionCheckFailure: "ALL_OLD" });

const nested = Array.from({ length: 40 }).reduce<JsonObject>((value) => ({ L: [value] }), S("deep"));

describe("a request of a form that is known", () => {
  it.each<[string, string, (id: string, value: unknown) => JsonObject, unknown, unknown]>([
    ["with another number", "UpdateItem", set, N(1), N("-17.25")],
    ["with a number in a long form", "UpdateItem", set, N(1), N("1.500")],
    ["with a number that is none", "UpdateItem", set, N(1), N("one")],
    ["with a number that is too long", "UpdateItem", set, N(1), N("1".repeat(39))],
    ["with a number that is too large", "UpdateItem", set, N(1), N("1e126")],
    ["with minus zero", "UpdateItem", set, N(1), N("-0")],
    ["with an empty number", "PutItem", put, N(1), N("")],
    ["with a value of another type", "UpdateItem", add, N(1), S("1")],
    ["with a null that is none", "PutItem", put, { NULL: true }, { NULL: false }],
    ["with a value of two types", "PutItem", put, S("a"), { S: "a", N: "1" }],
    ["with a value of no type", "PutItem", put, S("a"), {}],
    ["with an empty set", "PutItem", put, { SS: ["a"] }, { SS: [] }],
    ["with a set that has a member twice", "PutItem", put, { SS: ["a"] }, { SS: ["b", "b"] }],
    ["with a value that is too deep", "PutItem", put, { L: [] }, nested],
    ["with an item that is too large", "PutItem", put, S("a"), S("x".repeat(410_000))],
    ["with a key that is empty", "PutItem", (id, _) => put(id === "known" ? "known" : "", S("a")), "", ""],
    [
      "with a key that is too long",
      "PutItem",
      (id, _) => put(id === "known" ? "known" : "x".repeat(2049), S("a")),
      "",
      "",
    ],
    ["with an empty text in the key of an index", "UpdateItem", color, S("red"), S("")],
    ["with a text in the key of an index", "UpdateItem", color, S("red"), S("blue")],
    ["with a range that ends before it begins", "UpdateItem", range, N(1), N(7)],
    ["with a range that holds", "UpdateItem", range, N(1), N(5)],
    ["with a type that is none", "UpdateItem", typed, S("S"), S("text")],
    ["with a type that differs", "UpdateItem", typed, S("S"), S("N")],
    ["whose condition fails", "UpdateItem", conditional, N(5), N(6)],
    ["whose condition holds", "UpdateItem", conditional, N(6), N(5)],
  ])("%s has the outcome that it has alone", async (_what, operation, request, known, asked) => {
    const [alone, knowing] = await Promise.all([open(), open()]);
    for (let time = 0; time < 2; time += 1) await outcome(knowing, operation, request("known", known));

    const expected = await outcome(alone, operation, request("asked", asked));
    expect(await outcome(knowing, operation, request("asked", asked))).toEqual(expected);
    expect(await outcome(knowing, operation, request("asked", asked))).toEqual(
      await outcome(alone, operation, request("asked", asked)),
    );
    await Promise.all([alone.close(), knowing.close()]);
  });
});

describe("known requests", () => {
  const admitting = () => {
    const known = new KnownRequests(() => false);
    let checks = 0;
    const admit = (request: JsonObject, origin?: string, operation = "UpdateItem") =>
      known.admit(
        request,
        (asked) => {
          checks += 1;
          return { ...asked, checked: true };
        },
        { operation, origin },
      );
    return { admit, checks: () => checks };
  };

  it("are checked once, and get their own values", () => {
    const { admit, checks } = admitting();
    const key = (id: string) => ({ TableName: "things", Key: { id: S(id) } });

    const made = ["a", "b", "c"].map((id) => admit(key(id)));

    expect(made).toEqual(["a", "b", "c"].map((id) => ({ ...key(id), checked: true })));
    expect(checks()).toBe(1);
  });

  it("are checked again for another text, name, type, member or operation", () => {
    const { admit, checks } = admitting();
    const request = { TableName: "things", Key: { id: S("a") }, UpdateExpression: "REMOVE a" };

    admit(request);
    admit({ ...request, UpdateExpression: "REMOVE b" });
    admit({ ...request, TableName: "others" });
    admit({ ...request, Key: { at: S("a") } });
    admit({ ...request, Key: { id: N(1) } });
    admit({ ...request, ReturnValues: "ALL_NEW" });
    admit({ ...request, ExpressionAttributeNames: { "#a": "a" } });
    admit(request, undefined, "DeleteItem");
    expect(checks()).toBe(8);
    admit(request);

    expect(checks()).toBe(8);
  });

  it("of one origin are told by the types of their values alone", () => {
    const { admit, checks } = admitting();
    const key = (value: JsonObject) => ({ TableName: "things", Key: { id: value } });

    admit(key(S("a")), "one");
    admit(key(S("b")), "one");
    admit(key(N(1)), "one");
    admit(key(S("a")), "other");

    expect(checks()).toBe(3);
  });

  it("are changed by nobody but who made them", () => {
    const { admit } = admitting();
    const request = () => ({ TableName: "things", Key: { id: S("a") }, AttributeUpdates: undefined });
    Object.assign(admit(request()), { TableName: "spoilt", Key: {} });

    expect(admit(request())).toMatchObject({ TableName: "things", Key: { id: S("a") } });
  });
});
