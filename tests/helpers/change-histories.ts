/** Random changes of a few items, made one by one and many at a time: both ways must end alike. */

import fc from "fast-check";
import {
  absent,
  allOf,
  anyOf,
  atLeast,
  below,
  between,
  type Change,
  type Condition,
  contains,
  equal,
  type Item,
  isOneOf,
  type Key,
  NEW,
  not,
  present,
  sameAs,
} from "../../shared/aws/change.ts";
import type { Table } from "../../shared/aws/dynamodb.ts";
import type { UpdateOutcome } from "../../shared/aws/writes.ts";

/** A change without its key, and the item that it is for. */
export interface Step {
  item: number;
  change: Omit<Change, "key">;
}

const TEXTS = ["a", "b", "note"] as const;
const NUMBERS = ["n", "m"] as const;

const text = fc.constantFrom("", "x", 'it\'s "quoted"', "SELECT", "ü😀");
const number = fc.integer({ min: -3, max: 3 });

const test: fc.Arbitrary<Condition> = fc.oneof(
  fc
    .tuple(fc.constantFrom(equal, below, atLeast), fc.constantFrom(...TEXTS), text)
    .map(([make, name, value]) => make(name, value)),
  fc
    .tuple(fc.constantFrom(equal, below, atLeast), fc.constantFrom(...NUMBERS), number)
    .map(([make, name, value]) => make(name, value)),
  fc.constantFrom(...TEXTS, ...NUMBERS).map(absent),
  fc.constantFrom(...TEXTS, ...NUMBERS).map(present),
  fc.uniqueArray(text, { minLength: 1, maxLength: 3 }).map((values) => isOneOf("a", values)),
  fc.tuple(number, number).map(([one, other]) => between("n", Math.min(one, other), Math.max(one, other))),
  fc.constant(sameAs("n", "m")),
  fc.constant(contains("a", "x")),
);

const clause = fc.oneof({ weight: 4, arbitrary: test }, { weight: 1, arbitrary: test.map(not) });
const condition = fc
  .array(fc.array(clause, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 })
  .map((lists) => anyOf(...lists.map((clauses) => allOf(...clauses))));

const values: fc.Arbitrary<Item> = fc.record(
  { a: text, b: text, n: number, m: number, note: text },
  { requiredKeys: [] },
);

const change: fc.Arbitrary<Omit<Change, "key">> = fc
  .record(
    {
      set: values,
      onCreate: values,
      add: fc.constantFrom<Record<string, number>>({ n: 1 }, { n: 2, m: 1 }),
      setFrom: fc.constant({ m: "n" }),
      remove: fc.subarray(["a", "note", "nothing"]),
      when: fc.oneof(condition, fc.constant(NEW)),
      likelyNew: fc.constant(true as const),
      returns: fc.constantFrom("UPDATED_NEW" as const, "ALL_NEW" as const),
    },
    { requiredKeys: [] },
  )
  .map(disjoint);

export const steps = fc.array(fc.record({ item: fc.integer({ min: 0, max: 30 }), change }), {
  minLength: 2,
  maxLength: 30,
});

/** Each attribute stands in one place, as `Change` asks. */
function disjoint(change: Omit<Change, "key">): Omit<Change, "key"> {
  const taken = new Set<string>();
  const free = <T>(section: Readonly<Record<string, T>> = {}): Record<string, T> =>
    Object.fromEntries(
      Object.entries(section).filter(([name]) => {
        const isFree = !taken.has(name);
        taken.add(name);
        return isFree;
      }),
    );
  const { onCreate, when, returns } = change;
  if (when === NEW) return { set: { ...onCreate, ...change.set }, when };
  return {
    set: free(change.set),
    add: free(change.add),
    setFrom: free(change.setFrom),
    remove: (change.remove ?? []).filter((name) => !taken.has(name)),
    ...(onCreate && { onCreate: { ...onCreate, born: 1 } }),
    ...(when && { when }),
    ...(returns && { returns }),
    ...(change.likelyNew && { likelyNew: true }),
  };
}

/** Items as they are before the changes: some are there, and some are not. An item that is there has all that `onCreate` would give. */
export const before: fc.Arbitrary<readonly (Item | undefined)[]> = fc.array(
  fc.option(
    values.map((item) => ({ a: "", b: "", n: 0, m: 0, note: "", ...item, born: 1 })),
    { nil: undefined },
  ),
  { minLength: 31, maxLength: 31 },
);

export interface Ending {
  outcomes: unknown[];
  items: (Item | undefined)[];
}

/** Makes the changes in the partition `pk`; each item gets the first of its changes only, for those of one moment have no order. */
export async function play(
  table: Table,
  {
    pk,
    items,
    steps,
    together,
  }: { pk: string; items: readonly (Item | undefined)[]; steps: readonly Step[]; together: boolean },
): Promise<Ending> {
  const keyOf = (item: number): Key => ({ pk, sk: String(item) });
  for (const [index, item] of items.entries()) {
    if (item && steps.some((step) => step.item === index)) await table.update({ key: keyOf(index), set: item });
  }
  const first = steps.filter((step, index) => steps.findIndex(({ item }) => item === step.item) === index);
  const make = ({ item, change }: Step): Promise<UpdateOutcome> => table.update({ key: keyOf(item), ...change });
  const outcomes: UpdateOutcome[] = [];
  if (together) outcomes.push(...(await Promise.all(first.map(make))));
  else for (const step of first) outcomes.push(await make(step));
  const ends: (Item | undefined)[] = [];
  for (const { item } of first) ends.push(withoutPartition(await table.get(keyOf(item))));
  return {
    outcomes: outcomes.map((outcome, index) => told(outcome, first[index]?.change)),
    items: ends,
  };
}

/** The part of an outcome that both ways promise. */
function told(outcome: UpdateOutcome, change: Omit<Change, "key"> = {}): unknown {
  if (!outcome.applied) return change.when === NEW ? "refused" : { refused: withoutPartition(outcome.item) };
  if (change.returns === "ALL_NEW") return withoutPartition(outcome.attributes);
  const changed = Object.keys({ ...change.set, ...change.add, ...change.setFrom });
  if (change.returns === undefined) return "applied";
  return Object.fromEntries(changed.map((name) => [name, outcome.attributes[name]]));
}

function withoutPartition(item: Item | undefined): Item | undefined {
  if (item === undefined) return undefined;
  const { pk: _, ...rest } = item;
  return rest;
}
