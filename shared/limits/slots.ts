import { absent, anyOf, below, between, type Key } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";

/**
 * A line of times, evenly apart: an attribute of an item says from which on they are free. It never goes back. All times and steps are
 * whole microseconds since 1970: of fractions, DynamoDB's decimal sum and ours would differ, and a condition be refused for ever.
 */
export interface Line {
  key: Key;
  attribute: "gate" | "next";
  stepMicroseconds: number;
  /** Seconds since 1970 after which nobody needs to know any more what was taken. */
  ttl: number;
}

/** From when on each line is free, as this process has seen it last. It may be more by now, but never less. */
export type Seen = Record<Line["attribute"], number>;

/** Times in microseconds since 1970. */
export interface Wanted {
  count: number;
  /** Slots that were free before this time are lost. */
  from: number;
  /** Slots that are free after this time may not be taken yet. */
  until: number;
}

export interface Taken {
  /** As many as there were, `count` at most: the first lies at `first`, the others follow a step apart. */
  count: number;
  first: number;
}

/**
 * Takes up to `count` of the times in the line that are free from `from` until `until`.
 *
 * Dying after this, or a lost answer that the SDK asks for again, leaves times that nobody uses: never one that two have.
 * @param seen saves the writes that would be refused, and learns of those that were
 */
export async function takeSlots(
  table: Table,
  { key, attribute, stepMicroseconds: step, ttl }: Line,
  { count, from, until }: Wanted,
  seen: Seen,
): Promise<Taken> {
  for (;;) {
    const first = Math.max(seen[attribute], from);
    const taken = Math.min(count, Math.floor((until - first) / step) + 1);
    if (taken < 1) return { count: 0, first };
    // Others who take some meanwhile do not have it refused, as long as enough is left.
    const outcome = await table.update({
      key,
      ...(seen[attribute] < from
        ? {
            set: { [attribute]: from + taken * step, ttl },
            when: anyOf(absent(attribute), below(attribute, from)),
          }
        : {
            set: { ttl },
            add: { [attribute]: taken * step },
            when: between(attribute, from, until - (taken - 1) * step),
          }),
      returns: "ALL_NEW",
    });
    const item = outcome.applied ? outcome.attributes : outcome.item;
    // An item that is gone begins anew.
    seen.gate = Number(item?.gate ?? Number.NEGATIVE_INFINITY);
    seen.next = Number(item?.next ?? Number.NEGATIVE_INFINITY);
    if (outcome.applied) return { count: taken, first: seen[attribute] - taken * step };
  }
}
