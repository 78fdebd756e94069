/**
 * Code that must and must not compile. `tsc` over the whole project is what runs this file: an expected error that is none fails
 * it, as does an unexpected one.
 */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { expectTypeOf } from "vitest";
import * as z from "zod";
import { type AsyncResult, beatSchedule, chain, crontab, type Json, type Jsonified, task } from "../../shared/index.ts";
import type { Sendable } from "../../shared/task/payload.ts";

const add = task({ name: "add", payload: z.object({ x: z.number(), y: z.number() }), run: ({ x, y }) => x + y });
const parse = task({
  name: "parse",
  payload: z.object({ day: z.string().transform((text) => new Date(text)), note: z.string().default("") }),
  run: ({ day, note }) => {
    expectTypeOf(day).toEqualTypeOf<Date>();
    expectTypeOf(note).toEqualTypeOf<string>();
    return { day, note, nothing: undefined as number | undefined };
  },
});

expectTypeOf(add.delay).parameter(0).toEqualTypeOf<{ x: number; y: number }>();
expectTypeOf(add.delay).returns.resolves.toEqualTypeOf<AsyncResult<number>>();

// A payload is typed by what goes in, a result by what comes out of JSON.
expectTypeOf(parse.delay).parameter(0).toEqualTypeOf<{ day: string; note?: string | undefined }>();
type Parsed = Awaited<ReturnType<Awaited<ReturnType<typeof parse.delay>>["get"]>>;
expectTypeOf<Parsed["day"]>().toEqualTypeOf<string>();
expectTypeOf<Parsed["nothing"]>().toEqualTypeOf<number | undefined>();
expectTypeOf<Jsonified<Map<string, number>>>().not.toEqualTypeOf<Map<string, number>>();
expectTypeOf<Jsonified<undefined>>().toEqualTypeOf<null>();
expectTypeOf<Jsonified<[Date, number?]>>().toExtend<[string, (number | null | undefined)?]>();

// A task that takes no payload, and one whose fields are all optional, are called without one.
const tick = task({
  name: "tick",
  run: (payload, { id }) => {
    expectTypeOf(payload).toEqualTypeOf<null>();
    return id;
  },
});
const page = task({ name: "page", payload: z.object({ size: z.number().optional() }), run: ({ size = 10 }) => size });
const anything = task({ name: "anything", payload: z.unknown(), run: () => 1 });
const text = task({ name: "text", payload: z.string(), run: () => 1 });
const nullable = task({ name: "nullable", payload: z.object({ n: z.number() }).nullable(), run: () => 1 });
const list = task({ name: "list", payload: z.array(z.string()), run: () => 1 });

expectTypeOf(tick.delay).returns.resolves.toEqualTypeOf<AsyncResult<string>>();
export const withoutPayload = [
  () => [
    tick.delay(),
    tick.delay(null),
    tick.delay({}),
    tick.applyAsync(),
    tick.applyAsync(undefined, { countdown: 5 }),
  ],
  () => [page.delay(), page.delay({ size: 5 }), page.applyAsync(undefined, { countdown: 5 }), anything.delay()],
  () => ["1", "2"].map(text.delay),
];

/** A schema of any other library, whose input and output are T. */
declare function otherLibrary<T>(): StandardSchemaV1<T>;

// A JSON value is a payload, and a schema may make anything of it.
interface Tree {
  name: string;
  children: Tree[];
}
const tree: z.ZodType<Tree, Tree> = z.lazy(() => z.object({ name: z.string(), children: z.array(tree) }));
const made = z.codec(z.iso.datetime(), z.date(), {
  decode: (day) => new Date(day),
  encode: (day) => day.toISOString(),
});
export const sendable = [
  task({
    name: "t",
    payload: z.object({ at: z.coerce.date(), n: z.coerce.bigint(), made }),
    run: ({ at }) => at.getTime(),
  }),
  task({ name: "t", payload: z.union([z.string(), z.date()]), run: () => 1 }),
  task({ name: "t", payload: tree, run: () => 1 }),
  task({ name: "t", payload: z.json(), run: () => 1 }),
  task({ name: "t", payload: z.custom<Json>(), run: () => 1 }),
  task({ name: "t", payload: z.any(), run: () => 1 }),
  task({ name: "t", payload: z.record(z.string(), z.tuple([z.number(), z.enum(["a", "b"])])), run: () => 1 }),
  task({
    name: "t",
    payload: otherLibrary<{ day: string; n?: number }>(),
    run: () => 1,
  }),
];

expectTypeOf<Sendable<z.ZodObject<{ at: z.ZodDate }>>>().toExtend<`A payload is sent as JSON${string}`>();
expectTypeOf<Sendable<z.ZodVoid>>().toExtend<`For a task that takes no payload${string}`>();
// biome-ignore format: the error is expected on the next line
export const unsendable = [
  // @ts-expect-error a Date is text in JSON, which z.date() refuses
  () => task({ name: "t", payload: z.date(), run: () => 1 }),
  // @ts-expect-error the same within an object …
  () => task({ name: "t", payload: z.object({ at: z.date() }), run: () => 1 }),
  // @ts-expect-error … deep within, and optional
  () => task({ name: "t", payload: z.object({ a: z.array(z.object({ at: z.date().optional() })) }), run: () => 1 }),
  // @ts-expect-error one member of a union that does not fit the others
  () => task({ name: "t", payload: z.object({ at: z.number().or(z.date()) }), run: () => 1 }),
  // @ts-expect-error values of a record
  () => task({ name: "t", payload: z.record(z.string(), z.date()), run: () => 1 }),
  // @ts-expect-error members of a tuple
  () => task({ name: "t", payload: z.tuple([z.string(), z.date()]), run: () => 1 }),
  // @ts-expect-error JSON has no BigInt
  () => task({ name: "t", payload: z.object({ n: z.bigint() }), run: () => 1 }),
  // @ts-expect-error a Map becomes {}
  () => task({ name: "t", payload: z.map(z.string(), z.number()), run: () => 1 }),
  // @ts-expect-error a Set becomes {}
  () => task({ name: "t", payload: z.object({ s: z.set(z.string()) }), run: () => 1 }),
  // @ts-expect-error a class loses its methods
  () => task({ name: "t", payload: z.object({ u: z.instanceof(URL) }), run: () => 1 }),
  // @ts-expect-error bytes become an object of numbers
  () => task({ name: "t", payload: z.object({ b: z.instanceof(Uint8Array) }), run: () => 1 }),
  // @ts-expect-error a function is left out
  () => task({ name: "t", payload: z.object({ f: z.function() }), run: () => 1 }),
  // @ts-expect-error a symbol, too
  () => task({ name: "t", payload: z.object({ s: z.symbol() }), run: () => 1 }),
  // @ts-expect-error another library's date
  () => task({ name: "t", payload: otherLibrary<{ at: Date }>(), run: () => 1 }),
  // @ts-expect-error JSON has no undefined: a task without a payload has no schema
  () => task({ name: "t", payload: z.undefined(), run: () => 1 }),
  // @ts-expect-error nor void
  () => task({ name: "t", payload: z.void(), run: () => 1 }),
];

export const wrong = [
  // @ts-expect-error a payload with fields cannot be left out
  () => add.delay(),
  // @ts-expect-error not for options either
  () => add.applyAsync(undefined, { countdown: 5 }),
  // @ts-expect-error nor a text
  () => text.delay(),
  // @ts-expect-error nor a list
  () => list.delay(),
  // @ts-expect-error null is not left out
  () => nullable.delay(),
  // @ts-expect-error a task that takes no payload
  () => tick.delay({ x: 1 }),
  // @ts-expect-error an optional field has its type all the same
  () => page.delay({ size: "5" }),
  // @ts-expect-error a beat entry's payload, too, is only left out where none is needed
  () => beatSchedule({ entry: { task: add, schedule: crontab() } }),
  // @ts-expect-error and not given where none is taken
  () => beatSchedule({ entry: { task: tick, payload: { x: 1 }, schedule: crontab() } }),
  // @ts-expect-error a number is not text
  () => add.delay({ x: "4", y: 6 }),
  // @ts-expect-error y is missing
  () => add.delay({ x: 4 }),
  // @ts-expect-error a mistyped option
  () => add.applyAsync({ x: 4, y: 6 }, { cuontdown: 5 }),
  // @ts-expect-error either a countdown or an eta
  () => add.applyAsync({ x: 4, y: 6 }, { countdown: 5, eta: new Date() }),
  // @ts-expect-error a lifetime of a key that is not given
  () => add.applyAsync({ x: 4, y: 6 }, { idempotencyExpires: 60 }),
  // @ts-expect-error one of throttle and debounce
  () => add.applyAsync({ x: 4, y: 6 }, { throttle: { key: "a", period: 1 }, debounce: { key: "a", wait: 1 } }),
  // @ts-expect-error a debounced call is delayed by its debounce
  () => add.applyAsync({ x: 4, y: 6 }, { debounce: { key: "a", wait: 1 }, countdown: 5 }),
  // @ts-expect-error the key of a tenant is text
  () => task({ name: "t", payload: z.object({ n: z.number() }), concurrencyKey: ({ n }) => n, run: () => 1 }),
  // @ts-expect-error a hook gets what the task returns
  () => task({ name: "t", payload: z.object({}), hooks: { onSuccess: (n: string) => n.length }, run: () => 1 }),
  // @ts-expect-error a beat entry's payload must fit its task
  () => beatSchedule({ entry: { task: add, payload: { x: 1 }, schedule: crontab() } }),
  // @ts-expect-error crontab's fields are Celery's in camelCase
  () => crontab({ day_of_week: 1 }),
  // @ts-expect-error retries are limited by maxRetries
  () => task({ name: "t", payload: z.object({}), retry: { max_retries: 3 }, run: () => 1 }),
];

export const right = beatSchedule({
  entry: { task: add, payload: { x: 1, y: 2 }, schedule: crontab({ hour: 8, minute: 0 }) },
  tick: { task: tick, schedule: crontab({ minute: 0 }) },
  page: { task: page, schedule: crontab({ minute: 0 }) },
});

// A result is typed by what its schema gives, and run by what it takes; literal types are left to the schema.
const total = task({
  name: "total",
  payload: z.object({ card: z.boolean() }),
  result: z.object({ by: z.enum(["card", "cash"]), at: z.date().transform((day) => day.toISOString()) }),
  run: ({ card }) => ({ by: card ? "card" : "cash", at: new Date() }),
  hooks: { onSuccess: ({ at }) => void expectTypeOf(at).toEqualTypeOf<string>() },
});
expectTypeOf(total.delay).returns.resolves.toEqualTypeOf<AsyncResult<{ by: "card" | "cash"; at: string }>>();
expectTypeOf(chain(total.s({ card: true })).delay).returns.resolves.toEqualTypeOf<
  AsyncResult<{ by: "card" | "cash"; at: string }>
>();
export const refusedResults = [
  // @ts-expect-error a text is no number
  () => task({ name: "a", result: z.object({ n: z.number() }), run: async () => ({ n: "1" }) }),
  // @ts-expect-error a field is missing
  () => task({ name: "a", result: z.object({ n: z.number() }), run: () => ({}) }),
  // @ts-expect-error nothing is returned
  () => task({ name: "a", result: z.string(), run: () => {} }),
];

// Hooks in front of `run`: as long as none has to know the result, all is inferred; one that names its type is held to it.
const counted = z.object({ x: z.number() });
const told = task({
  name: "told",
  payload: counted,
  hooks: { onSuccess: (result: number) => void result, onFailure: (_, given) => void given?.x },
  run: ({ x }) => x,
});
expectTypeOf<Awaited<ReturnType<typeof told.delay>>["get"]>().returns.resolves.toEqualTypeOf<number>();
// The compiler has not seen `run` by then, and says `unknown` (docs/guide/03-retries.md).
task({
  name: "early",
  payload: counted,
  hooks: { onSuccess: (result) => void expectTypeOf(result).toEqualTypeOf<unknown>() },
  run: ({ x }) => x,
});
task({
  name: "late",
  payload: counted,
  run: ({ x }) => x,
  hooks: { onSuccess: (result) => void expectTypeOf(result).toEqualTypeOf<number>() },
});
