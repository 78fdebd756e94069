/**
 * The conditions that expressions have replaced: `Expected`, `QueryFilter`, `ScanFilter`. They are judged as the expressions that
 * say the same, since dynalite compares lists and maps by identity here, too, takes an `OR` whose first condition fails for
 * false, and looks at no value where `Exists` is true.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html
 */
import { isObject, type JsonObject, objectsOf } from "../json.ts";
import { type Compare, judgedHere } from "./conditions.ts";

type Validations = typeof import("dynalite/validations/index.js").default;

const OPERATORS: Readonly<Record<string, string>> = {
  EQ: "=",
  NE: "<>",
  LT: "<",
  LE: "<=",
  GT: ">",
  GE: ">=",
  IN: "in",
  BETWEEN: "between",
  NOT_NULL: "attribute_exists",
  NULL: "attribute_not_exists",
  CONTAINS: "contains",
  BEGINS_WITH: "begins_with",
};
/** Of values of every type it may be asked whether they are equal; dynalite lets a list, a map, a Boolean and null not through. */
const EQUALITIES = ["EQ", "NE"];
const MORE_TYPES = ["BOOL", "NULL", "L", "M"];

/** Makes dynalite take values of every type for EQ and NE. A second call changes nothing. */
export function takeEqualities(validations: Validations): void {
  const { validateConditions } = validations;
  if (validateConditions.name === "validateOthers") return;
  validations.validateConditions = function validateOthers(conditions) {
    if (!isObject(conditions)) return validateConditions(conditions);
    const others = Object.entries(conditions).filter(([, condition]) => {
      const { ComparisonOperator: operator, AttributeValueList: list } = isObject(condition) ? condition : {};
      const [value, ...more] = objectsOf(list);
      if (value === undefined || more.length > 0 || !EQUALITIES.includes(String(operator))) return true;
      const types = Object.keys(value);
      const isTaken = types.length === 1 && MORE_TYPES.some((type) => type in value);
      return !isTaken || validations.validateAttributeValue(value) !== undefined;
    });
    return validateConditions(Object.fromEntries(others));
  };
}

/** The fault of an operator that joins fewer than two conditions. */
export function operatorFault(request: JsonObject): string | undefined {
  if (request.ConditionalOperator === undefined) return undefined;
  const conditions = request.Expected ?? request.QueryFilter ?? request.ScanFilter;
  const count = Object.keys(isObject(conditions) ? conditions : {}).length;
  if (count === 0) return "ConditionalOperator cannot be used without Filter or Expected";
  return count === 1
    ? "ConditionalOperator can only be used when Filter or Expected has two or more elements"
    : undefined;
}

/** Puts the judged expression in the place where dynalite looks for a parsed one. */
export function judgeLegacy(request: JsonObject, compare: Compare): void {
  const { Expected: expected, QueryFilter, ScanFilter, ConditionalOperator: operator } = request;
  const filter = QueryFilter ?? ScanFilter;
  const type = operator === "OR" ? "or" : "and";
  if (isObject(expected)) request._condition = judged(expected, type, compare);
  if (isObject(filter)) request._filter = judged(filter, type, compare);
}

function judged(conditions: JsonObject, type: string, compare: Compare): JsonObject {
  const args = Object.entries(conditions).map(([name, condition]) => toExpression(name, condition));
  return { expression: judgedHere({ type, args }, compare) };
}

function toExpression(name: string, condition: unknown): JsonObject {
  const { ComparisonOperator: operator, Exists: exists, Value: value, ...rest } = isObject(condition) ? condition : {};
  if (exists === false) return { type: "attribute_not_exists", args: [[name]] };
  const values = value === undefined ? objectsOf(rest.AttributeValueList) : [value];
  if (operator === "NOT_CONTAINS") return { type: "not", args: [{ type: "contains", args: [[name], ...values] }] };
  return { type: OPERATORS[String(operator ?? "EQ")], args: [[name], ...values] };
}
