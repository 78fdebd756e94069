/** The rules of DynamoDB for requests that dynalite does not know: whatever is asked for is done or refused, never dropped. */
import { isObject, type JsonObject, objectsOf } from "../json.ts";
import { depthFault, emptyFault, shapeFault } from "./attribute-values.ts";
import { DynamoDbError } from "./error.ts";
import { operatorFault } from "./legacy-conditions.ts";

/** dynalite's rules for one operation: the fault of a request. They add to it the expressions that they have parsed. */
export type Rules = (request: JsonObject) => string | undefined;

/** Operations that answer the fault of a request as one of a list; the others answer it alone. */
const LISTED = /^(?:Delete|Put|Update)Item$/;
/** Not in that list: how a value is built, and how large it is. */
const ALONE = [
  ...["Supplied AttributeValue", "The parameter cannot be converted", "Item size", "Number overflow"],
  ...["Number underflow", "Attempting to store more than"],
  ...["Empty attribute name", "Nesting Levels", "ExpressionAttributeValues contains invalid value: Nesting Levels"],
];

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

/** Checks of a request by itself, which holds the constraints of the model. @throws DynamoDbError */
export function checkRequest(operation: string, request: JsonObject, rules: Rules | undefined): void {
  const isCreation = operation === "CreateTable";
  const fault =
    segmentFault(request) ??
    rules?.(isCreation ? withSortedDefinitions(request) : request) ??
    operatorFault(request) ??
    returnedFault(operation, request) ??
    written(request).map(shapeFault).find(isText) ??
    depthFault(request.ExpressionAttributeValues);
  if (fault !== undefined) throw refusalOf(operation, request, fault);
  if (isCreation) checkDefinitions(request);
  const { Select: select } = request;
  const chosen = /^(?:Scan|Query)$/.test(operation) && typeof select === "string" && selectFault(select, request);
  if (typeof chosen === "string") throw DynamoDbError.detected([chosen]);
}

/** The words of one fault: a write of one item lists it, and names an empty value before all else. */
function refusalOf(operation: string, request: JsonObject, fault: string): DynamoDbError {
  if (!LISTED.test(operation)) return DynamoDbError.validation(fault);
  const { Item, Key, ExpressionAttributeValues } = request;
  const first = emptyFault([Item, Key, ExpressionAttributeValues]) ?? fault;
  return ALONE.some((start) => first.startsWith(start))
    ? DynamoDbError.validation(first)
    : DynamoDbError.detected([first]);
}

/** The items of a request that are to be put. */
function written({ Item: item, RequestItems: items }: JsonObject): unknown[] {
  const requests = Object.values(isObject(items) ? items : {}).flatMap(objectsOf);
  const puts = requests.flatMap(({ PutRequest: put }) => (isObject(put) ? [put.Item] : []));
  return item === undefined ? puts : [item, ...puts];
}

function isText(fault: string | undefined): fault is string {
  return fault !== undefined;
}

function returnedFault(operation: string, { ReturnValues: returned = "NONE" }: JsonObject): string | undefined {
  const isRefused = operation === "DeleteItem" && returned !== "NONE" && returned !== "ALL_OLD";
  return isRefused ? "ReturnValues can only be ALL_OLD or NONE" : undefined;
}

/** dynalite goes on to say which two numbers these are. */
function segmentFault({ Segment: segment, TotalSegments: total }: JsonObject): string | undefined {
  // dynalite takes segment 0 for none.
  if (segment === 0 && total === undefined) {
    return "The TotalSegments parameter is required but was not present in the request when Segment parameter is present";
  }
  if (typeof segment !== "number" || typeof total !== "number" || segment < total) return undefined;
  return "The Segment parameter is zero-based and must be less than parameter TotalSegments";
}

function selectFault(select: string, request: JsonObject): string | undefined {
  const projection = ["ProjectionExpression", "AttributesToGet"].find((name) => request[name] !== undefined);
  if (select === "SPECIFIC_ATTRIBUTES") {
    return projection === undefined
      ? "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
      : undefined;
  }
  if (projection !== undefined) {
    return `Cannot specify the ${projection} when choosing to get ${select === "COUNT" ? "only the Count" : select}`;
  }
  if (select !== "ALL_PROJECTED_ATTRIBUTES" || request.IndexName !== undefined) return undefined;
  return "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName";
}

/** DynamoDB names attributes in this order, however they were sent. */
function withSortedDefinitions(request: JsonObject): JsonObject {
  const sorted = objectsOf(request.AttributeDefinitions).toSorted((one, other) =>
    String(one.AttributeName) < String(other.AttributeName) ? -1 : 1,
  );
  return { ...request, AttributeDefinitions: sorted };
}

/** Refuses attributes that are in no key: dynalite misses them in a table with indexes. @throws DynamoDbError */
function checkDefinitions(request: JsonObject): void {
  const owners = [request, ...objectsOf(request.GlobalSecondaryIndexes), ...objectsOf(request.LocalSecondaryIndexes)];
  const keys = namesOf(owners.flatMap(({ KeySchema }) => objectsOf(KeySchema)));
  const definitions = namesOf(objectsOf(request.AttributeDefinitions));
  if (definitions.every((name) => keys.includes(name))) return;
  throw DynamoDbError.validation(
    `One or more parameter values were invalid: Some AttributeDefinitions are not used. AttributeDefinitions: [${definitions.join(", ")}], keys used: [${keys.join(", ")}]`,
  );
}

function namesOf(attributes: readonly JsonObject[]): string[] {
  return [...new Set(attributes.map(({ AttributeName }) => String(AttributeName)))].sort();
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
