/**
 * A cache of parsed expressions. dynalite parses every expression of every request anew, which was most of its work.
 *
 * It resolves names and values while it parses, so a tree belongs to a text, its names, and the types of its values. The
 * tree is kept with its values left out; each request gets a copy of its own, with its own values put in, because
 * dynalite's actions change the trees that they are given.
 */
import { isObject } from "../json.ts";
import { BoundedCache } from "./bounded-cache.ts";
import { type Recipe, recipeOf } from "./recipe.ts";

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

interface Entry {
  readonly recipe: Recipe;
  readonly usedNames: readonly string[];
  readonly usedValues: readonly string[];
}

const MAX_ENTRIES = 1000;
/** Longer ones are parsed each time, so that the cache stays below some 16 MB. An expression has at most 4 KB on AWS. */
const MAX_KEY_LENGTH = 16_384;

/** Makes `parser` remember what it has parsed. A second call for the same parser changes nothing. */
export function rememberExpressions(parser: Parser): void {
  const { parse } = parser;
  if (parse.name === "parseOnce") return;
  const entries = new BoundedCache<Entry>(MAX_ENTRIES, MAX_KEY_LENGTH);
  parser.parse = function parseOnce(text, options) {
    const { context } = options;
    const key = keyOf(text, context);
    const known = entries.get(key);
    // Where a check of values fails, the parser says it in its own words.
    if (known?.recipe.accepts(Object.values(context.attrVals ?? {}), context.compare)) return use(known, context);
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
  return entry.recipe.build(Object.values(context.attrVals ?? {}));
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
  return {
    recipe: recipeOf(tree, Object.values(attrVals)),
    usedNames: Object.keys(attrNames).filter((name) => !(name in unusedAttrNames)),
    usedValues: Object.keys(attrVals).filter((name) => !(name in unusedAttrVals)),
  };
}
