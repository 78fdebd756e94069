import { isObject } from "../localstack/json.ts";
import { namesIn } from "../localstack/template/intrinsics.ts";
import type { Template } from "./serverless.ts";

/**
 * Makes sure that whatever the template refers to is declared in it: CloudFormation would say so only when everything is uploaded.
 * @throws Error naming what is missing, and where it is referred to
 */
export function checkReferences(template: Template): void {
  const known = new Set([...Object.keys(template.Resources), ...Object.keys(template.Parameters ?? {})]);
  for (const { id, place } of references(template.Resources, ["Resources"])) {
    if (known.has(id) || id.startsWith("AWS::")) continue;
    throw new Error(
      `'${id}' is referred to at ${place.join(".")}, and is no resource: expected one that serverless.yml declares. Declare it under resources.Resources, or correct the name.`,
    );
  }
}

interface Reference {
  id: string;
  place: readonly string[];
}

/** Each resource that a value refers to, by `Ref`, `Fn::GetAtt`, the names in `Fn::Sub`, and `DependsOn`. */
export function* references(value: unknown, place: readonly string[]): Generator<Reference> {
  if (Array.isArray(value)) {
    for (const [index, entry] of value.entries()) yield* references(entry, [...place, String(index)]);
    return;
  }
  if (!isObject(value)) return;
  for (const [name, argument] of Object.entries(value)) {
    if (name === "Ref" && typeof argument === "string") yield { id: argument, place };
    else if (name === "Fn::GetAtt") yield { id: firstOf(argument), place };
    else if (name === "Fn::Sub") yield* substituted(argument, place);
    else if (name === "DependsOn" && place.length === 2) {
      for (const id of [argument].flat()) if (typeof id === "string") yield { id, place };
    } else yield* references(argument, [...place, name]);
  }
}

function firstOf(argument: unknown): string {
  return String(Array.isArray(argument) ? argument[0] : String(argument).split(".")[0]);
}

function* substituted(argument: unknown, place: readonly string[]): Generator<Reference> {
  const [text, variables] = Array.isArray(argument) ? argument : [argument, {}];
  const own = isObject(variables) ? variables : {};
  for (const name of namesIn(String(text))) {
    if (!Object.hasOwn(own, name)) yield { id: firstOf(name), place };
  }
  yield* references(own, place);
}
