/** A task's input as JSON Schema, as far as its schema can say it. */

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
  const standard: StandardSchemaV1["~standard"] & Partial<StandardJSONSchemaV1["~standard"]> = schema["~standard"];
  try {
    const options = { target: "draft-2020-12", ...(libraryOptions && { libraryOptions }) } as const;
    const { $schema, ...input } = { ...standard.jsonSchema?.input(options) };
    return standard.jsonSchema && input;
  } catch {
    // A schema may hold what JSON Schema cannot say, such as a transform; the task is still known.
    return undefined;
  }
}
