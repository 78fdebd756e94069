import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { absent, equal, NEW } from "../../../shared/aws/change.ts";
import { createTable, type Table } from "../../../shared/aws/dynamodb.ts";
import { createLog } from "../../../shared/log.ts";
import { type Proxy as FaultProxy, type Route, startProxy } from "../../faults/proxy.ts";
import { before, play, steps } from "../../helpers/change-histories.ts";
import { type Engine, startEngine } from "../../helpers/engine.ts";

let engine: Engine;
let proxy: FaultProxy;
let table: Table;
/** Operations that have reached the cloud since the last test began. */
let operations: string[] = [];
let route: Route = (call, forward) => forward(call);
const logged: unknown[] = [];

beforeAll(async () => {
  engine = await startEngine();
  proxy = await startProxy(String(process.env.AWS_ENDPOINT_URL), (call, forward) => {
    operations.push(call.operation);
    return route(call, forward);
  });
  process.env.AWS_ENDPOINT_URL = proxy.endpoint;
});
afterAll(async () => {
  await proxy.close();
  await engine.stop();
});

/** A table of its own, whose connection nobody else has used. */
function freshTable(): Table {
  operations = [];
  route = (call, forward) => forward(call);
  logged.length = 0;
  return createTable(
    () => engine.app.config.resultTable,
    createLog({}, (line) => logged.push(JSON.parse(line))),
  );
}

const keysOf = (count: number) => Array.from({ length: count }, () => ({ pk: randomUUID(), sk: "s" }));
const UPDATE = "DynamoDB.UpdateItem";
const STATEMENTS = "DynamoDB.BatchExecuteStatement";

describe("changes of one moment", () => {
  it("end as they do one by one", { timeout: 60_000 }, async () => {
    table = freshTable();
    await fc.assert(
      fc.asyncProperty(before, steps, async (items, changes) => {
        const id = randomUUID();
        const single = await play(table, { pk: `single ${id}`, items, steps: changes, together: false });
        const shared = await play(table, { pk: `shared ${id}`, items, steps: changes, together: true });
        expect(shared).toEqual(single);
      }),
      { numRuns: 60 },
    );
    expect(operations).toContain(STATEMENTS);
    expect(logged).toEqual([]);
  });

  it("share a call, 25 at most", async () => {
    table = freshTable();
    await Promise.all(keysOf(60).map((key) => table.update({ key, set: { a: 1 }, when: NEW })));

    expect(operations).toEqual([STATEMENTS, STATEMENTS, STATEMENTS]);
  });

  it("go as UpdateItem if they are alone, or about members", async () => {
    table = freshTable();
    const [key, other, third] = keysOf(3);
    if (!key || !other || !third) throw new Error("three keys");
    await table.update({ key, set: { a: 1 } });
    await Promise.all([
      table.update({ key, addMembers: { runs: new Set(["x"]) } }),
      table.update({ key: other, set: { a: 1 } }),
    ]);

    expect(operations).toEqual([UPDATE, UPDATE, UPDATE]);
  });

  it("of one item go in different calls", async () => {
    table = freshTable();
    const [key, other] = keysOf(2);
    if (!key || !other) throw new Error("two keys");
    await Promise.all([table.update({ key, set: { n: 0 } }), table.update({ key: other, set: { n: 0 } })]);
    await Promise.all([1, 2, 3].flatMap(() => [key, other].map((one) => table.update({ key: one, add: { n: 1 } }))));

    expect(await table.get(key)).toMatchObject({ n: 3 });
    expect(await table.get(other)).toMatchObject({ n: 3 });
    expect(new Set(operations.slice(1, -2))).toEqual(new Set([STATEMENTS]));
  });

  it("create what is not there, in a second call", async () => {
    table = freshTable();
    const keys = keysOf(3);
    const claim = {
      onCreate: { a: "x" },
      set: { state: "STARTED" },
      add: { fence: 1 },
      returns: "UPDATED_NEW",
    } as const;
    const outcomes = await Promise.all(keys.map((key) => table.update({ key, ...claim, when: absent("state") })));

    expect(outcomes).toEqual(
      keys.map(() => ({ applied: true, attributes: expect.objectContaining({ state: "STARTED", fence: 1 }) })),
    );
    expect(operations).toEqual([STATEMENTS, STATEMENTS]);
    expect(await table.get(keys[0] ?? { pk: "", sk: "" })).toMatchObject({ a: "x", state: "STARTED", fence: 1 });
  });

  it("fail together only if the call does", async () => {
    table = freshTable();
    const keys = keysOf(3);
    route = async (call, forward) => {
      const answer = await forward(call);
      if (call.operation !== STATEMENTS) return answer;
      const body = JSON.parse(answer.body.toString());
      body.Responses[1] = { Error: { Code: "ThrottlingError", Message: "not now" } };
      return { ...answer, headers: {}, body: Buffer.from(JSON.stringify(body)) };
    };
    await Promise.all(keys.map((key) => table.update({ key, set: { a: 1 } })));

    // None was there: the second step creates them, and the one that got no answer goes alone.
    expect(operations.filter((one) => one === UPDATE)).not.toEqual([]);
    for (const key of keys) expect(await table.get(key)).toMatchObject({ a: 1 });

    route = async () => "cut";
    const failed = await Promise.allSettled(keys.map((key) => table.update({ key, set: { a: 2 } })));
    expect(failed.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  });

  it.each([
    ["knows no statements", "com.amazon.coral.service#UnknownOperationException"],
    ["allows none", "com.amazon.coral.service#AccessDeniedException"],
  ])("go alone on a cloud that %s, which is told once", async (_, type) => {
    table = freshTable();
    route = async (call, forward) =>
      call.operation === STATEMENTS
        ? { status: 400, headers: {}, body: Buffer.from(JSON.stringify({ __type: type, message: "No." })) }
        : forward(call);
    const keys = keysOf(2);
    for (const a of [1, 2]) await Promise.all(keys.map((key) => table.update({ key, set: { a } })));

    expect(operations).toEqual([STATEMENTS, UPDATE, UPDATE, UPDATE, UPDATE]);
    expect(logged).toHaveLength(1);
    for (const key of keys) expect(await table.get(key)).toMatchObject({ a: 2 });
  });

  it("go alone on a cloud that breaks on a statement, and are not made again where they were made", async () => {
    table = freshTable();
    const [old, ...fresh] = keysOf(4);
    if (old) await table.update({ key: old, set: { a: 0 } });
    // As moto answers an INSERT with parameters.
    route = async (call, forward) =>
      call.operation === STATEMENTS && call.body.includes("INSERT")
        ? { status: 500, headers: { "content-type": "text/html" }, body: Buffer.from("<!doctype html><h1>500</h1>") }
        : forward(call);
    const keys = old ? [old, ...fresh] : fresh;
    await Promise.all(keys.map((key) => table.update({ key, add: { count: 1 } })));

    expect(logged).toHaveLength(1);
    for (const key of keys) expect(await table.get(key)).toMatchObject({ count: 1 });
  });

  it("go alone where a role lacks the right, which each statement says", async () => {
    table = freshTable();
    route = async (call, forward) => {
      if (call.operation !== STATEMENTS) return forward(call);
      const Responses = [1, 2].map(() => ({ Error: { Code: "AccessDenied", Message: "No." } }));
      return { status: 200, headers: {}, body: Buffer.from(JSON.stringify({ Responses })) };
    };
    const keys = keysOf(2);
    await Promise.all(keys.map((key) => table.update({ key, set: { a: 1 } })));
    await Promise.all(keys.map((key) => table.update({ key, set: { a: 2 }, when: equal("a", 1) })));

    expect(operations).toEqual([STATEMENTS, UPDATE, UPDATE, UPDATE, UPDATE]);
    expect(logged).toHaveLength(1);
  });
});
