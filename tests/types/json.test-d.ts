/** The type of a value that went through JSON agrees with the writer; `tsc` runs this file. */

import { expectTypeOf } from "vitest";
import * as z from "zod";
import { type Json, type Jsonified, type StoredError, type TaskContext, task } from "../../shared/index.ts";

// Values that the writer refuses.
type Refused = [
  Jsonified<Map<string, number>>,
  Jsonified<ReadonlyMap<string, number>>,
  Jsonified<Set<string>>,
  Jsonified<WeakMap<object, number>>,
  Jsonified<Promise<number>>,
  Jsonified<Generator<number>>,
  Jsonified<AsyncGenerator<number>>,
  Jsonified<IterableIterator<number>>,
  Jsonified<NodeJS.ReadableStream>,
  Jsonified<RegExp>,
  Jsonified<Error>,
  Jsonified<TypeError>,
  Jsonified<Buffer>,
  Jsonified<Uint8Array>,
  Jsonified<ArrayBuffer>,
  Jsonified<bigint>,
  Jsonified<symbol>,
  Jsonified<() => void>,
];
expectTypeOf<Refused[number]>().toEqualTypeOf<never>();
expectTypeOf<Jsonified<{ seen: Map<string, number> }>>().toEqualTypeOf<{ seen: never }>();
expectTypeOf<Jsonified<string | Map<string, number>>>().toEqualTypeOf<string>();

// Values that it turns into others.
expectTypeOf<Jsonified<undefined>>().toEqualTypeOf<null>();
expectTypeOf<Jsonified<ReturnType<() => void>>>().toEqualTypeOf<null>();
expectTypeOf<Jsonified<Date>>().toEqualTypeOf<string>();
expectTypeOf<Jsonified<URL>>().toEqualTypeOf<string>();
expectTypeOf<Jsonified<(number | undefined)[]>>().toEqualTypeOf<(number | null)[]>();
expectTypeOf<Jsonified<[Date, number?]>>().toExtend<[string, (number | null | undefined)?]>();
expectTypeOf<Jsonified<{ a: number; run: () => void; [Symbol.iterator]: string }>>().toEqualTypeOf<{ a: number }>();
expectTypeOf<Jsonified<unknown>>().toEqualTypeOf<Json>();
expectTypeOf<Jsonified<Json>>().toEqualTypeOf<Json>();
expectTypeOf<Jsonified<{ found: Json; at: Date }>>().toEqualTypeOf<{ found: Json; at: string }>();

// Data stays as it is, even where it looks like an error, an iterator or bytes.
interface Found {
  name: string;
  message: string;
}
expectTypeOf<Jsonified<Found>>().toEqualTypeOf<Found>();
expectTypeOf<Jsonified<StoredError>["message"]>().toEqualTypeOf<string>();
expectTypeOf<Jsonified<{ next: string; size: number; byteLength: number }>>().toEqualTypeOf<{
  next: string;
  size: number;
  byteLength: number;
}>();

// A task whose result cannot be known yet.
export function makeTask<Result>(run: (context: TaskContext) => Result) {
  return task({ name: "made", payload: z.object({}), run: (_, context) => run(context) });
}
expectTypeOf(makeTask(() => new Date()).delay)
  .returns.resolves.toHaveProperty("get")
  .returns.resolves.toEqualTypeOf<string>();

export const always = task({
  name: "always_fails",
  payload: z.object({}),
  run: () => {
    throw new Error("no");
  },
});
