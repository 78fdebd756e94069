/** A task's payload and result as JSON Schema, as far as their schemas can say it. */

import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";

export type JsonSchema = Record<string, unknown>;

/**
 * The input of a schema, if it can say it: those of zod (4.2 or newer) and arktype can; one of valibot can once `toStandardJsonSchema` of
 * `@valibot/to-json-schema` was called with it. https://standardschema.dev/json-schema
 * @param libraryOptions what the schema's own library is told
 */
export function inputSchemaOf(
  schema: StandardSchemaV1,
  libraryOptions?: Readonly<Record<string, unknown>>,
): JsonSchema | undefined {
  return saidBy(schema, "input", libraryOptions);
}

/** The output of a schema, likewise: of a result, the value that is stored. */
export function outputSchemaOf(
  schema: StandardSchemaV1,
  libraryOptions?: Readonly<Record<string, unknown>>,
): JsonSchema | undefined {
  return saidBy(schema, "output", libraryOptions);
}

function saidBy(
  schema: StandardSchemaV1,
  side: "input" | "output",
  libraryOptions: Readonly<Record<string, unknown>> | undefined,
): JsonSchema | undefined {
  const standard: StandardSchemaV1["~standard"] & Partial<StandardJSONSchemaV1["~standard"]> = schema["~standard"];
  try {
    const options = { target: "draft-2020-12", ...(libraryOptions && { libraryOptions }) } as const;
    const { $schema, ...said } = { ...standard.jsonSchema?.[side](options) };
    return standard.jsonSchema && said;
  } catch {
    // A schema may hold what JSON Schema cannot say, such as a transform; the task is still known.
    return undefined;
  }
}
