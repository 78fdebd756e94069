/** The rules of DynamoDB for requests that dynalite does not know: whatever is asked for is done or refused, never dropped. */
import { isObject, type JsonObject } from "../json.ts";
import { DynamoDbError } from "./error.ts";

/** Members that dynalite can carry out and does not let in, in its form of types. */
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
};

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

export function withMoreTypes(operation: string, types: object): object {
  if (operation !== "UpdateTable") return { ...types, ...MORE_TYPES[operation] };
  // A new index of a table on demand has no throughput.
  const relaxed = JSON.parse(JSON.stringify(types), (name, value: unknown) => {
    if (name !== "Create" || !isObject(value) || !isObject(value.children)) return value;
    const { ProvisionedThroughput: throughput, ...children } = value.children;
    const { notNull, ...optional } = isObject(throughput) ? throughput : {};
    return { ...value, children: { ...children, ProvisionedThroughput: optional } };
  });
  return { ...relaxed, AttributeDefinitions: DEFINITIONS, DeletionProtectionEnabled: "Boolean" };
}

/** Refuses members that nothing here reads, unless they ask for nothing. @throws DynamoDbError */
export function refuseUnknown(operation: string, request: JsonObject, types: object): void {
  const known = new Map<string, unknown>(Object.entries(types));
  for (const [name, value] of Object.entries(request)) {
    const type = known.get(name);
    if (type !== undefined) {
      refuseUnknownIn(`${operation}.${name}`, value, type);
    } else if (!asksNothing(value)) {
      throw DynamoDbError.validation(`${operation}.${name} is not emulated: leave it out.`);
    }
  }
}

function refuseUnknownIn(place: string, value: unknown, type: unknown): void {
  if (!isObject(type) || !isObject(type.children)) return;
  const kind = String(type.type);
  if (/^(?:Value|Field)Struct/.test(kind) && isObject(value)) {
    refuseUnknown(place, value, type.children);
  } else if (/^(?:List|Map)/.test(kind) && typeof value === "object" && value !== null) {
    for (const member of Object.values(value)) refuseUnknownIn(place, member, type.children);
  }
}

function asksNothing(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (isObject(value)) return Object.values(value).every(asksNothing);
  return value === undefined || value === null || value === false;
}

/** Checks of a request by itself, whose members have their types. @throws DynamoDbError */
export function checkRequest(operation: string, request: JsonObject): void {
  const { Select: select, ReturnValues: returned } = request;
  if (
    /^(?:Delete|Put)Item$/.test(operation) &&
    returned !== undefined &&
    returned !== "NONE" &&
    returned !== "ALL_OLD"
  ) {
    throw DynamoDbError.validation("Return values set to invalid value");
  }
  if ((operation === "Scan" || operation === "Query") && typeof select === "string") {
    checkSelect(select, request);
  }
}

function checkSelect(select: string, request: JsonObject): void {
  const projection = ["ProjectionExpression", "AttributesToGet"].find((name) => request[name] !== undefined);
  if (select === "SPECIFIC_ATTRIBUTES") {
    if (projection !== undefined) return;
    throw DynamoDbError.validation(
      "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
    );
  }
  if (projection !== undefined) {
    const chosen = select === "COUNT" ? "only the Count" : select;
    throw DynamoDbError.validation(`Cannot specify the ${projection} when choosing to get ${chosen}`);
  }
  if (select === "ALL_PROJECTED_ATTRIBUTES" && request.IndexName === undefined) {
    throw DynamoDbError.validation("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName");
  }
}

/** The name in a table's ARN, which AWS takes in its place; anything else as it is. @throws DynamoDbError for another place's */
export function tableNameOf(value: unknown, place: { region: string; account: string }): unknown {
  if (typeof value !== "string" || !value.startsWith("arn:")) return value;
  const [, region, account, name] = /^arn:aws:dynamodb:([^:]*):([^:]*):table\/([^/]+)$/.exec(value) ?? [];
  if (name !== undefined && region === place.region && account === place.account) return name;
  throw new DynamoDbError(
    "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
    `Requested resource not found: Table: ${value.slice(0, 300)} not found`,
  );
}
