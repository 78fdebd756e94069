/**
 * A cache of parsed expressions. dynalite parses every expression of every request anew, which was most of its work.
 *
 * It resolves names and values while it parses, so a tree belongs to a text, its names, and the types of its values. The
 * tree is kept with its values left out; each request gets a copy of its own, with its own values put in, because
 * dynalite's actions change the trees that they are given.
 */
import { isObject } from "../json.ts";
import { BoundedCache } from "./bounded-cache.ts";

/** dynalite's words to its parsers: the names and values of a request, and those that no expression has used yet. */
interface Context {
  attrNames?: Record<string, unknown> | undefined;
  attrVals?: Record<string, unknown> | undefined;
  unusedAttrNames: Record<string, true>;
  unusedAttrVals: Record<string, true>;
  compare(operator: string, value: unknown, others: unknown): boolean;
}

export interface Parser {
  /** An error in the expression is thrown if it is one of syntax, and returned as text if it is any other. */
  parse(text: string, options: { context: Context }): unknown;
}

type Names = ReadonlyMap<unknown, string>;

/** Makes a part of a tree anew, with the values of a request. */
type Build = (values: Record<string, unknown>) => unknown;

interface Entry {
  readonly build: Build;
  /** Checks that depend on values, not on their types alone; where one fails, the parser says it in its own words. */
  readonly checks: readonly ((context: Context) => boolean)[];
  readonly usedNames: readonly string[];
  readonly usedValues: readonly string[];
}

const MAX_ENTRIES = 1000;
/** Longer ones are parsed each time, so that the cache stays below some 16 MB. An expression has at most 4 KB on AWS. */
const MAX_KEY_LENGTH = 16_384;
const TYPES = new Set(["S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"]);

/** Makes `parser` remember what it has parsed. A second call for the same parser changes nothing. */
export function rememberExpressions(parser: Parser): void {
  const { parse } = parser;
  if (parse.name === "parseOnce") return;
  const entries = new BoundedCache<Entry>(MAX_ENTRIES, MAX_KEY_LENGTH);
  parser.parse = function parseOnce(text, options) {
    const { context } = options;
    const key = keyOf(text, context);
    const known = entries.get(key);
    if (known?.checks.every((check) => check(context))) return use(known, context);
    const own = { ...context, unusedAttrNames: marks(context.attrNames), unusedAttrVals: marks(context.attrVals) };
    const tree = parse.call(parser, text, { ...options, context: own });
    if (!isObject(tree)) return tree;
    const entry = toEntry(tree, own);
    entries.set(key, entry);
    // A tree that was parsed just now is copied, too: the parser may have put the same part into it twice.
    return use(entry, context);
  };
}

function use(entry: Entry, context: Context): unknown {
  for (const name of entry.usedNames) delete context.unusedAttrNames[name];
  for (const name of entry.usedValues) delete context.unusedAttrVals[name];
  return entry.build(context.attrVals ?? {});
}

function keyOf(text: string, { attrNames, attrVals = {} }: Context): string {
  const types = Object.entries(attrVals).map(([name, value]) => `${name} ${typeOf(value)}`);
  return JSON.stringify([text, attrNames, types]);
}

function typeOf(value: unknown): string | undefined {
  return isObject(value) ? Object.keys(value)[0] : undefined;
}

function marks(named: Record<string, unknown> = {}): Record<string, true> {
  return Object.fromEntries(Object.keys(named).map((name) => [name, true]));
}

function toEntry(tree: unknown, { attrNames = {}, attrVals = {}, unusedAttrNames, unusedAttrVals }: Context): Entry {
  const names: Names = new Map(Object.entries(attrVals).map(([name, value]) => [value, name]));
  const checks: Entry["checks"][number][] = [];
  const build = toBuild(tree, names, checks);
  return {
    build,
    checks,
    usedNames: Object.keys(attrNames).filter((name) => !(name in unusedAttrNames)),
    usedValues: Object.keys(attrVals).filter((name) => !(name in unusedAttrVals)),
  };
}

function toBuild(part: unknown, names: Names, checks: Entry["checks"][number][]): Build {
  const name = names.get(part);
  if (name !== undefined) return (values) => values[name];
  if (Array.isArray(part)) {
    const builds = part.map((child: unknown) => toBuild(child, names, checks));
    return (values) => builds.map((build) => build(values));
  }
  if (typeof part !== "object" || part === null) return () => part;
  const entries = Object.entries(part).map(([key, child]) => [key, toBuild(child, names, checks)] as const);
  const check = isObject(part) ? checkOf(part, names) : undefined;
  if (check !== undefined) checks.push(check);
  const prototype: object | null = Object.getPrototypeOf(part);
  return (values) => {
    const copy: Record<string, unknown> = prototype === null ? Object.create(null) : {};
    for (const [key, build] of entries) copy[key] = build(values);
    return copy;
  };
}

/** The check that the parser makes of the values in one part of a tree. */
function checkOf(part: Record<string, unknown>, names: Names): ((context: Context) => boolean) | undefined {
  const [, second, third]: readonly unknown[] = Array.isArray(part.args) ? part.args : [];
  const low = names.get(second);
  const high = names.get(third);
  if (part.type === "between" && low !== undefined && high !== undefined) {
    return ({ compare, attrVals = {} }) => !compare("GT", attrVals[low], attrVals[high]);
  }
  if (part.type === "function" && part.name === "attribute_type" && low !== undefined) {
    return ({ attrVals = {} }) => {
      const value = attrVals[low];
      return isObject(value) && typeof value.S === "string" && TYPES.has(value.S);
    };
  }
  return undefined;
}
