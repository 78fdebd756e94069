/**
 * The door of a request: the constraints of DynamoDB's service model, in dynalite's form of types, and the one sentence in
 * which DynamoDB lists all that fail: "2 validation errors detected: Value 'x' at 'y' failed to satisfy constraint: …; …".
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/Welcome.html
 */
import { isObject, type JsonObject } from "../json.ts";
import { DynamoDbError } from "./error.ts";

interface Constraint {
  readonly holds: (value: unknown, bound: unknown) => boolean;
  readonly sentence: (bound: unknown) => string;
}

/** A member of a request, and where it stands. */
interface Place {
  readonly path: string;
  readonly value: unknown;
  readonly type: JsonObject;
}

const MAX_FAULTS = 10;
const NOT_NULL = "notNull";

const CONSTRAINTS: Readonly<Record<string, Constraint>> = {
  [NOT_NULL]: { holds: isPresent, sentence: () => "Member must not be null" },
  greaterThanOrEqual: {
    holds: (value, least) => Number(value) >= Number(least),
    sentence: (least) => `Member must have value greater than or equal to ${least}`,
  },
  lessThanOrEqual: {
    holds: (value, most) => Number(value) <= Number(most),
    sentence: (most) => `Member must have value less than or equal to ${most}`,
  },
  regex: {
    holds: (value, pattern) => new RegExp(`^(?:${pattern})$`).test(String(value)),
    sentence: (pattern) => `Member must satisfy regular expression pattern: ${pattern}`,
  },
  lengthGreaterThanOrEqual: {
    holds: (value, least) => lengthOf(value) >= Number(least),
    sentence: (least) => `Member must have length greater than or equal to ${least}`,
  },
  lengthLessThanOrEqual: {
    holds: (value, most) => lengthOf(value) <= Number(most),
    sentence: (most) => `Member must have length less than or equal to ${most}`,
  },
  enum: {
    holds: (value, members) => listOf(members).includes(value),
    sentence: (members) => `Member must satisfy enum value set: [${listOf(members).join(", ")}]`,
  },
  keys: {
    holds: (value, bounds) => Object.keys(isObject(value) ? value : {}).every((key) => allHold(key, bounds)),
    sentence: (bounds) => `Map keys must satisfy constraint: [${sentencesOf(bounds)}]`,
  },
  values: {
    holds: (value, bounds) => Object.values(isObject(value) ? value : {}).every((member) => allHold(member, bounds)),
    sentence: (bounds) => `Map value must satisfy constraint: [${sentencesOf(bounds)}]`,
  },
};

/** Checks a request whose members have their types. @throws DynamoDbError that names up to ten constraints that fail */
export function checkConstraints(request: JsonObject, types: object): void {
  const members = Object.entries(types).filter(([, type]) => isObject(type));
  for (const [name, { required, tableName }] of members) {
    const value = request[name];
    if (required === true && !isPresent(value)) {
      throw DynamoDbError.validation(`The parameter '${name}' is required but was not present in the request`);
    }
    if (tableName === true && isPresent(value) && (lengthOf(value) < 3 || lengthOf(value) > 255)) {
      throw DynamoDbError.validation(`${name} must be at least 3 characters long and at most 255 characters long`);
    }
  }
  const faults = [...faultsOfMembers("", request, types)];
  if (faults.length > 0) throw DynamoDbError.detected(faults.slice(0, MAX_FAULTS));
}

function* faultsOfMembers(parent: string, object: JsonObject, types: object): Iterable<string> {
  for (const [name, type] of Object.entries(types)) {
    if (isObject(type)) yield* faultsAt({ path: `${parent}${lowerFirst(name)}`, value: object[name], type });
  }
}

/** In the order of the model: a constraint may stand before or behind those of what is inside. */
function* faultsAt(place: Place): Iterable<string> {
  const { path, value, type } = place;
  for (const [name, bound] of Object.entries(type)) {
    if (name !== NOT_NULL && !isPresent(value)) continue;
    if (name === "children") yield* faultsInside(place, bound);
    const constraint = CONSTRAINTS[name];
    if (constraint === undefined || constraint.holds(value, bound)) continue;
    yield `Value ${shown(value, type)}at '${path}' failed to satisfy constraint: ${constraint.sentence(bound)}`;
  }
}

function* faultsInside({ path, value, type }: Place, children: unknown): Iterable<string> {
  if (!isObject(children) || typeof value !== "object" || value === null) return;
  const kind = String(type.type);
  if (!/List$|^(?:Parameterized)?Map/.test(kind)) {
    if (isObject(value)) yield* faultsOfMembers(`${path}.`, value, children);
    return;
  }
  for (const [key, member] of Object.entries(value)) {
    const step = Array.isArray(value) ? Number(key) + 1 : key;
    yield* faultsAt({ path: `${path}.${step}.member`, value: member, type: children });
  }
}

function allHold(value: unknown, bounds: unknown): boolean {
  return constraintsOf(bounds).every(([{ holds }, bound]) => holds(value, bound));
}

function sentencesOf(bounds: unknown): string {
  return constraintsOf(bounds)
    .map(([{ sentence }, bound]) => sentence(bound))
    .join(", ");
}

function constraintsOf(bounds: unknown): (readonly [Constraint, unknown])[] {
  return Object.entries(isObject(bounds) ? bounds : {}).flatMap(([name, bound]) => {
    const constraint = CONSTRAINTS[name];
    return constraint === undefined ? [] : [[constraint, bound] as const];
  });
}

/** The value with a space behind it; nothing for one that holds items, which DynamoDB keeps out of its sentences. */
function shown(value: unknown, type: JsonObject): string {
  if (!isPresent(value)) return "null ";
  return holdsItems(type) ? "" : `'${printed(value, type)}' `;
}

function holdsItems(type: unknown): boolean {
  if (typeof type === "string") return type.startsWith("AttrStruct");
  return isObject(type) && (holdsItems(type.type) || Object.values(childTypes(type)).some(holdsItems));
}

function childTypes({ children }: JsonObject): JsonObject {
  if (!isObject(children)) return { member: children };
  return typeof children.type === "string" ? { member: children } : children;
}

/** As Java prints it: `[KeySchemaElement(attributeName=id, keyType=HASH)]`, `{name=value}`. */
function printed(value: unknown, type: unknown): string {
  const children = isObject(type) ? type.children : undefined;
  if (Array.isArray(value)) return `[${value.map((member) => printed(member, children)).join(", ")}]`;
  if (!isObject(value)) return String(value);
  const [, structure] = /Struct<(.+)>$/.exec(isObject(type) ? String(type.type) : "") ?? [];
  if (structure === undefined) {
    const members = Object.entries(value).map(([key, member]) => `${key}=${printed(member, children)}`);
    return `{${members.join(", ")}}`;
  }
  const fields = Object.entries(value).map(
    ([name, field]) => `${lowerFirst(name)}=${printed(field, isObject(children) ? children[name] : undefined)}`,
  );
  return `${structure}(${fields.join(", ")})`;
}

function lengthOf(value: unknown): number {
  if (typeof value === "string" || Array.isArray(value)) return value.length;
  return isObject(value) ? Object.keys(value).length : 0;
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
