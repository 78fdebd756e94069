/**
 * Refusals of dynalite's parsers in the words of DynamoDB: it names the token at which an expression ends to make sense, and
 * the text around it.
 */
import { isObject, type JsonObject } from "../json.ts";
import type { Parser } from "./expression-cache.ts";

interface Token {
  readonly start: number;
  readonly end: number;
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-expression-parameters */
const MAX_BYTES = 4096;
const MAX_OPERATORS = 300;
const MAX_IN = 100;
const TOKEN = /[#:]\w+|[a-z]\w*|\d+|<>|<=|>=|\S/giu;
/** Types that have an order. */
const ORDERED = ["S", "N", "B"];
const ORDERING = ["<", "<=", ">", ">="];
const LOWER_BOUND = /^The BETWEEN operator requires same data type .*?\{(\w+):/s;
const UPPER_BOUND = /^The BETWEEN operator requires same data type .*, upper bound operand: AttributeValue: \{(\w+):/s;
const UPDATE_OPERAND = /^Incorrect operand type for operator or function; operator: (ADD|DELETE), operand type: \w+$/;

const worded = new WeakSet<Parser>();

/**
 * Makes `parser` refuse in DynamoDB's words, and refuse what is too long, or compares what has no order. A second call for the same parser changes nothing.
 *
 * @param tellsSize whether the sentence about an expression that is too long says how long it is, as all but that of updates do
 */
export function refuseInWords(parser: Parser, tellsSize: boolean): void {
  if (worded.has(parser)) return;
  worded.add(parser);
  const { parse } = parser;
  parser.parse = function parseInWords(text, options) {
    const bytes = Buffer.byteLength(text);
    if (bytes > MAX_BYTES) {
      return `Expression size has exceeded the maximum allowed size;${tellsSize ? ` expression size: ${bytes}` : ""}`;
    }
    refuseUnderscore(text);
    try {
      const result = parse.call(parser, text, options);
      return typeof result === "string" ? inWords(result) : (treeFault(result) ?? result);
    } catch (error) {
      const offset = offsetOf(error);
      if (error instanceof Error && offset !== undefined) error.message = syntaxFault(text, offset);
      throw error;
    }
  };
}

/** dynalite takes names that begin with an underscore. */
function refuseUnderscore(text: string): void {
  if (!text.includes("_")) return;
  const token = tokensOf(text).find(({ start }) => text[start] === "_");
  if (token === undefined) return;
  const error = new Error(syntaxFault(text, token.start));
  error.name = "SyntaxError";
  throw error;
}

function syntaxFault(text: string, offset: number): string {
  const tokens = tokensOf(text);
  const found = tokens.findIndex(({ end }) => end > offset);
  const at = found < 0 ? tokens.length : found;
  const [before, token, after] = [tokens[at - 1], tokens[at], tokens[at + 1]];
  const near = text.slice((before ?? token)?.start, (after ?? token ?? before)?.end);
  return `token: "${token ? text.slice(token.start, token.end) : "<EOF>"}", near: "${near}"`;
}

function tokensOf(text: string): Token[] {
  return [...text.matchAll(TOKEN)].map(({ 0: token, index }) => ({ start: index, end: index + token.length }));
}

function offsetOf(error: unknown): number | undefined {
  const location: unknown = error instanceof Error && "location" in error ? error.location : undefined;
  const start = isObject(location) ? location.start : undefined;
  return isObject(start) && typeof start.offset === "number" ? start.offset : undefined;
}

function inWords(refusal: string): string {
  const [, operator] = UPDATE_OPERAND.exec(refusal) ?? [];
  if (operator !== undefined) return `${refusal}, typeSet: ALLOWED_FOR_${operator}_OPERAND`;
  const bounds = [LOWER_BOUND, UPPER_BOUND].map((pattern) => pattern.exec(refusal)?.[1]);
  return orderFault("BETWEEN", bounds) ?? refusal;
}

/** dynalite finds out about two bounds whose types differ; it counts nothing, and compares what has no order. */
function treeFault(tree: unknown): string | undefined {
  const nodes = isObject(tree) ? [...nodesOf(tree.expression)] : [];
  if (nodes.length > MAX_OPERATORS) {
    return `The expression contains too many operators; operator count: ${MAX_OPERATORS + 1}`;
  }
  return nodes.map(nodeFault).find((fault) => fault !== undefined);
}

/** The operators and functions of a condition. */
function* nodesOf(part: unknown): Iterable<JsonObject> {
  if (!isObject(part) || typeof part.type !== "string" || !Array.isArray(part.args)) return;
  yield part;
  for (const child of part.args) yield* nodesOf(child);
}

function nodeFault({ type, args }: JsonObject): string | undefined {
  const [first, ...others]: readonly unknown[] = Array.isArray(args) ? args : [];
  if (type === "in" && others.length > MAX_IN) {
    return `The IN operator is provided with too many operands; number of operands: ${others.length}`;
  }
  if (type === "between") return orderFault("BETWEEN", others.map(typeOf));
  return ORDERING.includes(String(type)) ? orderFault(String(type), [first, ...others].map(typeOf)) : undefined;
}

function orderFault(operator: string, types: readonly (string | undefined)[]): string | undefined {
  const type = types.find((one) => one !== undefined && !ORDERED.includes(one));
  return type === undefined
    ? undefined
    : `Incorrect operand type for operator or function; operator or function: ${operator}, operand type: ${type}`;
}

/** Of a value of the request; a path has none, nor has a function. */
function typeOf(operand: unknown): string | undefined {
  if (!isObject(operand) || "type" in operand) return undefined;
  return Object.keys(operand)[0];
}
