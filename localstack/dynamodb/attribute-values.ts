import { isObject } from "../json.ts";

/**
 * Whether `value` is surely a well-formed AttributeValue. dynalite's own check takes most of the time of a request; it is
 * left for the rest: binary values, and those that are wrong.
 */
export function isPlainValue(value: unknown): boolean {
  if (!isObject(value)) return false;
  const types = Object.keys(value);
  const [type = ""] = types;
  if (types.length !== 1) return false;
  const content = value[type];
  switch (type) {
    case "S":
    case "N":
      return typeof content === "string";
    case "BOOL":
    case "NULL":
      return typeof content === "boolean";
    case "SS":
    case "NS":
      return Array.isArray(content) && content.every((member) => typeof member === "string");
    case "L":
      return Array.isArray(content) && content.every(isPlainValue);
    case "M":
      return isPlainMap(content);
    default:
      return false;
  }
}

/** A number as DynamoDB writes it, and of a size that it takes. */
const PLAIN_NUMBER = /^(?:0|-?[1-9]\d{0,14}(?:\.\d{0,14}[1-9])?)$/;

/** The type of a scalar that passes every check of values; undefined for any other. */
export function plainTypeOf(value: unknown): string | undefined {
  if (!isObject(value)) return undefined;
  const [type, another] = Object.keys(value);
  if (type === undefined || another !== undefined) return undefined;
  const content = value[type];
  switch (type) {
    case "S":
      return typeof content === "string" ? type : undefined;
    case "N":
      return typeof content === "string" && PLAIN_NUMBER.test(content) ? type : undefined;
    case "BOOL":
      return typeof content === "boolean" ? type : undefined;
    case "NULL":
      return content === true ? type : undefined;
    default:
      return undefined;
  }
}

/** Whether `values` is an object of well-formed values. */
export function isPlainMap(values: unknown): boolean {
  return isObject(values) && Object.values(values).every(isPlainValue);
}

/** Takes the plus from numbers like `+1.5`, which AWS takes and dynalite does not, wherever they stand in a request. */
export function dropPlusSigns(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  for (const child of Object.values(value)) dropPlusSigns(child);
  if (!isObject(value)) return;
  if (typeof value.N === "string") value.N = value.N.replace(/^\+(?=[\d.])/, "");
  if (Array.isArray(value.NS)) value.NS = value.NS.map((number) => String(number).replace(/^\+(?=[\d.])/, ""));
}

/** The fault of a set without members, or of a null that is none, at any depth: DynamoDB sees these while it reads a request. */
export function emptyFault(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const what = isObject(value) ? emptinessOf(value) : undefined;
  if (what !== undefined) return `One or more parameter values were invalid: ${what}`;
  return Object.values(value)
    .map(emptyFault)
    .find((fault) => fault !== undefined);
}

/** The two spaces are DynamoDB's. */
function emptinessOf({ SS, NS, BS, NULL }: Record<string, unknown>): string | undefined {
  if (NULL === false) return "Null attribute value types must have the value of true";
  if (isEmpty(SS)) return "An string set  may not be empty";
  if (isEmpty(NS)) return "An number set  may not be empty";
  return isEmpty(BS) ? "Binary sets should not be empty" : undefined;
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** The attribute itself is the first: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-attributes */
const MAX_LEVELS = 32;
const TOO_DEEP =
  "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit";

/** The fault of an attribute's name or depth among those of an item. */
export function shapeFault(item: unknown): string | undefined {
  const attributes = Object.entries(isObject(item) ? item : {});
  if (attributes.some(([name]) => name === "")) return "Empty attribute name";
  return attributes.some(([, value]) => isTooDeep(value, MAX_LEVELS)) ? TOO_DEEP : undefined;
}

/** The fault of a value's depth among those of expressions. */
export function depthFault(values: unknown): string | undefined {
  const deep = Object.entries(isObject(values) ? values : {}).find(([, value]) => isTooDeep(value, MAX_LEVELS));
  return deep && `ExpressionAttributeValues contains invalid value: ${TOO_DEEP} for key ${deep[0]}`;
}

function isTooDeep(value: unknown, levels: number): boolean {
  if (levels === 0) return true;
  const { M, L } = isObject(value) ? value : {};
  const members = Object.values(isObject(M) ? M : Array.isArray(L) ? L : {});
  return members.some((member) => isTooDeep(member, levels - 1));
}
