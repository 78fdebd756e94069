/**
 * dynalite parses every expression anew, which is half of the work that it does for a write. A parsed expression depends on its text, on
 * the names that stand for attributes, and on the types of its values; the values themselves are put into a copy of it.
 */

import { createRequire } from "node:module";
import { isObject } from "../json.ts";
import { createMemo } from "./memo.ts";

/** The arguments of a parser. It takes from `unused…` the names that it has met. */
interface Context {
  attrNames?: Record<string, string>;
  attrVals?: Record<string, object>;
  unusedAttrNames: Record<string, boolean>;
  unusedAttrVals: Record<string, boolean>;
  compare(operator: string, one: unknown, other: unknown): boolean;
}

type Parse = (text: string, options: { context: Context }) => unknown;

/** A parsed expression whose values are places. */
interface Template {
  tree: unknown;
  names: readonly string[];
  values: readonly string[];
}

class Place {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** Parts of an expression that a parser may refuse because of a value, not of its type. */
const LOOKS_AT_VALUES = /between|attribute_type/i;

const PARSERS = ["updateParser", "conditionParser", "projectionParser"];

/** Puts a memory before the parsers of dynalite; a second call changes nothing. */
export function cacheExpressions(): void {
  const require = createRequire(import.meta.url);
  for (const name of PARSERS) {
    const parser: unknown = require(`dynalite/db/${name}.js`);
    if (!isParser(parser)) {
      throw new Error(`Package 'dynalite' has no usable ${name}: expected version 4.0.0. Run \`npm ci\`.`);
    }
    if (parser.parse.name !== "parseOnce") parser.parse = remembering(parser.parse);
  }
}

/** @param parse throws, or answers with a text, for an expression that is wrong: neither is remembered */
function remembering(parse: Parse): Parse {
  const templates = createMemo<Template>();
  const textOf = new WeakMap<object, string>();
  /** Names that come with a statement are the same object each time. */
  const namesText = (names: Record<string, string>): string => {
    const text = textOf.get(names) ?? JSON.stringify(names);
    textOf.set(names, text);
    return text;
  };
  return function parseOnce(text, { context }) {
    const { attrNames = {}, attrVals = {} } = context;
    let types = "";
    for (const name in attrVals) types += ` ${name}=${Object.keys(attrVals[name] ?? {}).join()}`;
    let template: Template;
    try {
      template = templates(`${text}\n${namesText(attrNames)}\n${types}`, () => {
        const own = { ...context, unusedAttrNames: unused(attrNames), unusedAttrVals: unused(attrVals) };
        const tree = parse(text, { context: own });
        if (typeof tree === "string") throw new WrongExpression();
        const places = new Map(Object.entries(attrVals).map(([name, value]) => [value, new Place(name)]));
        return {
          tree: guarded(withPlaces(tree, places)),
          names: Object.keys(attrNames).filter((name) => !(name in own.unusedAttrNames)),
          values: Object.keys(attrVals).filter((name) => !(name in own.unusedAttrVals)),
        };
      });
      if (LOOKS_AT_VALUES.test(text) && !holds(template.tree, attrVals, context)) throw new WrongExpression();
    } catch (error) {
      if (!(error instanceof WrongExpression)) throw error;
      return parse(text, { context });
    }
    for (const name of template.names) delete context.unusedAttrNames[name];
    for (const name of template.values) delete context.unusedAttrVals[name];
    return filled(template.tree, attrVals);
  };
}

class WrongExpression extends Error {}

function unused(names: object): Record<string, boolean> {
  return Object.fromEntries(Object.keys(names).map((name) => [name, true]));
}

/** Operators of two attributes of which dynalite takes two that are not there for equal. */
const OF_TWO = ["=", "<=", ">=", "between", "in", "<>"];
const CALLS_OF_TWO = ["begins_with", "contains"];

/** Lets a comparison with an attribute that is not there be as on AWS: false, but for `<>`. */
function guarded(tree: unknown): unknown {
  if (Array.isArray(tree)) return tree.map(guarded);
  if (!isObject(tree) || tree instanceof Place) return tree;
  const copy = Object.fromEntries(Object.entries(tree).map(([name, one]) => [name, guarded(one)]));
  const { type, name, args } = tree;
  const isOfTwo = OF_TWO.includes(String(type)) || (type === "function" && CALLS_OF_TWO.includes(String(name)));
  if (!isOfTwo || !Array.isArray(args)) return copy;
  const [path, ...others] = args.map(pathOf);
  if (path === undefined || others.some((other) => other === undefined)) return copy;
  const test = (called: string): object => ({ type: "function", name: called, args: [path] });
  return type === "<>"
    ? { type: "or", args: [test("attribute_not_exists"), copy] }
    : { type: "and", args: [test("attribute_exists"), copy] };
}

/** The path of an operand that is one, or the size of one. */
function pathOf(operand: unknown): unknown[] | undefined {
  if (Array.isArray(operand)) return operand;
  if (!isObject(operand) || operand.name !== "size" || !Array.isArray(operand.args)) return undefined;
  return pathOf(operand.args[0]);
}

function withPlaces(tree: unknown, places: ReadonlyMap<unknown, Place>): unknown {
  const place = places.get(tree);
  if (place) return place;
  if (Array.isArray(tree)) return tree.map((one) => withPlaces(one, places));
  if (!isObject(tree)) return tree;
  return Object.fromEntries(Object.entries(tree).map(([name, one]) => [name, withPlaces(one, places)]));
}

function filled(tree: unknown, values: Record<string, object>): unknown {
  if (tree instanceof Place) return values[tree.name];
  if (Array.isArray(tree)) return tree.map((one) => filled(one, values));
  if (!isObject(tree)) return tree;
  const copy: Record<string, unknown> = {};
  for (const name in tree) copy[name] = filled(tree[name], values);
  return copy;
}

/** Whether the values pass the tests that a parser makes of them: the order of the bounds of BETWEEN, and the name of a type. */
function holds(tree: unknown, values: Record<string, object>, context: Context): boolean {
  if (Array.isArray(tree)) return tree.every((one) => holds(one, values, context));
  if (!isObject(tree) || tree instanceof Place) return true;
  const args = Array.isArray(tree.args) ? tree.args : [];
  if (tree.type === "between" && args[1] instanceof Place && args[2] instanceof Place) {
    return !context.compare("GT", values[args[1].name], values[args[2].name]);
  }
  if (tree.type === "function" && tree.name === "attribute_type") return false;
  return Object.values(tree).every((one) => holds(one, values, context));
}

function isParser(value: unknown): value is { parse: Parse } {
  return isObject(value) && typeof value.parse === "function";
}
