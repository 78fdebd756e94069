import * as z from "zod";
import { type AsyncResult, chain, chord, group, Ignore, task } from "../../../shared/index.ts";
import { type AnyCanvas, Canvas } from "../../../shared/task/signature.ts";

// biome-ignore lint/suspicious/noExplicitAny: the types of these tests' values are not what is tested; tests/types has that.
type Anything = any;

/** A canvas that the compiler would refuse where it stands. */
export function unchecked(one: AnyCanvas): Canvas<unknown, Anything, AsyncResult<Anything>> {
  return new Canvas(one.node, one.tasks);
}

/** Runs that tasks wrote down themselves: `echo 7`. */
export const runs: string[] = [];

const numbers = z.object({ numbers: z.array(z.number()) });

export const echo = task({
  name: "echo",
  payload: z.object({ value: z.any() }),
  run: ({ value }): Anything => {
    runs.push(`echo ${JSON.stringify(value)}`);
    return value;
  },
});
export const inc = task({
  name: "inc",
  payload: z.object({ n: z.number(), by: z.number().optional() }),
  run: ({ n, by = 1 }) => {
    runs.push(`inc ${n}`);
    return n + by;
  },
});
export const sum = task({
  name: "sum",
  payload: numbers,
  run: (payload) => {
    runs.push(`sum ${payload.numbers.join("+")}`);
    return payload.numbers.reduce((total, one) => total + one, 0);
  },
});
export const list = task({
  name: "list",
  payload: z.object({ values: z.array(z.any()) }),
  run: ({ values }): Anything[] => values,
});
export const fail = task({
  name: "fail",
  payload: z.object({ why: z.string().default("broken"), n: z.number().optional() }),
  run: ({ why }): number => {
    runs.push("fail");
    throw new Error(why);
  },
});
export const flaky = task({
  name: "flaky",
  payload: z.object({ n: z.number(), failures: z.number() }),
  retry: { maxRetries: 5, backoff: { base: 2 } },
  run: ({ n, failures }, { attempt }) => {
    runs.push(`flaky ${attempt}`);
    if (attempt <= failures) throw new Error("not yet");
    return n;
  },
});
export const ignores = task({
  name: "ignores",
  run: (): number => {
    throw new Ignore("nothing to do");
  },
});
export const hooked = task({
  name: "hooked",
  payload: z.object({ values: z.array(z.any()) }),
  hooks: { onFailure: (error) => void runs.push(`told ${(error as { code?: string }).code}`) },
  run: ({ values }): Anything[] => values,
});
export const note = task({
  name: "note",
  payload: z.looseObject({}),
  run: (payload) => {
    runs.push(`note ${JSON.stringify(payload)}`);
    return payload;
  },
});
export const pair = task({
  name: "pair",
  payload: z.object({ a: z.number(), b: z.number() }),
  run: ({ a, b }) => a * b,
});

export const adds = task({
  name: "adds",
  run: async (_, { results }) => {
    let total = 0;
    for await (const one of results()) total += Number(one);
    return total;
  },
});

/** Names of `mends` tasks that still fail. */
export const broken = new Set<string>();

export const mends = task({
  name: "mends",
  payload: z.object({ name: z.string(), n: z.number() }),
  run: ({ name, n }) => {
    runs.push(`mends ${name}`);
    if (broken.has(name)) throw new Error(`${name} is broken`);
    return n;
  },
});

/** The canvas that a task becomes, by name. */
const forms: Record<string, () => AnyCanvas> = {
  task: () => inc.s({ n: 1 }),
  chain: () => chain(inc.s({ n: 1 }), inc.s().into("n")),
  group: () => group([inc.s({ n: 1 }), inc.s({ n: 2 })]),
  chord: () => chord([inc.s({ n: 1 }), inc.s({ n: 2 })], sum.s().into("numbers")),
  again: () => becomes.s({ form: "chord" }),
  failure: () => chain(fail.s(), inc.si({ n: 1 })),
  late: () => inc.s({ n: 1 }).set({ countdown: 600 }),
  mends: () => chain(mends.s({ name: "inner", n: 1 }), inc.s().into("n")),
  deep: () => chain(inc.s({ n: 0 }), unchecked(becomes.si({ form: "mends" }))),
  grows: () => chain(grows.s({ n: 1, by: [1] }), unchecked(inc.si({ n: 0 }))),
  unknown: () => ({ node: { task: "nobody" }, tasks: [] }),
};

export const becomes = task({
  name: "becomes",
  payload: z.object({ form: z.string() }),
  run: ({ form }, { replace }): Anything => {
    runs.push(`becomes ${form}`);
    const canvas = forms[form]?.();
    if (canvas) replace(canvas);
    return form;
  },
});

/** Adds as many `inc` to its group as it is told, in one call or in several; those of a name that is broken fail after that. */
export const grows = task({
  name: "grows",
  payload: z.object({ n: z.number(), by: z.array(z.number()), name: z.string().optional(), of: z.string().optional() }),
  retry: { maxRetries: 2, backoff: { base: 0 }, on: [TypeError] },
  run: async ({ n, by, name = "", of }, { addToGroup, attempt }) => {
    runs.push(`grows ${n}`);
    for (const count of by) {
      await addToGroup(
        Array.from({ length: count }, (_, index) =>
          of === undefined ? inc.s({ n: n + index }) : mends.s({ name: of, n: index }),
        ),
      );
    }
    if (name === "once" && attempt === 1) throw new TypeError("once more");
    if (broken.has(name)) throw new Error(`${name} is broken`);
    return n;
  },
});

export const tasks = {
  grows,
  hooked,
  becomes,
  mends,
  adds,
  echo,
  inc,
  sum,
  list,
  fail,
  flaky,
  ignores,
  note,
  pair,
};
