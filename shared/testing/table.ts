import { type Change, type Condition, created, type Item, type Value } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";

/** A table in memory; it counts the calls by kind. */
export interface MemoryTable extends Table {
  /** All items of the partitions whose names begin so. */
  items(prefix: string): Item[];
  /** Deletes the items whose time to live is over, as DynamoDB does some time after it. */
  expire(now: Date): void;
  readonly calls: { reads: number; queries: number; itemsQueried: number; writes: number };
}

type Range = Pick<Parameters<Table["query"]>[0], "index" | "pk" | "from" | "to" | "oldestFirst">;

export function createMemoryTable(): MemoryTable {
  const partitions = new Map<string, Map<string, Item>>();
  const calls = { reads: 0, queries: 0, itemsQueried: 0, writes: 0 };
  const find = (pk: string, sk: string): Item | undefined => partitions.get(pk)?.get(sk);

  const inRange = ({ index, pk, from, to, oldestFirst = false }: Range): Item[] => {
    const asked = index ? [...partitions.values()] : [partitions.get(pk) ?? new Map<string, Item>()];
    const found: Item[] = [];
    // Nothing is copied that is not asked for: a partition may have as many items as a service has entries.
    for (const partition of asked) {
      for (const [sk, item] of partition) {
        if (sk >= from && sk <= to && (!index || item.failureGroup === pk)) found.push(item);
      }
    }
    return found.sort((a, b) => (String(a.sk) < String(b.sk) === oldestFirst ? -1 : 1));
  };
  /** The answer of one call, whose items are copies. */
  const shown = (items: readonly Item[]): Item[] => {
    calls.queries += 1;
    calls.itemsQueried += items.length;
    return items.map((item) => ({ ...item }));
  };

  return {
    calls,
    items(prefix) {
      const found = [...partitions].filter(([pk]) => pk.startsWith(prefix));
      return found.flatMap(([, partition]) => [...partition.values()]);
    },
    expire(now) {
      const isOver = ({ ttl }: Item): boolean => typeof ttl === "number" && ttl * 1000 <= now.getTime();
      for (const partition of partitions.values()) {
        for (const [sk, item] of partition) if (isOver(item)) partition.delete(sk);
      }
    },
    async get({ pk, sk }) {
      calls.reads += 1;
      const item = find(pk, sk);
      return item && { ...item };
    },
    async update(change) {
      calls.writes += 1;
      const { pk, sk } = change.key;
      const old = find(pk, sk);
      if (!holds(change.when, old ?? {})) return { applied: false, item: old && { ...old } };
      const item: Item = old ? changed(change, old) : created(change);
      const partition = partitions.get(pk) ?? new Map<string, Item>();
      partition.set(sk, item);
      partitions.set(pk, partition);
      return { applied: true, attributes: { ...item } };
    },
    async query({ limit, filter, keep, ...query }) {
      const found = inRange(query).filter((item) => holds(filter, item) && (keep?.(item) ?? true));
      return shown(found.slice(0, limit));
    },
    async queryPage({ pageSize, filter, keep, ...query }) {
      const all = inRange(query);
      const read = all.slice(0, pageSize);
      const items = shown(read.filter((item) => holds(filter, item) && (keep?.(item) ?? true)));
      return { items, read: read.length, ...(all.length > read.length && { readTo: String(read.at(-1)?.sk) }) };
    },
    async remove({ pk, sk }) {
      calls.writes += 1;
      const partition = partitions.get(pk);
      partition?.delete(sk);
      if (partition?.size === 0) partitions.delete(pk);
    },
  };
}

function changed({ set = {}, setFrom = {}, add = {}, remove = [], ...members }: Change, old: Item): Item {
  const item: Item = { ...old };
  for (const [name, value] of Object.entries(set)) if (value !== undefined) item[name] = value;
  for (const [name, other] of Object.entries(setFrom)) item[name] = Number(old[other] ?? 0);
  for (const [name, value] of Object.entries(add)) item[name] = Number(old[name] ?? 0) + value;
  for (const [name, some] of Object.entries(members.addMembers ?? {}))
    item[name] = new Set([...membersOf(old[name]), ...some]);
  for (const [name, some] of Object.entries(members.removeMembers ?? {})) {
    const left = new Set([...membersOf(old[name])].filter((member) => !some.has(member)));
    // DynamoDB keeps no empty set.
    item[name] = left.size > 0 ? left : undefined;
  }
  for (const name of remove) delete item[name];
  return item;
}

function membersOf(value: Value | undefined): Set<string> {
  return new Set(value instanceof Set ? value : []);
}

function holds(condition: Condition | undefined, item: Item): boolean {
  return condition === undefined || condition.some((clauses) => clauses.every((clause) => isTrue(clause, item)));
}

function isTrue(clause: Condition[number][number], item: Item): boolean {
  if (clause.test === "not") return !isTrue(clause.clause, item);
  const value = item[clause.name];
  if (clause.test === "absent") return value === undefined;
  if (value === undefined) return false;
  switch (clause.test) {
    case "present":
      return true;
    case "isOneOf":
      return clause.values.includes(value);
    case "between":
      return value >= clause.least && value <= clause.most;
    case "sameAs":
      return value === item[clause.other];
    case "contains":
      return typeof value === "string" ? value.includes(clause.part) : membersOf(value).has(clause.part);
    case "sizeBelow":
      return membersOf(value).size < clause.size;
    case "=":
      return value === clause.value;
    case "<":
      return value < clause.value;
    case "<=":
      return value <= clause.value;
    case ">":
      return value > clause.value;
    case ">=":
      return value >= clause.value;
  }
}
