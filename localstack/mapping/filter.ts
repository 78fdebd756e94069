/**
 * Filter criteria of an event source mapping: which records a function receives. Pure.
 *
 * Grammar: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html#filtering-syntax
 * Body: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html
 */

import type { SQSRecord } from "aws-lambda";
import { isObject } from "../json.ts";

/** One pattern, as an object (`filterPatterns` of serverless.yml) or as JSON text (`FilterCriteria` of CloudFormation). */
export type FilterPattern = string | Readonly<Record<string, unknown>>;

type Test = (value: unknown) => boolean;

/** AWS's limit, raised on request: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html */
const MAX_PATTERNS = 10;
const RECORD_KEYS = [
  "messageId",
  "body",
  "attributes",
  "messageAttributes",
  "md5OfBody",
  "eventSourceARN",
  "awsRegion",
];
const OPERATORS = "prefix, suffix, equals-ignore-case, anything-but, numeric, exists";
const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  "=": (a, b) => a === b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};

/** A pattern that AWS, or this emulator, refuses when the mapping is created. */
class InvalidFilterPatternError extends Error {
  override readonly name = "InvalidParameterValueException";

  constructor(place: string, found: unknown, expected: string) {
    const value = JSON.stringify(found) ?? String(found);
    super(`Invalid filter pattern definition. Value '${value}' at '${place}': expected ${expected}.`);
  }
}

function property(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function isScalar(value: unknown): value is string | number | boolean | null {
  return value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

/** A list in the record matches when one of its elements does. */
function anyOf(value: unknown, test: Test): boolean {
  return Array.isArray(value) ? value.some(test) : test(value);
}

const textTest =
  (test: (text: string) => boolean): Test =>
  (value) =>
    typeof value === "string" && test(value);

function compileText(operator: string, operand: unknown, place: string): Test | undefined {
  if (operator !== "prefix" && operator !== "suffix" && operator !== "equals-ignore-case") return undefined;
  if (typeof operand !== "string") throw new InvalidFilterPatternError(place, operand, `a string for '${operator}'`);
  if (operator === "prefix") return textTest((text) => text.startsWith(operand));
  if (operator === "suffix") return textTest((text) => text.endsWith(operand));
  return textTest((text) => text.toLowerCase() === operand.toLowerCase());
}

function compileNumeric(operand: unknown, place: string): Test {
  const parts: unknown[] = Array.isArray(operand) ? operand : [];
  const tests: ((value: number) => boolean)[] = [];
  for (let index = 0; index < parts.length; index += 2) {
    const [sign, bound] = [parts[index], parts[index + 1]];
    const compare = typeof sign === "string" ? COMPARISONS[sign] : undefined;
    if (compare !== undefined && typeof bound === "number") tests.push((value) => compare(value, bound));
  }
  if (tests.length * 2 !== parts.length || tests.length < 1 || tests.length > 2) {
    throw new InvalidFilterPatternError(
      place,
      operand,
      "one or two pairs of =, <, <=, >, >= and a number for 'numeric'",
    );
  }
  return (value) => typeof value === "number" && tests.every((test) => test(value));
}

function compileAnythingBut(operand: unknown, place: string): Test {
  const [operator, ...more] = isObject(operand) ? Object.keys(operand) : [];
  const text = operator === undefined ? undefined : compileText(operator, property(operand, operator), place);
  if (text !== undefined && more.length === 0) return (value) => value !== undefined && !text(value);
  const refused: unknown[] = Array.isArray(operand) ? operand : [operand];
  if (refused.length === 0 || !refused.every(isScalar)) {
    throw new InvalidFilterPatternError(
      place,
      operand,
      "values, or prefix, suffix or equals-ignore-case, for 'anything-but'",
    );
  }
  return (value) => value !== undefined && !refused.some((one) => one === value);
}

function compileCondition(condition: unknown, place: string): Test {
  if (isScalar(condition)) return (value) => anyOf(value, (element) => element === condition);
  const [operator, ...more] = isObject(condition) ? Object.keys(condition) : [];
  if (operator === undefined || more.length > 0) {
    throw new InvalidFilterPatternError(place, condition, `a value or one of ${OPERATORS}`);
  }
  const operand = property(condition, operator);
  if (operator === "exists") {
    if (typeof operand !== "boolean") throw new InvalidFilterPatternError(place, operand, "true or false for 'exists'");
    // Leaf nodes only, as AWS says: an object is not a value.
    return (value) => (value !== undefined && !isObject(value)) === operand;
  }
  let test = compileText(operator, operand, place);
  if (operator === "anything-but") test = compileAnythingBut(operand, place);
  if (operator === "numeric") test = compileNumeric(operand, place);
  if (test === undefined) throw new InvalidFilterPatternError(place, condition, `a value or one of ${OPERATORS}`);
  const known = test;
  return (value) => anyOf(value, known);
}

function compileNode(node: unknown, place: string, compileChild = compileNode): Test {
  if (Array.isArray(node) && node.length > 0) {
    const conditions = node.map((condition) => compileCondition(condition, place));
    return (value) => conditions.some((test) => test(value));
  }
  if (!isObject(node) || Object.keys(node).length === 0) {
    throw new InvalidFilterPatternError(place, node, "a non-empty list of conditions or a non-empty object");
  }
  const tests = Object.entries(node).map(([name, child]: [string, unknown]): Test => {
    if (name === "$or" && Array.isArray(child) && child.length > 1) {
      const branches = child.map((branch) => compileNode(branch, `${place}.$or`, compileChild));
      return (value) => branches.some((test) => test(value));
    }
    const test = compileChild(child, `${place}.${name}`);
    return (value) => test(property(value, name));
  });
  return (value) => anyOf(value, (element) => tests.every((test) => test(element)));
}

function parseObject(text: unknown): object | undefined {
  try {
    const value: unknown = JSON.parse(String(text));
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A list under `body` tests a body of plain text, an object one of JSON; a body of the other kind is dropped. */
function compileRecordKey(node: unknown, place: string): Test {
  const key = place.slice(place.lastIndexOf(".") + 1);
  // AWS takes any key, and then deletes every message because none has it.
  if (!RECORD_KEYS.includes(key)) throw new InvalidFilterPatternError(place, key, `one of ${RECORD_KEYS.join(", ")}`);
  const test = compileNode(node, place);
  if (key !== "body") return test;
  if (Array.isArray(node)) return (body) => parseObject(body) === undefined && test(body);
  return (body) => {
    const parsed = parseObject(body);
    return parsed !== undefined && test(parsed);
  };
}

function compilePattern(pattern: FilterPattern): Test {
  const node = typeof pattern === "string" ? parseObject(pattern) : pattern;
  if (!isObject(node)) throw new InvalidFilterPatternError("pattern", pattern, "a JSON object");
  return compileNode(node, "pattern", compileRecordKey);
}

/**
 * Makes the test that says whether a record goes to the function: it must match one of the patterns, if there are any.
 *
 * @throws InvalidParameterValueException for a pattern that AWS would refuse or that is not emulated.
 */
export function compileEventFilter(patterns: readonly FilterPattern[]): (record: SQSRecord) => boolean {
  if (patterns.length > MAX_PATTERNS) {
    throw new InvalidFilterPatternError("filterPatterns", patterns.length, `at most ${MAX_PATTERNS} patterns`);
  }
  const tests = patterns.map(compilePattern);
  return (record) => tests.length === 0 || tests.some((test) => test(record));
}

/** The keys beside `body` that patterns test: AWS documents SQS filters for `body` only, whatever else it may honour. */
export function keysBesideBody(patterns: readonly unknown[]): string[] {
  const keys = patterns.flatMap((pattern) => {
    const node = typeof pattern === "string" ? parseObject(pattern) : pattern;
    if (!isObject(node)) return [];
    const branches = Array.isArray(node.$or) ? keysBesideBody(node.$or) : [];
    return [...branches, ...Object.keys(node).filter((key) => key !== "$or" && key !== "body")];
  });
  return [...new Set(keys)];
}
