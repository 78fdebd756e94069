/**
 * Judges conditions and filters. dynalite compares lists and maps by identity, orders texts by UTF-16 in place of UTF-8,
 * and knows no size of an empty text; so its parsed conditions are judged here.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
 */
import { isDeepStrictEqual } from "node:util";
import { isObject, type JsonObject, objectsOf } from "../json.ts";

/** The value of an operand in the item that is judged; undefined where there is none. */
type Resolve = (operand: unknown) => unknown;

/** dynalite's comparison, which is right for numbers. */
export type Compare = (operator: string, value: unknown, others: unknown) => boolean;

/**
 * A parsed condition in dynalite's form that is judged here. dynalite takes the operands of a condition with `map`, from
 * which it learns whether "they exist".
 */
export function judgedHere(condition: unknown, compare: Compare): JsonObject {
  const map = (resolve: Resolve) => (holds(condition, resolve, compare) ? [{ BOOL: true }] : []);
  return { type: "attribute_exists", args: { map } };
}

function holds(condition: unknown, resolve: Resolve, compare: Compare): boolean {
  if (!isObject(condition) || !Array.isArray(condition.args)) return false;
  const { type, name, args } = condition;
  switch (type) {
    case "and":
      return args.every((part) => holds(part, resolve, compare));
    case "or":
      return args.some((part) => holds(part, resolve, compare));
    case "not":
      return !holds(args[0], resolve, compare);
    default: {
      const [first, ...others] = args.map((operand) => resolved(operand, resolve));
      return test(String(type === "function" ? name : type), first, { others, compare });
    }
  }
}

function resolved(operand: unknown, resolve: Resolve): unknown {
  if (isObject(operand) && operand.type === "function" && operand.name === "size" && Array.isArray(operand.args)) {
    const size = sizeOf(resolve(operand.args[0]));
    return size === undefined ? undefined : { N: `${size}` };
  }
  return resolve(operand);
}

function test(
  name: string,
  value: unknown,
  { others, compare }: { others: readonly unknown[]; compare: Compare },
): boolean {
  const [other, third] = others;
  switch (name) {
    case "attribute_exists":
      return value !== undefined && value !== null;
    case "attribute_not_exists":
      return value === undefined || value === null;
    case "attribute_type":
      return isObject(other) && typeOf(value) === other.S;
    case "begins_with":
      return beginsWith(value, other);
    case "contains":
      return contains(value, other);
    case "=":
      return equal(value, other);
    case "<>":
      return !equal(value, other);
    case "in":
      return others.some((one) => equal(value, one));
    case "between":
      return ordered(other, value, compare) <= 0 && ordered(value, third, compare) <= 0;
    case "<":
      return ordered(value, other, compare) < 0;
    case "<=":
      return ordered(value, other, compare) <= 0;
    case ">":
      return ordered(value, other, compare) > 0;
    case ">=":
      return ordered(value, other, compare) >= 0;
    default:
      throw new Error(`Package 'dynalite' knows the condition '${name}', and we do not: expected version 4.0.0.`);
  }
}

function typeOf(value: unknown): string | undefined {
  return isObject(value) ? Object.keys(value)[0] : undefined;
}

function equal(one: unknown, other: unknown): boolean {
  if (!isObject(one) || !isObject(other)) return false;
  const type = typeOf(one);
  if (type === undefined || type !== typeOf(other)) return false;
  // Numbers are kept in their shortest form.
  if (typeof one[type] === "string") return one[type] === other[type];
  return isDeepStrictEqual(unordered(one), unordered(other));
}

/** Members of sets have no order, and dynalite makes objects of two kinds. */
function unordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unordered);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([type, content]) => [
      type,
      /^[SNB]S$/.test(type) && Array.isArray(content) && content.every((member) => typeof member === "string")
        ? content.toSorted()
        : unordered(content),
    ]),
  );
}

/** Below 0, 0 or above 0; NaN for values that have no order among each other. */
function ordered(one: unknown, other: unknown, compare: Compare): number {
  const type = typeOf(one);
  if (type === undefined || type !== typeOf(other)) return Number.NaN;
  if (type === "N") return compare("LT", one, other) ? -1 : compare("GT", one, other) ? 1 : 0;
  const [left, right] = [bytesOf(one), bytesOf(other)];
  return left && right ? Buffer.compare(left, right) : Number.NaN;
}

function bytesOf(value: unknown): Buffer | undefined {
  if (!isObject(value)) return undefined;
  if (typeof value.S === "string") return Buffer.from(value.S, "utf8");
  if (typeof value.B === "string") return Buffer.from(value.B, "base64");
  return undefined;
}

function beginsWith(value: unknown, start: unknown): boolean {
  const [whole, part] = [bytesOf(value), bytesOf(start)];
  if (!whole || !part || typeOf(value) !== typeOf(start)) return false;
  return whole.subarray(0, part.length).equals(part);
}

function contains(value: unknown, part: unknown): boolean {
  const type = typeOf(part);
  if (!isObject(value) || !isObject(part) || type === undefined) return false;
  if (Array.isArray(value.L)) return objectsOf(value.L).some((member) => equal(member, part));
  const members = value[`${type}S`];
  if (Array.isArray(members)) return members.includes(part[type]);
  const [whole, bytes] = [bytesOf(value), bytesOf(part)];
  return whole !== undefined && bytes !== undefined && typeOf(value) === type && whole.includes(bytes);
}

/** Characters of a text (UTF-16), bytes of a binary value, members of anything else. */
function sizeOf(value: unknown): number | undefined {
  if (!isObject(value)) return undefined;
  if (typeof value.S === "string") return value.S.length;
  if (typeof value.B === "string") return bytesOf(value)?.length;
  if (isObject(value.M)) return Object.keys(value.M).length;
  const members = [value.L, value.SS, value.NS, value.BS].find(Array.isArray);
  return members?.length;
}
