import { describe, expect, it } from "vitest";
import { compileEventFilter, type FilterPattern, keysBesideBody } from "../../../../localstack/mapping/filter.ts";
import { toSqsRecord } from "../../../../localstack/mapping/record.ts";

const record = (body: unknown, more: object = {}) =>
  toSqsRecord(
    { MessageId: "m", Body: typeof body === "string" ? body : JSON.stringify(body), ...more },
    { queueArn: "arn:aws:sqs:us-east-1:000000000000:q", region: "us-east-1" },
  );
const matches = (pattern: FilterPattern, body: unknown) => compileEventFilter([pattern])(record(body));

describe("A condition on a field of a JSON body", () => {
  it.each([
    ["exact text", ["BBBB"], "BBBB", "AAAA"],
    ["exact number", [7], 7, "7"],
    ["exact boolean", [true], true, "true"],
    ["null", [null], null, 0],
    ["empty text", [""], "", null],
    ["one of several values", ["a", 2], 2, 3],
    ["prefix", [{ prefix: "img/" }], "img/a.png", "doc/img/"],
    ["prefix of a number", [{ prefix: "1" }], "1", 1],
    ["suffix", [{ suffix: ".png" }], "a.png", "png.a"],
    ["equals-ignore-case", [{ "equals-ignore-case": "Ab" }], "aB", "abc"],
    ["anything-but one value", [{ "anything-but": "x" }], "y", "x"],
    ["anything-but several values", [{ "anything-but": [1, "x"] }], 2, 1],
    ["anything-but a prefix", [{ "anything-but": { prefix: "tmp-" } }], "a", "tmp-a"],
    ["numeric equal", [{ numeric: ["=", 1.5] }], 1.5, 1],
    ["numeric greater", [{ numeric: [">", 9999] }], 10_000, 9999],
    ["numeric range", [{ numeric: [">", 0, "<=", 5] }], 5, 0],
    ["numeric of a text", [{ numeric: ["=", 5] }], 5, "5"],
    ["a list in the body", ["b"], ["a", "b"], ["a"]],
    ["exists on an object, which is no leaf", [{ exists: true }], 0, { a: 1 }],
  ])("%s", (_condition, conditions, match, other) => {
    const pattern = { body: { field: conditions } };

    expect(matches(pattern, { field: match })).toBe(true);
    expect(matches(pattern, { field: other })).toBe(false);
  });

  it("'exists' tells a missing field from one that is null", () => {
    expect(matches({ body: { field: [{ exists: true }] } }, { field: null })).toBe(true);
    expect(matches({ body: { field: [{ exists: true }] } }, {})).toBe(false);
    expect(matches({ body: { field: [{ exists: false }] } }, {})).toBe(true);
    expect(matches({ body: { field: [{ exists: false }] } }, { field: 1 })).toBe(false);
  });

  it("'anything-but' does not match a missing field", () => {
    expect(matches({ body: { field: [{ "anything-but": "x" }] } }, {})).toBe(false);
  });

  it("all keys of an object must match, at any depth", () => {
    const pattern = { body: { a: { b: ["x"] }, c: [1] } };

    expect(matches(pattern, { a: { b: "x" }, c: 1 })).toBe(true);
    expect(matches(pattern, { a: { b: "x" }, c: 2 })).toBe(false);
    expect(matches(pattern, { a: "x", c: 1 })).toBe(false);
  });

  it("one branch of '$or' is enough", () => {
    const pattern = { body: { $or: [{ a: [1] }, { b: [2] }] } };

    expect(matches(pattern, { b: 2 })).toBe(true);
    expect(matches(pattern, { a: 2, b: 1 })).toBe(false);
  });
});

describe("The kind of the body and the kind of the pattern", () => {
  it("a list tests a body of plain text", () => {
    expect(matches({ body: [{ prefix: "Result: " }] }, "Result: 7")).toBe(true);
    expect(matches({ body: [{ prefix: "Result: " }] }, "7")).toBe(false);
  });

  it("a plain-text pattern drops a JSON body, and a JSON pattern a plain text", () => {
    expect(matches({ body: [{ prefix: "{" }] }, { a: 1 })).toBe(false);
    expect(matches({ body: { a: [{ exists: false }] } }, "plain text")).toBe(false);
  });

  it("a pattern without a body leaves the body alone", () => {
    const filter = compileEventFilter([{ attributes: { MessageGroupId: ["g1"] } }]);

    expect(filter(record("plain", { Attributes: { MessageGroupId: "g1" } }))).toBe(true);
    expect(filter(record("plain", { Attributes: { MessageGroupId: "g2" } }))).toBe(false);
  });

  it("message attributes are tested in the record's own shape", () => {
    const filter = compileEventFilter([{ messageAttributes: { kind: { stringValue: [{ prefix: "order" }] } } }]);
    const withKind = (StringValue: string) => ({ MessageAttributes: { kind: { DataType: "String", StringValue } } });

    expect(filter(record("x", withKind("order.placed")))).toBe(true);
    expect(filter(record("x", withKind("invoice")))).toBe(false);
  });
});

it("without patterns every record matches, and of several patterns one is enough", () => {
  const either = compileEventFilter([{ body: { a: [1] } }, { body: { a: [2] } }]);

  expect(compileEventFilter([])(record("anything"))).toBe(true);
  expect(either(record({ a: 2 }))).toBe(true);
  expect(either(record({ a: 3 }))).toBe(false);
});

it("what is tested beside the body can be told", () => {
  const patterns = [
    { body: ["x"] },
    { $or: [{ attributes: {} }, { body: ["y"] }] },
    '{"messageAttributes":{},"body":["z"]}',
  ];

  expect(keysBesideBody(patterns)).toEqual(["attributes", "messageAttributes"]);
  expect(keysBesideBody([{ body: { attributes: ["x"] } }])).toEqual([]);
});

it("a pattern may be the JSON text that CloudFormation has", () => {
  expect(matches('{"body":{"a":[1]}}', { a: 1 })).toBe(true);
});

describe("A pattern that cannot be honoured is refused when the mapping is created, by value and place", () => {
  it.each([
    ["an unknown operator", { body: { a: [{ wildcard: "x*" }] } }, `'{"wildcard":"x*"}' at 'pattern.body.a'`],
    ["two operators in one condition", { body: { a: [{ prefix: "x", suffix: "y" }] } }, "a value or one of prefix"],
    ["a value outside a list", { body: { a: "x" } }, "a non-empty list of conditions"],
    ["an empty list", { body: { a: [] } }, "a non-empty list of conditions"],
    ["an empty object", { body: {} }, "at 'pattern.body'"],
    ["a prefix that is no text", { body: { a: [{ prefix: 1 }] } }, "a string for 'prefix'"],
    ["an unknown comparison", { body: { a: [{ numeric: ["!=", 1] }] } }, "'numeric'"],
    ["a comparison without a number", { body: { a: [{ numeric: [">"] }] } }, "'numeric'"],
    ["'exists' with a text", { body: { a: [{ exists: "yes" }] } }, "true or false for 'exists'"],
    ["'anything-but' with nothing", { body: { a: [{ "anything-but": [] }] } }, "'anything-but'"],
    ["a key that no record has", { boddy: { a: [1] } }, "'\"boddy\"' at 'pattern.boddy': expected one of messageId"],
    ["a text that is not JSON", "{body", "a JSON object"],
  ])("%s", (_fault, pattern, message) => {
    expect(() => compileEventFilter([pattern])).toThrow(message);
    expect(() => compileEventFilter([pattern])).toThrow("Invalid filter pattern definition.");
  });

  it("more patterns than AWS ever allows", () => {
    expect(() => compileEventFilter(Array(11).fill({ body: ["x"] }))).toThrow("at most 10 patterns");
  });
});
