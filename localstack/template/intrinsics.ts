import { isObject } from "../json.ts";

/** Where the values of a template come from: resources that exist, or are made when they are first asked for. */
export interface Scope {
  /** The value of `Ref`, of a resource or a pseudo parameter such as `AWS::Region`. */
  ref(name: string): Promise<string>;
  /** The value of `Fn::GetAtt`. */
  attribute(id: string, name: string): Promise<string>;
}

/**
 * Puts values in the place of CloudFormation's functions: `Ref`, `Fn::GetAtt`, `Fn::Sub`, `Fn::Join`, `Fn::Select`, `Fn::Split`.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
 * @throws Error naming a function that is not known here
 */
export async function resolveIntrinsics(value: unknown, scope: Scope): Promise<unknown> {
  if (Array.isArray(value)) return Promise.all(value.filter(isPresent).map((entry) => resolveIntrinsics(entry, scope)));
  if (!isObject(value)) return value;
  const [name, argument] = Object.entries(value)[0] ?? [];
  if (name !== undefined && Object.keys(value).length === 1 && (name === "Ref" || name.startsWith("Fn::"))) {
    return call(name, argument, scope);
  }
  const entries = await Promise.all(
    Object.entries(value)
      .filter(([, entry]) => isPresent(entry))
      .map(async ([key, entry]) => [key, await resolveIntrinsics(entry, scope)] as const),
  );
  return Object.fromEntries(entries);
}

/** `Ref: AWS::NoValue` takes a property, or an entry of a list, away. */
export function isPresent(value: unknown): boolean {
  return !(isObject(value) && value.Ref === "AWS::NoValue" && Object.keys(value).length === 1);
}

async function call(name: string, argument: unknown, scope: Scope): Promise<unknown> {
  switch (name) {
    case "Ref":
      return scope.ref(String(argument));
    case "Fn::GetAtt": {
      const [id = "", ...path] = Array.isArray(argument) ? argument.map(String) : String(argument).split(".");
      return scope.attribute(id, path.join("."));
    }
    case "Fn::Sub":
      return substitute(argument, scope);
    case "Fn::Join": {
      const [separator, parts] = list(await resolveIntrinsics(argument, scope));
      return list(parts).map(String).join(String(separator));
    }
    case "Fn::Select": {
      const [index, choices] = list(await resolveIntrinsics(argument, scope));
      return list(choices)[Number(index)];
    }
    case "Fn::Split": {
      const [separator, text] = list(await resolveIntrinsics(argument, scope));
      return String(text).split(String(separator));
    }
    default:
      throw new Error(
        `CloudFormation function '${name}' is not known to the local cloud: expected Ref, GetAtt, Sub, Join, Select or Split.`,
      );
  }
}

const NAME = /\$\{([^!}][^}]*)\}/g;

/** Names of resources and variables in the text of `Fn::Sub`. */
export function namesIn(text: string): string[] {
  return [...text.matchAll(NAME)].map(([, name = ""]) => name);
}

async function substitute(argument: unknown, scope: Scope): Promise<string> {
  const [template, variables] = Array.isArray(argument) ? argument : [argument, {}];
  const given = isObject(variables) ? variables : {};
  const text = String(template);
  const values = new Map<string, string>();
  for (const name of new Set(namesIn(text))) {
    const own = Object.hasOwn(given, name) ? await resolveIntrinsics(given[name], scope) : undefined;
    const [id = "", ...path] = name.split(".");
    values.set(
      name,
      String(own ?? (path.length > 0 ? await scope.attribute(id, path.join(".")) : await scope.ref(name))),
    );
  }
  return text.replaceAll(NAME, (whole, name: string) => values.get(name) ?? whole).replaceAll("${!", "${");
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
