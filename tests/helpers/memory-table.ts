import { type Change, conditionText, type Item, Names } from "../../shared/aws/change.ts";
import type { Table } from "../../shared/aws/dynamodb.ts";

/** A table in memory, for tests that make millions of calls; it counts them by kind. */
export interface MemoryTable extends Table {
  readonly calls: { reads: number; queries: number; itemsQueried: number; writes: number };
}

export function createMemoryTable(): MemoryTable {
  const partitions = new Map<string, Map<string, Item>>();
  const calls = { reads: 0, queries: 0, itemsQueried: 0, writes: 0 };
  const find = (pk: string, sk: string): Item | undefined => partitions.get(pk)?.get(sk);

  return {
    calls,
    async get({ pk, sk }) {
      calls.reads += 1;
      const item = find(pk, sk);
      return item && { ...item };
    },
    async update(change) {
      calls.writes += 1;
      const { pk, sk } = change.key;
      const old = find(pk, sk);
      if (!holds(change, old)) return { applied: false, item: old && { ...old } };
      const item: Item = { pk, sk, ...changed(change, old) };
      const partition = partitions.get(pk) ?? new Map<string, Item>();
      partition.set(sk, item);
      partitions.set(pk, partition);
      return { applied: true, attributes: { ...item } };
    },
    async query({ pk, from, to, limit, filter, keep, oldestFirst = false }) {
      calls.queries += 1;
      const inRange = [...(partitions.get(pk) ?? [])].filter(([sk]) => sk >= from && sk <= to).map(([, item]) => item);
      const sorted = inRange.sort((a, b) => (String(a.sk) < String(b.sk) === oldestFirst ? -1 : 1));
      const found = sorted.filter((item) => test(filter, item) && (keep?.(item) ?? true)).slice(0, limit);
      calls.itemsQueried += found.length;
      return found.map((item) => ({ ...item }));
    },
    async remove({ pk, sk }) {
      calls.writes += 1;
      const partition = partitions.get(pk);
      partition?.delete(sk);
      if (partition?.size === 0) partitions.delete(pk);
    },
  };
}

function changed({ set = {}, setOnce = {}, add = {}, remove = [] }: Change, old: Item = {}): Item {
  const item: Item = { ...old };
  for (const [name, value] of Object.entries(setOnce)) item[name] ??= value;
  for (const [name, value] of Object.entries(set)) if (value !== undefined) item[name] = value;
  for (const [name, value] of Object.entries(add)) item[name] = Number(item[name] ?? 0) + value;
  for (const name of remove) delete item[name];
  return item;
}

function holds({ when }: Change, item: Item | undefined): boolean {
  return test(when, item ?? {});
}

/** Evaluates a condition from the text that DynamoDB would get: a comparison, or a function of one attribute. */
function test(condition: Change["when"], item: Item): boolean {
  const names = new Names();
  const text = conditionText(condition, names);
  if (text === undefined) return true;
  const attribute = (name: string): Item[string] => item[names.attributes[name] ?? ""];
  const clause = (one: string): boolean => {
    if (one.startsWith("NOT ")) return !clause(one.slice(4));
    const [, exists, named = ""] = /^attribute_(not_exists|exists)\((#\w+)\)$/.exec(one) ?? [];
    if (exists) return (attribute(named) === undefined) === (exists === "not_exists");
    const [, name = "", operator = "", value = ""] = /^(#\w+) (=|<|<=|>|>=|IN) \(?(.+?)\)?$/.exec(one) ?? [];
    const [left, rights] = [attribute(name), value.split(", ").map((part) => names.values[part] ?? attribute(part))];
    const [right] = rights;
    if (left === undefined || right === undefined) return false;
    if (operator === "IN") return rights.includes(left);
    if (operator === "=") return left === right;
    if (operator === "<") return left < right;
    if (operator === "<=") return left <= right;
    if (operator === ">") return left > right;
    if (operator === ">=") return left >= right;
    throw new Error(`The table in memory does not know the condition '${one}'.`);
  };
  return text.split(" OR ").some((all) => all.split(" AND ").every(clause));
}
