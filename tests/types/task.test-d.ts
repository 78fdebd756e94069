/**
 * What must and must not compile. `tsc` over the whole project is what runs this file: an expected error that is none fails
 * it, as does an unexpected one.
 */

import { expectTypeOf } from "vitest";
import * as z from "zod";
import { type AsyncResult, beatSchedule, crontab, type Jsonified, task } from "../../shared/index.ts";

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

export const wrong = [
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
});
