/** JSON Schemas of the contract, as forms need them. */

export interface Schema {
  $ref?: string;
  type?: string | string[];
  title?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  format?: string;
  writeOnly?: boolean;
  secret?: boolean;
}

export interface Contract {
  components: { schemas: Record<string, Schema> };
}

/** How a value of a schema is entered. */
export type Input = "text" | "number" | "boolean" | "choice" | "object" | "json";

/** A schema without its reference. One that refers in a circle ends as it is. */
export function resolved(schema: Schema, contract: Contract, depth = 0): Schema {
  if (schema.$ref === undefined || depth > 8) return schema;
  const parts = schema.$ref.replace(/^#\//, "").split("/").map(decodePointer);
  let found: unknown = contract;
  for (const part of parts) found = typeof found === "object" && found !== null ? Reflect.get(found, part) : undefined;
  return typeof found === "object" && found !== null ? resolved(found, contract, depth + 1) : {};
}

function decodePointer(text: string): string {
  return text.replaceAll("~1", "/").replaceAll("~0", "~");
}

/** The input of a resolved schema; whatever is no plain field is entered as JSON. */
export function inputOf(schema: Schema): Input {
  if (schema.enum?.every((one) => typeof one === "string")) return "choice";
  switch (schema.type) {
    case "string":
      return "text";
    case "number":
    case "integer":
      return "number";
    case "boolean":
      return "boolean";
    case "object":
      return schema.properties === undefined ? "json" : "object";
    default:
      return "json";
  }
}

/** A value to begin a form with: defaults, and nothing where nothing is said. */
export function emptyValue(schema: Schema, contract: Contract, depth = 0): unknown {
  const plain = resolved(schema, contract);
  if (plain.default !== undefined) return plain.default;
  if (plain.const !== undefined) return plain.const;
  if (inputOf(plain) !== "object" || depth > 4) return undefined;
  const required = new Set(plain.required);
  const entries = Object.entries(plain.properties ?? {}).flatMap(([name, field]) => {
    const value = required.has(name) ? emptyValue(field, contract, depth + 1) : resolved(field, contract).default;
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(entries);
}

/** An object with another value of a field; undefined takes the field away. */
export function withField(value: unknown, name: string, field: unknown): Record<string, unknown> {
  const { [name]: _, ...rest } = { ...(typeof value === "object" && value !== null ? value : {}) } as Record<
    string,
    unknown
  >;
  return field === undefined ? rest : { ...rest, [name]: field };
}
