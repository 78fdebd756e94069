/** How a payload is given: typed by what JSON can hold, and left out where nothing, or `{}`, will do. */

import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import type { Json } from "../message/json.ts";

/** The payload of a task that takes none: `null` in its messages, and where it runs. */
type NoPayload = null | Record<string, never>;

export type NoPayloadSchema = StandardSchemaV1<NoPayload, null> & StandardJSONSchemaV1<NoPayload, null>;

/** The schema of a task that names none. */
export const NO_PAYLOAD: NoPayloadSchema = {
  "~standard": {
    version: 1,
    vendor: "lovage",
    validate: (value) =>
      isNone(value)
        ? { value: null }
        : { issues: [{ message: "this task takes none, so leave it out, or give its task() a 'payload' schema" }] },
    jsonSchema: {
      input: () => ({ type: ["null", "object"], maxProperties: 0 }),
      output: () => ({ type: "null" }),
    },
  },
};

/** Whether a value is a Standard Schema, as far as one can see. */
export function isSchema(value: unknown): boolean {
  const holder = (typeof value === "object" || typeof value === "function") && value !== null ? value : {};
  return "~standard" in holder && typeof Object(holder["~standard"]).validate === "function";
}

/** Asks a schema about a payload, or a result. Rejects if the schema throws, at once or later. */
export async function validate<Schema extends StandardSchemaV1>(
  schema: Schema,
  payload: unknown,
): Promise<StandardSchemaV1.Result<StandardSchemaV1.InferOutput<Schema>>> {
  if (!isZod(schema)) return schema["~standard"].validate(payload);
  const outcome = await schema.safeParseAsync(payload);
  return outcome.success ? { value: outcome.data } : { issues: outcome.error.issues };
}

/**
 * A method that zod offers beside the standard. Its `validate` tries first without waiting: it calls each async refinement twice, and drops the
 * promise of the first call. If that rejects, for a database is away, there is nobody to hear it, and the process ends.
 */
interface Zod<Output> {
  safeParseAsync(
    payload: unknown,
  ): Promise<{ success: true; data: Output } | { success: false; error: { issues: StandardSchemaV1.Issue[] } }>;
}

function isZod<Schema extends StandardSchemaV1>(
  schema: Schema,
): schema is Schema & Zod<StandardSchemaV1.InferOutput<Schema>> {
  const isNamed = schema["~standard"].vendor === "zod" && "safeParseAsync" in schema;
  return isNamed && typeof schema.safeParseAsync === "function";
}

/**
 * The payload that is sent: a task whose fields are all optional may be called without a payload, as may one that takes none.
 * @param isNewest it is of the version that the schema takes
 */
export function payloadOrNone(schema: StandardSchemaV1, payload: unknown, isNewest = true): unknown {
  if (isNewest && schema === NO_PAYLOAD) return payload === undefined || isNone(payload) ? null : payload;
  return payload === undefined ? {} : payload;
}

function isNone(value: unknown): boolean {
  if (typeof value !== "object" || Array.isArray(value)) return false;
  return value === null || Object.keys(value).length === 0;
}

/** Whether a payload may be left out: `{}` fits. */
type MayBeNone<Input, Yes, No> = Record<string, never> extends Input ? Yes : No;

type Given<Input> = Exclude<Input, undefined>;

/** The arguments of `delay`. */
export type PayloadCall<Input> = MayBeNone<Input, [payload?: Given<Input> | undefined], [payload: Given<Input>]>;

/** The arguments of `applyAsync`. */
export type OptionsCall<Input, Options> = MayBeNone<
  Input,
  [payload?: Given<Input> | undefined, options?: Options],
  [payload: Given<Input>, options?: Options]
>;

/** How a beat entry says it. */
export type PayloadField<Input> = MayBeNone<Input, { payload?: Given<Input> | undefined }, { payload: Given<Input> }>;

/** Adds nothing to a schema whose input survives JSON; with any other, no value fits both, and the compiler says why. */
export type Sendable<Schema extends StandardSchemaV1> =
  unknown extends StandardSchemaV1.InferInput<Schema>
    ? unknown
    : // biome-ignore lint/suspicious/noConfusingVoidType: it is the input of z.void(), which is what is looked for.
      [StandardSchemaV1.InferInput<Schema>] extends [void]
      ? "For a task that takes no payload, leave 'payload' out."
      : [Arrived<StandardSchemaV1.InferInput<Schema>>] extends [StandardSchemaV1.InferInput<Schema>]
        ? unknown
        : "A payload is sent as JSON, which has no Date, BigInt, Map, Set, class or function, so this schema would refuse every one: use z.coerce.date() or z.iso.datetime(), z.coerce.bigint(), z.record(), z.array().";

/** The type of a value after it was sent: the same, or something else that does not fit its type. */
type Arrived<T> = [T] extends [Json] ? T : ArrivedPart<T>;

type ArrivedPart<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends bigint | symbol | ((...args: never[]) => unknown)
    ? Lost
    : T extends { toJSON(): infer Text }
      ? Arrived<Text>
      : T extends object
        ? { [K in keyof T]: Arrived<T[K]> }
        : Lost;

declare const LOST: unique symbol;
interface Lost {
  readonly [LOST]: true;
}
