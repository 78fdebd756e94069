/** A result's schema: the types that it gives a task, and the check of the value that a run has returned. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { InvalidResultError } from "../errors.ts";
import { validate } from "./payload.ts";
import { thrownText } from "./payload-keys.ts";

/** The result before it becomes JSON: the schema's output where there is one. */
export type Stored<Returns extends StandardSchemaV1, Result> = [Returns] extends [never]
  ? Result
  : StandardSchemaV1.InferOutput<Returns>;

/**
 * Adds nothing to a schema that takes what `run` returns; with another the compiler says why. A value of type `unknown` is left to the schema;
 * so is `run` while the compiler does not look at it yet.
 */
export type Returnable<Returns extends StandardSchemaV1, Result> = [Returns] extends [never]
  ? unknown
  : unknown extends Result
    ? unknown
    : [Result] extends [Widened<StandardSchemaV1.InferInput<Returns>>]
      ? unknown
      : "'run' returns a value of a type that this schema refuses.";

/** A literal type as its kind: a function that returns `"paid"` is of type `string` before the schema looks at it. */
type Widened<T> = T extends string
  ? string
  : T extends number
    ? number
    : T extends boolean
      ? boolean
      : T extends (...args: never[]) => unknown
        ? T
        : T extends object
          ? { [K in keyof T]: Widened<T[K]> }
          : T;

/** @throws InvalidResultError for a value that the schema refuses, or throws for: the work is done, so another run would not help */
export async function checkResult(
  task: string,
  schema: StandardSchemaV1,
  { result, isSecret }: { result: unknown; isSecret: boolean },
): Promise<unknown> {
  const outcome = await validate(schema, result).catch((error: unknown) => ({
    issues: [{ message: `it threw ${thrownText(error)}` }],
  }));
  if (outcome.issues === undefined) return outcome.value;
  // A schema's sentence may repeat the value.
  const unsaid = [{ message: "the reason is not shown, for it may repeat a secret" }];
  throw new InvalidResultError(task, isSecret ? unsaid : outcome.issues);
}
