import { isObject } from "../localstack/json.ts";
import { listField, objectField, resourcesOf, textField } from "../localstack/template/template.ts";
import { referenced } from "./mappings.ts";
import type { Resolve } from "./resolve-template.ts";
import type { Template } from "./serverless.ts";

/** One statement of a role's policies, its functions resolved. */
export interface Statement {
  effect: string;
  actions: readonly string[];
  resources: readonly string[];
  conditions: Readonly<Record<string, unknown>>;
}

/** The context of a call, beside action and resource: the condition keys that AWS would fill in. */
export type CallContext = Readonly<Record<string, readonly string[]>>;

/** All statements of the policies that a role carries, and of those that name it. */
export async function statementsOf(template: Template, roleId: string, resolve: Resolve): Promise<Statement[]> {
  const beside = resourcesOf(template, "AWS::IAM::Policy")
    .map(({ properties }) => properties)
    .filter((policy) => listField(policy, "Roles").some((role) => referenced(role) === roleId));
  const resolved = await resolve({ ...template.Resources[roleId]?.Properties, beside });
  const policies = isObject(resolved)
    ? [...listField(resolved, "Policies"), ...listField(resolved, "beside")].filter(isObject)
    : [];
  const documents = policies.map((policy) => objectField(policy, "PolicyDocument") ?? {});
  return documents
    .flatMap((document) => [document.Statement].flat().filter(isObject))
    .map((statement) => ({
      effect: textField(statement, "Effect") ?? "Deny",
      actions: [statement.Action].flat().map(String),
      resources: [statement.Resource].flat().map(String),
      conditions: objectField(statement, "Condition") ?? {},
    }));
}

/**
 * Whether a role may do this, as IAM decides: an explicit Deny wins, else one Allow is enough. Knows the operators that our
 * templates use; a condition with any other is taken as not met.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
export function allows(
  statements: readonly Statement[],
  action: string,
  resource: string,
  context: CallContext = {},
): boolean {
  const matching = statements.filter(
    (one) =>
      one.actions.some((pattern) => matches(pattern.toLowerCase(), action.toLowerCase())) &&
      one.resources.some((pattern) => matches(pattern, resource)) &&
      isMet(one.conditions, context),
  );
  return matching.some(({ effect }) => effect === "Allow") && !matching.some(({ effect }) => effect === "Deny");
}

/** `*` stands for any text and `?` for one character. */
function matches(pattern: string, text: string): boolean {
  const expression = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${expression}$`, "s").test(text);
}

function isMet(conditions: Readonly<Record<string, unknown>>, context: CallContext): boolean {
  return Object.entries(conditions).every(([operator, keys]) =>
    Object.entries(isObject(keys) ? keys : {}).every(([key, expected]) => {
      const accepted = [expected].flat().map(String);
      const given = context[key] ?? [];
      switch (operator) {
        case "StringEquals":
          return given.length > 0 && given.every((value) => accepted.includes(value));
        case "ForAllValues:StringEquals":
          return given.every((value) => accepted.includes(value));
        case "StringLike":
          return given.length > 0 && given.every((value) => accepted.some((pattern) => matches(pattern, value)));
        case "ForAllValues:StringLike":
          return given.every((value) => accepted.some((pattern) => matches(pattern, value)));
        default:
          return false;
      }
    }),
  );
}
