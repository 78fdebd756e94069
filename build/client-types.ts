/** Declarations of a service's tasks for clients in other repositories, written from its contract. */

import { createHash } from "node:crypto";
import { isObject } from "../localstack/json.ts";

type Document = Readonly<Record<string, unknown>>;

/**
 * The text of a `.d.ts` with an interface `Tasks`, for `createClient<Tasks>`. Payloads are those of the tasks' schemas, as far as JSON Schema
 * says them, and so are results; of a task without a schema of its result a contract says nothing, so it is `unknown`.
 * @param contract the answer of `GET /openapi.json`
 * @throws Error for what is no contract of Lovage
 */
export function clientTypes(contract: unknown): string {
  const writer = createWriter(contract);
  const paths = part(contract, "paths");
  const tasks = Object.entries(paths).flatMap(([path, calls]) => {
    const call = part(calls, "post");
    // Names in paths are those of tasks: letters, digits, '_', '-' and '.'.
    if (!String(call.operationId).startsWith("send_") || !path.startsWith("/tasks/")) return [];
    const schema = part(call, "requestBody", "content", "application/json", "schema", "properties", "payload");
    const name = JSON.stringify(path.slice("/tasks/".length));
    return [`  ${name}: { payload: ${writer.typeOf(schema)}; result: ${writer.typeOf(call["x-result"])} };`];
  });
  if (tasks.length === 0)
    throw new Error("The contract has no call that sends a task: is it that of GET /openapi.json?");
  const declared = [
    "/** The tasks of the service, by their names: `createClient<Tasks>({ url, key })`. */",
    "export interface Tasks {",
    ...tasks.toSorted(),
    "}",
    ...writer.named(),
    "",
  ].join("\n");
  const hash = createHash("sha256").update(declared).digest("hex").slice(0, 16);
  return `// Written from a service's contract by Lovage: lovage types. Do not edit. Hash: ${hash}\n\n${declared}`;
}

/** A part of a document; an empty object where there is none. */
function part(document: unknown, ...path: readonly string[]): Document {
  let found = document;
  for (const name of path) found = isObject(found) ? found[name] : undefined;
  return isObject(found) ? found : {};
}

interface Writer {
  /** A schema as a type. */
  typeOf(schema: unknown): string;
  /** Declarations of the types that those have named. */
  named(): string[];
}

/** Writes JSON Schemas as types. A schema that another one refers to becomes a type with a name, so one may refer to itself. */
function createWriter(contract: unknown): Writer {
  const names = new Map<string, string>();

  const nameOf = (reference: string): string => {
    const known = names.get(reference);
    if (known !== undefined) return known;
    const words = reference.replace("#/components/schemas/", "").replaceAll(/\W+/g, "_");
    const taken = [...names.values()];
    let name = words;
    for (let number = 2; taken.includes(name); number++) name = `${words}_${number}`;
    names.set(reference, name);
    return name;
  };

  const typeOf = (schema: unknown): string => {
    if (schema === false) return "never";
    if (!isObject(schema)) return "unknown";
    const { $ref, type, anyOf, oneOf, allOf } = schema;
    if (typeof $ref === "string") return nameOf($ref);
    if ("const" in schema) return JSON.stringify(schema.const);
    if (Array.isArray(schema.enum)) return union(schema.enum.map((value) => JSON.stringify(value)));
    const choices = Array.isArray(anyOf) ? anyOf : oneOf;
    if (Array.isArray(choices)) return union(choices.map(typeOf));
    if (Array.isArray(allOf)) return allOf.map((one) => `(${typeOf(one)})`).join(" & ");
    return union([type].flat().map((one) => plainType(one, schema)));
  };

  const plainType = (type: unknown, schema: Document): string => {
    switch (type) {
      case "string":
      case "boolean":
      case "null":
      case "number":
        return type;
      case "integer":
        return "number";
      case "array":
        return listType(schema);
      case "object":
        return objectType(schema);
      default:
        return "unknown";
    }
  };

  const listType = ({ items, prefixItems }: Document): string => {
    if (!Array.isArray(prefixItems)) return `(${typeOf(items)})[]`;
    const rest = items === undefined || items === false ? [] : [`...(${typeOf(items)})[]`];
    return `[${[...prefixItems.map(typeOf), ...rest].join(", ")}]`;
  };

  const objectType = ({ properties, required, additionalProperties, maxProperties }: Document): string => {
    const needed: unknown[] = Array.isArray(required) ? required : [];
    const fields = Object.entries(isObject(properties) ? properties : {}).map(([name, field]) => {
      const description = isObject(field) ? field.description : undefined;
      const comment = typeof description === "string" ? `/** ${description.replaceAll("*/", "*\\/")} */ ` : "";
      return `${comment}${JSON.stringify(name)}${needed.includes(name) ? "" : "?"}: ${typeOf(field)}`;
    });
    if (fields.length > 0) return `{ ${fields.join("; ")} }`;
    if (maxProperties === 0 || additionalProperties === false) return "Record<string, never>";
    return `{ [name: string]: ${typeOf(additionalProperties)} }`;
  };

  return {
    typeOf,
    named() {
      const lines: string[] = [];
      // Each may name others, which are written after it.
      for (const [reference, name] of names) {
        const path = reference.replace("#/", "").split("/");
        lines.push("", `export type ${name} = ${typeOf(part(contract, ...path))};`);
      }
      return lines;
    },
  };
}

function union(types: readonly string[]): string {
  return [...new Set(types)].join(" | ");
}
