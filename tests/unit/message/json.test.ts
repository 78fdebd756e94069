import { Readable } from "node:stream";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_LEVELS, toJsonText, unfitText } from "../../../shared/message/json.ts";
import { readJson } from "../../../shared/message/json-reader.ts";

/** A list in a list in a list. */
function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

const revoked = Proxy.revocable({}, {});
revoked.revoke();
const cycle: Record<string, unknown> = { a: { b: [1] } };
cycle.a = { b: [1, cycle] };
const doubled = Array.from({ length: 60 }).reduce<unknown>((value) => [value, value], 1);

class Money {
  readonly #cents = 5;
  cents(): number {
    return this.#cents;
  }
}

const throwing = {
  get total(): number {
    throw new Error("no rows");
  },
};

describe("the writer of JSON", () => {
  it.each<[string, unknown, string]>([
    ["NaN", { a: [1, { b: Number.NaN }] }, "at 'a.1.b' it is NaN"],
    ["Infinity", [Number.NEGATIVE_INFINITY], "at '0' it is -Infinity"],
    ["an invalid date", { at: new Date("no") }, "at 'at' it is an invalid Date"],
    ["a BigInt", { n: 1n }, "at 'n' it is a BigInt"],
    ["a symbol", { s: Symbol("s") }, "at 's' it is a symbol"],
    ["a function", () => 1, "it is a function"],
    ["a listed function", [() => 1], "at '0' it is a function"],
    ["a Map", { m: new Map([[1, 2]]) }, "at 'm' it is a Map"],
    [
      "a Map of a class with fields",
      new (class extends Map {
        size2 = 0;
      })(),
      "it is a Map",
    ],
    ["a Map of another realm", runInNewContext("new Map()"), "it is a Map"],
    ["a Set", new Set([1]), "it is a Set"],
    ["a WeakMap", new WeakMap(), "it is a weak reference"],
    ["a promise", { later: Promise.resolve(1) }, "at 'later' it is a promise that was not awaited"],
    [
      "a plain object that is a promise",
      { query: Object.fromEntries(["then", "catch"].map((name) => [name, () => 1])) },
      "at 'query' it is a promise",
    ],
    [
      "a generator",
      {
        rows: (function* () {
          yield 1;
        })(),
      },
      "at 'rows' it is an iterator or generator",
    ],
    ["an iterator", [1].values(), "it is an iterator"],
    [
      "an async generator",
      (async function* () {
        yield 1;
      })(),
      "it is a stream or async generator",
    ],
    ["a stream", { body: Readable.from([]) }, "at 'body' it is a stream"],
    ["a RegExp", /a/, "it is a RegExp"],
    ["an error", { e: new Error("x") }, "at 'e' it is an error"],
    ["an error of another realm", runInNewContext("new Error('x')"), "it is an error"],
    ["a Buffer", { file: Buffer.from("x") }, "at 'file' it holds bytes"],
    ["a typed array", new Float64Array(2), "it holds bytes"],
    ["an ArrayBuffer", new ArrayBuffer(2), "it holds bytes"],
    ["a boxed NaN", Object(Number.NaN), "it is NaN"],
    ["an instance that keeps its fields to itself", { price: new Money() }, "at 'price' it is an instance of 'Money'"],
    ["URLSearchParams", new URLSearchParams("a=1"), "it is an instance of 'URLSearchParams'"],
    ["an object whose fields are inherited", Object.create({ a: 1 }), "of which JSON would see no field"],
    ["an object whose fields have symbols for names", { [Symbol("a")]: 1 }, "of which JSON would see no field"],
    ["a getter that throws", { sum: throwing }, "at 'sum.total' it cannot be read (no rows)"],
    ["a revoked Proxy", { p: revoked.proxy }, "at 'p' it cannot be read"],
    ["a form that is none", { at: { toJSON: () => ({ n: Number.NaN }) } }, "at 'at.n' it is NaN"],
    ["a cycle", cycle, "at 'a.b.1' it is a cycle"],
    ["more levels than there may be", nested(MAX_LEVELS + 1), `it lies deeper than ${MAX_LEVELS} levels`],
    ["far more levels", nested(100_000), `it lies deeper than ${MAX_LEVELS} levels`],
    ["objects that would never end", doubled, "more than 26214400 values in all"],
  ])("refuses %s, and says where", (_, value, expected) => {
    expect(() => toJsonText(value, (unfit) => new Error(unfitText(unfit)))).toThrow(expected);
  });

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["what is left out", { a: undefined, run: () => 1, b: [undefined, 1] }],
    ["dates and other forms", { at: new Date(0), url: new URL("http://a/b"), list: [new Date(1)] }],
    [
      "a form that is the object itself",
      {
        n: 1,
        toJSON() {
          return this;
        },
      },
    ],
    ["boxed values", [Object(5), Object("text"), Object(false)]],
    [
      "an instance with fields",
      new (class {
        a = 1;
        #b = 2;
        c() {
          return this.#b;
        }
      })(),
    ],
    ["an object without a prototype", Object.assign(Object.create(null), { a: 1 })],
    ["a field __proto__, beside a date", Object.assign(JSON.parse('{"__proto__":{"a":1}}'), { at: new Date(0) })],
    ["an object of another realm", runInNewContext("({ a: [1, {}] })")],
    ["holes and lone surrogates", [...new Array(1), Object.assign(new Array(2), { 1: 1 }), "\ud800"]],
    ["as many levels as there may be", nested(MAX_LEVELS)],
  ])("writes %s as JSON.stringify does", (_, value) => {
    expect(toJsonText(value)).toBe(JSON.stringify(value) ?? "null");
  });

  it("asks for a form once", () => {
    let asked = 0;
    expect(toJsonText({ at: { toJSON: (name: string) => `${name} ${++asked}` } })).toBe('{"at":"at 1"}');
  });

  it("lets a service give BigInt a form", () => {
    Object.defineProperty(BigInt.prototype, "toJSON", {
      configurable: true,
      value() {
        return String(this);
      },
    });
    try {
      expect(toJsonText({ n: 5n })).toBe('{"n":"5"}');
    } finally {
      Reflect.deleteProperty(BigInt.prototype, "toJSON");
    }
  });

  it("keeps every JSON value as it is", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(toJsonText(value)).toBe(JSON.stringify(value));
      }),
    );
  });

  it("refuses a value, or keeps what its type promises", () => {
    const anything = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
      withObjectString: true,
    });
    let kept = 0;
    fc.assert(
      fc.property(anything, (value) => {
        const written = attempt(() => JSON.parse(toJsonText(value)));
        const expected = attempt(() => promised(value) ?? null);
        expect(written).toEqual(expected);
        if ("value" in written) kept += 1;
      }),
      { numRuns: 5000 },
    );
    expect(kept).toBeGreaterThan(500);
  });
});

function attempt(make: () => unknown): { value: unknown } | { refused: true } {
  try {
    return { value: make() };
  } catch {
    return { refused: true };
  }
}

/** The rules of `Jsonified`, told once more: undefined is left out. */
function promised(value: unknown): unknown {
  const tag = Object.prototype.toString.call(value);
  switch (tag) {
    case "[object Undefined]":
      return undefined;
    case "[object Null]":
      return null;
    case "[object String]":
    case "[object Boolean]":
      return Object(value).valueOf();
    case "[object Number]":
      if (!Number.isFinite(Number(value))) throw new Error("no number");
      // JSON knows no -0, which is 0.
      return Number(value) + 0;
    case "[object Date]":
      return new Date(Number(value)).toISOString();
    case "[object Array]":
      return Array.from(Object(value), (member) => promised(member) ?? null);
    case "[object Object]":
      return Object.fromEntries(
        Object.entries(Object(value)).flatMap(([name, member]) => {
          const said = promised(member);
          return said === undefined ? [] : [[name, said]];
        }),
      );
    default:
      throw new Error(`${tag} is refused`);
  }
}

describe("the reader of JSON", () => {
  const read = (text: string): unknown => readJson(text, (unfit) => new Error(unfitText(unfit)));

  it.each([
    ["12345678901234567890", "12345678901234567000"],
    ["9007199254740993", "9007199254740992"],
    ["-9007199254740993", "-9007199254740992"],
    ["1152921504606846976", "1152921504606847000"],
    ["1e400", "Infinity"],
    ["-1E+400", "-Infinity"],
    ["1e-400", "0"],
    [`1${"0".repeat(400)}`, "Infinity"],
    [`0.${"0".repeat(400)}1`, "0"],
  ])("refuses %s, which would become another number, and says where", (number, other) => {
    expect(() => read(`{"a":[ "${number}", {"n" :  ${number}}]}`)).toThrow(/^at 'a\.1\.n' the number /);
    expect(() => read(`[${number}]`)).toThrow(`would become ${other}: send it as text`);
  });

  it.each(["9007199254740992", "9007199254740991", "1152921504606847000", "100000000000000000000000", "1e22", "0e999"])(
    "keeps %s, and any text",
    (number) => {
      expect(read(`{"n":${number},"text":"${number}, 12345678901234567890"}`)).toEqual({
        n: Number(number),
        text: `${number}, 12345678901234567890`,
      });
    },
  );

  it("keeps whatever the writer has written", () => {
    const value = fc.oneof(fc.jsonValue(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.maxSafeInteger());
    fc.assert(
      fc.property(value, (one) => {
        const text = toJsonText({ one });
        expect(JSON.stringify(read(text))).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });

  it("refuses what is nested deeper than a payload in its envelope, at once", () => {
    const text = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);

    expect(toJsonText(read(text(MAX_LEVELS)))).toBe(text(MAX_LEVELS));
    expect(() => read(text(MAX_LEVELS + 2))).toThrow(`it lies deeper than ${MAX_LEVELS} levels`);
    expect(() => read(`{"a":${text(1_000_000)}}`)).toThrow(/^at 'a\.0\.0\.[^ ]{90,110}…' it lies deeper/);
  });
});
