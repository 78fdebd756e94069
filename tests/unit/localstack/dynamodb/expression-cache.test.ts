import conditionParser from "dynalite/db/conditionParser.js";
import db from "dynalite/db/index.js";
import projectionParser from "dynalite/db/projectionParser.js";
import updateParser from "dynalite/db/updateParser.js";
import { describe, expect, it } from "vitest";
import { type Parser, rememberExpressions } from "../../../../localstack/dynamodb/expression-cache.ts";

/** dynalite's parser, and one that remembers and counts how often it had to parse. */
function both(plain: Parser) {
  let parsed = 0;
  const remembering: Parser = {
    parse(text, options) {
      parsed += 1;
      return plain.parse(text, options);
    },
  };
  rememberExpressions(remembering);
  return { plain, remembering, parsed: () => parsed };
}

interface Request {
  text: string;
  names?: Record<string, string>;
  values?: Record<string, unknown>;
}

/** The outcome of an expression: its tree or its error, and the names and values that it left unused. */
function outcome(parser: Parser, { text, names, values }: Request) {
  const marks = (named: object = {}) => Object.fromEntries(Object.keys(named).map((name) => [name, true as const]));
  const context = {
    attrNames: names,
    attrVals: values,
    unusedAttrNames: marks(names),
    unusedAttrVals: marks(values),
    compare: db.compare,
    isReserved: (name: string) => name === "SIZE",
  };
  const attempt = () => {
    try {
      return parser.parse(text, { context });
    } catch (error) {
      return String(error);
    }
  };
  const result = attempt();
  // After an error nobody asks which names were used.
  return typeof result === "string"
    ? { result }
    : { result, unused: [context.unusedAttrNames, context.unusedAttrVals] };
}

const N = (n: number) => ({ N: `${n}` });
const S = (text: string) => ({ S: text });

const conditions: Request[] = [
  { text: "a = :v", values: { ":v": N(1) } },
  { text: "a = :v", values: { ":v": N(2) } },
  { text: "a = :v", values: { ":v": S("2") } },
  { text: "#a = :v", names: { "#a": "x" }, values: { ":v": N(1) } },
  { text: "#a = :v", names: { "#a": "y" }, values: { ":v": N(1) } },
  { text: "#a = :v", names: { "#a": "__proto__", "#b": "unused" }, values: { ":v": N(1), ":w": N(1) } },
  { text: "#a.b[2].#c = :v AND size(d) > :v", names: { "#a": "a", "#c": "c" }, values: { ":v": N(1) } },
  { text: "a BETWEEN :low AND :high", values: { ":low": N(1), ":high": N(2) } },
  { text: "a BETWEEN :low AND :high", values: { ":low": N(3), ":high": N(2) } },
  { text: "a BETWEEN :low AND :high", values: { ":low": N(2), ":high": N(2) } },
  { text: "NOT (a = :v OR a IN (:v, :w)) AND begins_with(b, :s)", values: { ":v": N(1), ":w": N(2), ":s": S("s") } },
  { text: "NOT (a = :v OR a IN (:v, :w)) AND begins_with(b, :s)", values: { ":v": N(1), ":w": N(2), ":s": N(3) } },
  { text: "attribute_type(a, :t)", values: { ":t": S("N") } },
  { text: "attribute_type(a, :t)", values: { ":t": S("no type") } },
  { text: "attribute_type(a, :t)", values: { ":t": S("SS") } },
  { text: "size = :v", values: { ":v": N(1) } },
  { text: "a = ", values: { ":v": N(1) } },
  { text: "((a = :v))", values: { ":v": N(1) } },
  { text: "a = :absent", values: { ":v": N(1) } },
  { text: "m = :m", values: { ":m": { M: { a: N(1) } } } },
];

const updates: Request[] = [
  { text: "SET a = :v, #b.c = if_not_exists(a, :v) + :v", names: { "#b": "b" }, values: { ":v": N(1) } },
  { text: "SET a = :v, #b.c = if_not_exists(a, :v) + :v", names: { "#b": "b" }, values: { ":v": N(7) } },
  { text: "SET a = :v, #b.c = if_not_exists(a, :v) + :v", names: { "#b": "b" }, values: { ":v": S("7") } },
  { text: "ADD a :v DELETE b :s REMOVE l[1], l[2]", values: { ":v": N(1), ":s": { SS: ["a"] } } },
  { text: "ADD a :v DELETE b :s REMOVE l[1], l[2]", values: { ":v": S("1"), ":s": { SS: ["a"] } } },
  { text: "SET l = list_append(l, :l)", values: { ":l": { L: [N(1)] } } },
  { text: "SET l = list_append(l, :l)", values: { ":l": N(1) } },
  { text: "SET a = :v REMOVE a.b", values: { ":v": N(1) } },
];

const projections: Request[] = [
  { text: "#a.b[1], c", names: { "#a": "a" } },
  { text: "#a.b[1], c", names: { "#a": "d" } },
  { text: "c, c.d" },
];

describe.each([
  ["conditions", conditionParser, conditions],
  ["updates", updateParser, updates],
  ["projections", projectionParser, projections],
] as const)("remembered %s", (_name, parser, requests) => {
  it("have the outcome that they have when they are parsed anew", () => {
    const { plain, remembering } = both(parser);
    for (const request of [...requests, ...requests]) {
      expect(outcome(remembering, request), request.text).toEqual(outcome(plain, request));
    }
  });

  it("are parsed once, if they are right", () => {
    const { plain, remembering, parsed } = both(parser);
    const right = requests.filter((request) => typeof outcome(plain, request).result === "object");
    for (const request of right) outcome(remembering, request);
    const once = parsed();

    for (const request of right) outcome(remembering, request);

    expect(once).toBeLessThanOrEqual(right.length);
    expect(parsed()).toBe(once);
  });

  it("are each request's own, to change as it likes", () => {
    const { plain, remembering } = both(parser);
    for (const request of requests) {
      for (let round = 0; round < 3; round += 1) {
        const { result } = outcome(remembering, request);
        expect(result).toEqual(outcome(plain, request).result);
        spoil(result);
      }
    }
  });
});

describe("a cache of expressions", () => {
  it("parses a text once for values of the same types", () => {
    const { remembering, parsed } = both(conditionParser);

    for (const n of [1, 2, 3]) outcome(remembering, { text: "a = :v", values: { ":v": N(n) } });

    expect(parsed()).toBe(1);
  });

  it("forgets what was used longest ago", () => {
    const { remembering, parsed } = both(conditionParser);
    const ask = (index: number) => outcome(remembering, { text: `a${index} = :v`, values: { ":v": N(1) } });
    for (let index = 0; index < 1000; index += 1) ask(index);
    ask(0);
    ask(1000);
    const before = parsed();

    ask(0);
    const afterUsed = parsed();
    ask(1);

    expect(afterUsed).toBe(before);
    expect(parsed()).toBe(before + 1);
  });
});

/** Empties every list of a tree, as an action that changes its tree might. */
function spoil(tree: unknown): void {
  if (typeof tree !== "object" || tree === null) return;
  for (const child of Object.values(tree)) spoil(child);
  if (Array.isArray(tree)) tree.length = 0;
}
