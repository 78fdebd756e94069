/**
 * Members and constraints of DynamoDB's service model that dynalite's tables of types lack.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations.html
 */
import { isObject, type JsonObject } from "../json.ts";

const DEFINITIONS = {
  type: "List",
  children: {
    type: "ValueStruct<AttributeDefinition>",
    children: {
      AttributeName: { type: "String", notNull: true },
      AttributeType: { type: "String", notNull: true, enum: ["B", "N", "S"] },
    },
  },
};

/** Members that can be carried out, and that dynalite does not let in. */
const MORE_TYPES: Readonly<Record<string, JsonObject>> = {
  ...Object.fromEntries(
    ["PutItem", "UpdateItem", "DeleteItem"].map((operation) => [
      operation,
      { ReturnValuesOnConditionCheckFailure: { type: "String", enum: ["ALL_OLD", "NONE"] } },
    ]),
  ),
  Scan: { ConsistentRead: "Boolean" },
  // It keeps whatever a table is created with, and describes it.
  CreateTable: { DeletionProtectionEnabled: "Boolean" },
  UpdateTable: { AttributeDefinitions: DEFINITIONS, DeletionProtectionEnabled: "Boolean" },
};

const ATTRIBUTE_NAME = { lengthLessThanOrEqual: 255, lengthGreaterThanOrEqual: 1 };

/** Of members by their name, wherever they stand. */
const MORE_CONSTRAINTS: Readonly<Record<string, JsonObject>> = {
  Action: { type: "String", enum: ["ADD", "PUT", "DELETE"] },
  AttributeName: ATTRIBUTE_NAME,
  KeyType: { enum: ["HASH", "RANGE"] },
  NonKeyAttributes: { lengthLessThanOrEqual: 20, children: { type: "String", ...ATTRIBUTE_NAME } },
  Segment: { lessThanOrEqual: 999_999 },
  TotalSegments: { lessThanOrEqual: 1_000_000 },
};

/** dynalite's types of an operation, completed. */
export function withMoreTypes(operation: string, types: object): object {
  return JSON.parse(JSON.stringify({ ...types, ...MORE_TYPES[operation] }), (name, value: unknown) => {
    if (!isObject(value)) return value === "String" ? (MORE_CONSTRAINTS[name] ?? value) : value;
    if (operation === "UpdateTable" && name === "Create") return withOptionalThroughput(value);
    return "type" in value ? { ...value, ...MORE_CONSTRAINTS[name] } : value;
  });
}

/** A new index of a table on demand has no throughput. */
function withOptionalThroughput({ children, ...type }: JsonObject): JsonObject {
  const { ProvisionedThroughput: throughput, ...rest } = isObject(children) ? children : {};
  const { notNull, ...optional } = isObject(throughput) ? throughput : {};
  return { ...type, children: { ...rest, ProvisionedThroughput: optional } };
}
