/**
 * DynamoDB's units of what the emulator of this process reads and writes. Its engine (dynalite) knows every item before and after, and
 * counts as AWS does: `ReturnConsumedCapacity` is asked for here on behalf of every request. Its omissions are added: a failed
 * condition costs as a write does, and a query that finds nothing as one that finds little. `calibration.ts` holds it to that.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
 */

import db from "dynalite/db/index.js";
import { isObject } from "../../localstack/json.ts";

/** Units, by the kind of item: what its partition key begins with. */
export type Units = Record<string, number>;

export interface Capacity {
  writes: Units;
  reads: Units;
  /** Of each kind the largest item that was written, before or after: bytes of each attribute, its name included. */
  largest: Record<string, Record<string, number>>;
}

type Data = Record<string, unknown>;

export interface CapacityMeter {
  /** Since the last `reset`. */
  read(): Capacity;
  reset(): void;
}

/** Begins to count. To be called once, before the emulator starts. */
export function createCapacityMeter(): CapacityMeter {
  let capacity: Capacity = { writes: {}, reads: {}, largest: {} };
  const { addConsumedCapacity, checkConditional, queryTable } = db;
  const add = (units: Units, kind: string, amount: number): void => {
    units[kind] = (units[kind] ?? 0) + amount;
  };
  const measure = (kind: string, item: Data | undefined): void => {
    if (item && db.itemSize(item) > sum(capacity.largest[kind])) {
      const sizes = Object.entries(item).map(([name, value]) => [name, db.itemSize({ [name]: value })] as const);
      capacity.largest[kind] = Object.fromEntries(sizes);
    }
  };

  db.addConsumedCapacity = (data, isRead, item, other) => {
    const kind = kindOf(data);
    const { CapacityUnits = 0 } = addConsumedCapacity(total(data), isRead, item, other) ?? {};
    add(isRead ? capacity.reads : capacity.writes, kind, CapacityUnits);
    if (!isRead) for (const one of [item, other]) measure(kind, one);
    return addConsumedCapacity(data, isRead, item, other);
  };
  db.checkConditional = (data, existing) => {
    const error = checkConditional(data, existing);
    // AWS takes what the item would have become, if that is larger: here it never is by a unit.
    if (error) add(capacity.writes, kindOf(data), db.capacityUnits(existing, false, true));
    return error;
  };
  db.queryTable = (store, table, data, options, isLocal, fetchFromItemDb, startKeyNames, done) => {
    queryTable(store, table, total(data), options, isLocal, fetchFromItemDb, startKeyNames, (error, answer) => {
      const consumed = isObject(answer) && isObject(answer.ConsumedCapacity) ? answer.ConsumedCapacity : {};
      const least = data.ConsistentRead === true ? 1 : 0.5;
      if (!error) add(capacity.reads, kindOf(data), Math.max(least, Number(consumed.CapacityUnits)));
      done(error, answer);
    });
  };

  return {
    read: () => capacity,
    reset() {
      capacity = { writes: {}, reads: {}, largest: {} };
    },
  };
}

function total(data: Data): Data {
  return { ...data, ReturnConsumedCapacity: "TOTAL" };
}

function sum(sizes: Record<string, number> = {}): number {
  return Object.values(sizes).reduce((all, one) => all + one, 0);
}

/** `task` of `task#2026-11-23#7`. */
function kindOf({ Key, Item, ExpressionAttributeValues: values }: Data): string {
  const pk = isObject(Key) ? Key.pk : isObject(Item) ? Item.pk : isObject(values) ? values[":pk"] : undefined;
  return isObject(pk) ? (String(pk.S).split("#")[0] ?? "") : "";
}
