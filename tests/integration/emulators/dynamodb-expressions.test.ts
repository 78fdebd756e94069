import { QueryCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { describe, expect, it } from "vitest";
import { errorOf, uniqueName } from "./cloud.ts";
import { type Item, itemAt, N, put, S, startDynamoDb } from "./dynamodb-ground.ts";

const { dynamodb, TableName } = await startDynamoDb();

/** Puts an item, changes it, and answers it. */
async function changed(item: Item, UpdateExpression: string, values?: Item): Promise<Item | undefined> {
  const Key = { id: S(uniqueName()) };
  await put(dynamodb, TableName, { ...Key, ...item });
  await dynamodb.send(
    new UpdateItemCommand({ TableName, Key, UpdateExpression, ...(values && { ExpressionAttributeValues: values }) }),
  );
  const { id, ...rest } = (await itemAt(dynamodb, TableName, Key)) ?? {};
  return rest;
}

const list = (...texts: string[]) => ({ L: texts.map(S) });
const tools = list("Chisel", "Hammer", "Nails", "Screwdriver", "Hacksaw");

describe("removals from a list", () => {
  it.each([
    ["REMOVE l[1], l[2]", list("Chisel", "Screwdriver", "Hacksaw")],
    ["REMOVE l[2], l[0], l[4]", list("Hammer", "Screwdriver")],
    ["REMOVE l[1], l[9]", list("Chisel", "Nails", "Screwdriver", "Hacksaw")],
    ["REMOVE l[1] SET l[0] = :v", list("new", "Nails", "Screwdriver", "Hacksaw")],
    ["SET l[8] = :v REMOVE l[0]", list("Hammer", "Nails", "Screwdriver", "Hacksaw", "new")],
  ])("mean the list as it was before: %s", async (expression, expected) => {
    expect(await changed({ l: tools }, expression, expression.includes(":v") ? { ":v": S("new") } : undefined)).toEqual(
      {
        l: expected,
      },
    );
  });

  it("reach into an element beside one that goes", async () => {
    const l = { L: [S("a"), { M: { x: N(1), y: N(2) } }, S("b")] };

    expect(await changed({ l }, "REMOVE l[0], l[1].x")).toEqual({ l: { L: [{ M: { y: N(2) } }, S("b")] } });
  });
});

describe("numbers", () => {
  it("may have a plus", async () => {
    const values = { ":v": N("+1.5"), ":s": { NS: ["+2", "-3"] }, ":m": { M: { N: { L: [N("+4")] } } } };

    const item = await changed({}, "SET a = :v, s = :s, m = :m", values);

    expect(item).toMatchObject({ a: N("1.5"), m: { M: { N: { L: [N(4)] } } } });
    expect(item?.s?.NS?.toSorted()).toEqual(["-3", "2"]);
  });
});

describe("conditions and filters", () => {
  const item = {
    l: { L: [N(1), { M: { a: S("x") } }] },
    m: { M: { b: { SS: ["p", "q"] }, a: N(1) } },
    s: { NS: ["1", "2"] },
    blank: S(""),
    u: S("é😀"),
    b: { B: Buffer.from("bytes") },
  };

  it.each<[string, Item, boolean]>([
    ["l = :v", { ":v": { L: [N(1), { M: { a: S("x") } }] } }, true],
    ["l = :v", { ":v": { L: [{ M: { a: S("x") } }, N(1)] } }, false],
    ["m = :v", { ":v": { M: { a: N("1.0"), b: { SS: ["q", "p"] } } } }, true],
    ["m <> :v", { ":v": { M: { a: N(1), b: { SS: ["q", "p"] } } } }, false],
    ["m IN (:w, :v)", { ":v": { M: { a: N(1), b: { SS: ["q", "p"] } } }, ":w": N(1) }, true],
    ["s = :v", { ":v": { NS: ["2", "1"] } }, true],
    ["contains(l, :v)", { ":v": { M: { a: S("x") } } }, true],
    ["contains(s, :v)", { ":v": N("2.0") }, true],
    ["size(blank) = :v", { ":v": N(0) }, true],
    ["u < :v", { ":v": S("é\uff5e") }, false],
    [
      "contains(b, :v) AND begins_with(b, :w)",
      { ":v": { B: Buffer.from("tes") }, ":w": { B: Buffer.from("by") } },
      true,
    ],
    ["zz = yy", {}, false],
    ["zz <> yy", {}, true],
  ])("hold as on AWS: %s", async (condition, values, holds) => {
    const id = S(uniqueName());
    await put(dynamodb, TableName, { id, ...item });
    const given = Object.keys(values).length > 0 && { ExpressionAttributeValues: values };

    const written = await dynamodb
      .send(new UpdateItemCommand({ TableName, Key: { id }, ConditionExpression: condition, ...given }))
      .then(
        () => true,
        () => false,
      );
    const { Count, ScannedCount } = await dynamodb.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: "id = :id",
        FilterExpression: condition,
        ExpressionAttributeValues: { ...values, ":id": id },
      }),
    );

    expect(written).toBe(holds);
    expect([Count, ScannedCount]).toEqual([holds ? 1 : 0, 1]);
  });

  it("are told as wrong where they are", async () => {
    const Key = { id: S("x") };
    const wrong = new UpdateItemCommand({ TableName, Key, ConditionExpression: "l = " });

    expect(await errorOf(dynamodb.send(wrong))).toMatchObject({ name: "ValidationException" });
  });
});
