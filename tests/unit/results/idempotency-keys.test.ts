import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../../shared/message/json.ts";
import type { Message } from "../../../shared/message/message.ts";
import { sortedHash } from "../../../shared/results/content.ts";
import { createReservations } from "../../../shared/results/idempotency-keys.ts";
import { reservationKey } from "../../../shared/table/keys.ts";
import { createMemoryTable } from "../../../shared/testing/table.ts";

const parse = (text: string): Json => JSON.parse(text);
const isSame = (one: string, other: string): boolean => sortedHash(parse(one)) === sortedHash(parse(other));

/** The same value with the fields of its objects in another order. */
function turned(value: Json): Json {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, one]) => [name, turned(one)] as const)
      .reverse(),
  );
}

describe("the hash of a payload", () => {
  it.each([
    ['{"a":1,"b":2}', '{"b":2,"a":1}'],
    ['{"a":{"x":1,"y":[{"m":1,"n":2}]}}', '{"a":{"y":[{"n":2,"m":1}],"x":1}}'],
    ['{"a":1.0,"b":1e2}', '{"b":100,"a":1}'],
    ['{"__proto__":1,"a":2}', '{"a":2,"__proto__":1}'],
    ['{"2":1,"1":2,"z":3}', '{"z":3,"1":2,"2":1}'],
  ])("is that of %s and of %s", (one, other) => {
    expect(isSame(one, other)).toBe(true);
  });

  it.each([
    ["[1,2]", "[2,1]"],
    ["[1,[2]]", "[[1],2]"],
    ["[12]", "[1,2]"],
    ["{}", "[]"],
    ["{}", "null"],
    ['{"a":null}', "{}"],
    ['{"a":1}', '{"a":"1"}'],
    ['{"a":"b\\",\\"c"}', '{"a":"b","c":""}'],
    ['{"__proto__":1}', "{}"],
    ['"\\ud800"', '"\\udfff"'],
    ['"é"', '"e\u0301"'],
  ])("tells %s from %s", (one, other) => {
    expect(isSame(one, other)).toBe(false);
  });

  it("is that of the same fields in any order, and of nothing else", () => {
    const json = fc.json().map(parse);
    fc.assert(fc.property(json, (value) => void expect(sortedHash(turned(value))).toBe(sortedHash(value))));
    fc.assert(
      fc.property(json, json, (one, other) => {
        if (sortedHash(one) === sortedHash(other)) expect(one).toEqual(other);
      }),
    );
  });

  it("stays as it is: reservations that an older version made are compared with it", () => {
    const long = "x".repeat(70_000);
    const text = `{"a":"x","b":[1,{},],"c":"${long}","d":[null,],}`;

    expect(sortedHash({ d: [null], c: long, b: [1, {}], a: "x" })).toBe(
      createHash("sha256").update(text).digest("base64"),
    );
  });

  it("bears any depth, and texts longer than a piece", () => {
    const deep = "[".repeat(200_000) + "]".repeat(200_000);
    const long = "x".repeat(200_000);

    expect(isSame(deep, deep)).toBe(true);
    expect(isSame(JSON.stringify([long, { b: long, a: 1 }]), JSON.stringify([long, { a: 1, b: long }]))).toBe(true);
    expect(isSame(JSON.stringify([long, "a"]), JSON.stringify([long, "b"]))).toBe(false);
  });
});

const ONE = "00000000-0000-7000-8000-000000000001";
const TWO = "00000000-0000-7000-8000-000000000002";
const THREE = "00000000-0000-7000-8000-000000000003";
const OLDER = "00000000-0000-7000-8000-000000000004";

const sent = (id: string, payload: Json): Message => ({
  v: 1,
  id,
  rootId: id,
  task: "add",
  attempt: 1,
  payload,
  queue: "default",
  sentAt: "2026-01-01T00:00:00.000Z",
});

describe("a reservation", () => {
  const ground = () => {
    const table = createMemoryTable();
    const clock = { now: new Date(10_500) };
    const reservations = createReservations({ table, clock: () => clock.now });
    const reserve = (id: string, payload: Json, kind: "idempotency" | "throttle" = "idempotency") =>
      reservations.reserve(sent(id, payload), JSON.stringify(payload), { kind, key: "k", lifetimeSeconds: 60.5 });
    return { table, clock, reserve };
  };

  it("is the first call's until it ends, to the second", async () => {
    const { reserve, clock } = ground();
    expect(await reserve(ONE, {})).toEqual({ first: true });
    clock.now = new Date(70_999);
    expect(await reserve(TWO, {})).toMatchObject({ first: false, id: ONE });
    clock.now = new Date(71_000);
    expect(await reserve(TWO, {})).toEqual({ first: true });
    expect(await reserve(THREE, {})).toMatchObject({ first: false, id: TWO });
  });

  it("under an idempotency key keeps the message without its payload, and knows whether that is the same", async () => {
    const { reserve } = ground();
    await reserve(ONE, { a: 1, b: 2 });

    expect(await reserve(TWO, { b: 2, a: 1 })).toEqual({
      first: false,
      id: ONE,
      message: sent(ONE, null),
      samePayload: true,
    });
    expect(await reserve(TWO, { a: 1 })).toMatchObject({ samePayload: false });
  });

  it("that throttles keeps the whole message, and asks for no payload", async () => {
    const { reserve } = ground();
    await reserve(ONE, { a: 1 }, "throttle");

    expect(await reserve(TWO, { a: 2 }, "throttle")).toEqual({
      first: false,
      id: ONE,
      message: sent(ONE, { a: 1 }),
      samePayload: true,
    });
  });

  it("of an older version says no more than it knows: the hash of the text, and no message, or that of the task before", async () => {
    const { reserve, table } = ground();
    const key = reservationKey("idempotency", "add", "k");
    await reserve(ONE, { a: 1 });
    await table.update({ key, set: { id: OLDER }, remove: ["sortedHash"] });
    expect(await reserve(TWO, { a: 1 })).toEqual({ first: false, id: OLDER, message: undefined, samePayload: true });
    expect(await reserve(TWO, { a: 2 })).toMatchObject({ samePayload: false });
    await table.update({ key, remove: ["message"] });

    expect(await reserve(TWO, { a: 1 })).toMatchObject({ id: OLDER, message: undefined });
  });
});
