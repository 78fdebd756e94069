/** Code with a client that must and must not compile: `tsc` over the whole project runs this file. */

import { expectTypeOf } from "vitest";
import * as z from "zod";
import { createClient, type TaskResult, type WithResults } from "../../shared/client/index.ts";
import { type Json, task } from "../../shared/index.ts";

const add = task({ name: "add", payload: z.object({ x: z.number(), y: z.number() }), run: ({ x, y }) => x + y });
const sendEmail = task({ name: "send_email", payload: z.object({ to: z.string() }), run: () => ({ at: new Date() }) });
const tick = task({ name: "tick", run: () => null });
const page = task({ name: "billing.page", payload: z.object({ size: z.number().default(5) }), run: () => [1] });
const then = task({ name: "then", payload: z.object({}), run: () => "then" });

expectTypeOf(add.name).toEqualTypeOf<"add">();

/** As `typeof import("./tasks.ts")` is: with exports that are no tasks. */
interface TaskModule {
  add: typeof add;
  sendEmail: typeof sendEmail;
  helper: () => void;
  LIMIT: number;
  schedule: { nightly: { task: typeof add } };
}
const settings = { url: "https://api.example.com" };
const client = createClient<TaskModule>(settings);

// By the tasks' names, not by those of their exports.
expectTypeOf<keyof typeof client.tasks>().toEqualTypeOf<"add" | "send_email">();
expectTypeOf(client.tasks.add.delay).parameter(0).toEqualTypeOf<{ x: number; y: number }>();
expectTypeOf(client.tasks.add.delay).returns.resolves.toEqualTypeOf<TaskResult<number>>();
expectTypeOf(client.tasks.send_email.delay).returns.resolves.toEqualTypeOf<TaskResult<{ at: string }>>();
expectTypeOf(client.task("add")).toEqualTypeOf<typeof client.tasks.add>();

// Several modules; names that are no identifiers, or that an object may have itself.
const all = createClient<{ a: TaskModule; b: { tick: typeof tick; page: typeof page; then: typeof then } }>(settings);
expectTypeOf<keyof typeof all.tasks>().toEqualTypeOf<"add" | "send_email" | "tick" | "billing.page" | "then">();
expectTypeOf(all.tasks["billing.page"].delay).returns.resolves.toEqualTypeOf<TaskResult<number[]>>();
export const withoutPayload = () => [
  all.tasks.tick.delay(),
  all.tasks["billing.page"].delay(),
  all.tasks.then.delay(),
  all.task("tick").applyAsync(undefined, { countdown: 5 }),
];

// A contract, as `lovage types` writes it.
interface Contract {
  add: { payload: { x: number; y: number }; result: unknown };
  tick: { payload: null | Record<string, never>; result: unknown };
}
const far = createClient<Contract>(settings);
expectTypeOf(far.tasks.add.delay).parameter(0).toEqualTypeOf<{ x: number; y: number }>();
expectTypeOf(far.tasks.add.delay).returns.resolves.toEqualTypeOf<TaskResult<unknown>>();
const told = createClient<WithResults<Contract, { add: number }>>(settings);
expectTypeOf(told.tasks.add.delay).returns.resolves.toEqualTypeOf<TaskResult<number>>();
export const ofContract = () => [far.tasks.tick.delay(), far.tasks.add.delay({ x: 1, y: 2 })];

// Nothing is known: any name, and JSON.
const any = createClient(settings);
expectTypeOf(any.task("anything").delay).returns.resolves.toEqualTypeOf<TaskResult<Json>>();
export const untyped = () => any.task("anything").delay({ a: [1] });

export const options = () => [
  client.tasks.add.applyAsync(
    { x: 1, y: 2 },
    { eta: new Date(), tags: ["a"], id: "01a20545-3078-75ef-b431-9dde9371f6cf", signal: AbortSignal.timeout(5) },
  ),
  client.workflows.send({ chain: [{ task: "add", payload: { x: 1 } }, { each: { task: "send_email" } }] }),
];

export const wrong = [
  // @ts-expect-error a field is missing
  () => client.tasks.add.delay({ x: 1 }),
  // @ts-expect-error a field of another type
  () => client.tasks.add.delay({ x: "1", y: 2 }),
  // @ts-expect-error a payload with fields cannot be left out
  () => client.tasks.add.delay(),
  // @ts-expect-error a mistyped option
  () => client.tasks.add.applyAsync({ x: 1, y: 2 }, { cuontdown: 5 }),
  // @ts-expect-error either a countdown or an eta
  () => client.tasks.add.applyAsync({ x: 1, y: 2 }, { countdown: 5, eta: new Date() }),
  // @ts-expect-error the name of an export is none of a task
  () => client.tasks.sendEmail,
  // @ts-expect-error nor is another
  () => client.task("subtract"),
  // @ts-expect-error in a workflow neither
  () => client.workflows.send({ chain: [{ task: "subtract" }] }),
  // @ts-expect-error no such state
  () => client.list({ state: "DONE" }),
  // @ts-expect-error a task that takes no payload
  () => all.tasks.tick.delay({ x: 1 }),
  // @ts-expect-error an import that leads nowhere would let everything through
  () => createClient<ReturnType<typeof JSON.parse>>(settings),
  // @ts-expect-error a module without a task
  () => createClient<{ helper: () => void }>(settings),
];
