/**
 * A rate over all workers. Every start passes a gate: one item per task and rate holds the time of the next start (the generic cell
 * rate algorithm), and whoever starts moves it on. So the rate holds whatever brought the start about: a message that comes late, comes
 * again, or comes with thousands of others after an outage.
 *
 * A message that is refused is told a time to come back. These times lie along a second line in the same item, at the rate's distance, so that
 * about as many ask at any time as may start; they give no right to start. https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
 */

import type { Table } from "../aws/dynamodb.ts";
import { InvalidOptionError } from "../errors.ts";
import { MAX_TIMER_SECONDS } from "../lifetimes.ts";
import { rateLimitKey } from "../table/keys.ts";
import { type Seen, takeSlots } from "./slots.ts";

/** One item takes 1,000 writes a second. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html */
const MAX_STARTS_PER_SECOND = 1000;
const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };
const DAY_SECONDS = 86_400;

/**
 * Starts that were missed for less than this are made up for, which is one second's worth at once, and always one. SQS delays by whole
 * seconds, so with less a rate could not be reached.
 */
const CREDIT_MILLISECONDS = 999;

/** Whether a start may be now, or when to ask again. */
export type Turn = { now: true } | { now: false; askAt: Date };

/** The text of a rate is a key in the table and travels in messages; that of any number is shorter. */
const MAX_RATE_CHARS = 32;

/**
 * Milliseconds between two starts, of a rate such as `100/m`.
 * @throws InvalidOptionError for another form, more than 32 characters, or more than 1,000 a second
 */
export function parseRateLimit(rateLimit: string): number {
  const written = rateLimit.length <= MAX_RATE_CHARS ? /^(\d+(?:\.\d+)?)(?:\/([smh]))?$/.exec(rateLimit) : null;
  const [, count = "", unit = "s"] = written ?? [];
  const perSecond = Number(count) / (UNIT_SECONDS[unit] ?? 1);
  if (count === "" || !(perSecond >= 1 / MAX_TIMER_SECONDS && perSecond <= MAX_STARTS_PER_SECOND)) {
    throw new InvalidOptionError(
      "rateLimit",
      rateLimit,
      `starts such as '100/m', '10/s' or '500/h' in at most ${MAX_RATE_CHARS} characters, at least 1 in 400 days and at most ${MAX_STARTS_PER_SECOND} a second`,
    );
  }
  return 1000 / perSecond;
}

const MICROSECONDS = 1_000_000;

/** Whole microseconds between two starts, rounded up: never faster than the rate. */
export function stepMicroseconds(rateLimit: string): number {
  return Math.ceil(parseRateLimit(rateLimit) * 1000);
}

export interface RateLimiter {
  /**
   * Asks for a start of `task`. Questions of the same moment share their writes.
   * @param horizonSeconds how far ahead a time to ask again is taken in the line; who finds none there is told one by chance, at most
   * twice as far away
   */
  turn(task: string, rateLimit: string, horizonSeconds: number): Promise<Turn>;
}

interface Asker {
  horizonSeconds: number;
  resolve: (turn: Turn) => void;
  reject: (error: unknown) => void;
}

export function createRateLimiter(options: { table: Table; clock: () => Date; random: () => number }): RateLimiter {
  const { table, clock, random } = options;
  const asking = new Map<string, Asker[]>();
  const seen = new Map<string, Seen>();

  const ask = async (group: string, task: string, rateLimit: string, askers: readonly Asker[]): Promise<void> => {
    const now = clock().getTime() * 1000;
    const step = stepMicroseconds(rateLimit);
    const horizon = Math.ceil(Math.max(...askers.map(({ horizonSeconds }) => horizonSeconds)) * MICROSECONDS);
    const ttl = Math.ceil((now + horizon + step * askers.length) / MICROSECONDS) + DAY_SECONDS;
    const item = { key: rateLimitKey(task, rateLimit), stepMicroseconds: step, ttl };
    const known = seen.get(group) ?? { gate: Number.NEGATIVE_INFINITY, next: Number.NEGATIVE_INFINITY };
    seen.set(group, known);

    // Dying after this leaves a start that nobody makes: the rate is not exceeded, but for that moment not reached.
    const open = { count: askers.length, from: now - CREDIT_MILLISECONDS * 1000, until: now };
    const starts = await takeSlots(table, { ...item, attribute: "gate" }, open, known);
    for (const { resolve } of askers.slice(0, starts.count)) resolve({ now: true });
    const refused = askers.slice(starts.count);
    if (refused.length === 0) return;

    // Where the line has fallen behind, it goes on from when a start is free.
    const ahead = { count: refused.length, from: Math.max(now, known.gate), until: now + horizon };
    const returns = await takeSlots(table, { ...item, attribute: "next" }, ahead, known);
    const full = Math.max(known.next, known.gate) - horizon - now;
    for (const [index, { resolve }] of refused.entries()) {
      const askAt =
        index < returns.count
          ? returns.first + index * step
          : now + Math.min(Math.max(0, full), horizon) + random() * horizon;
      resolve({ now: false, askAt: new Date(Math.ceil(askAt / 1000)) });
    }
  };

  return {
    turn(task, rateLimit, horizonSeconds) {
      return new Promise((resolve, reject) => {
        const asker = { horizonSeconds, resolve, reject };
        const group = `${task} ${rateLimit}`;
        const others = asking.get(group);
        if (others) return void others.push(asker);
        const askers = [asker];
        asking.set(group, askers);
        setImmediate(() => {
          asking.delete(group);
          ask(group, task, rateLimit, askers).catch((error: unknown) => {
            for (const one of askers) one.reject(error);
          });
        });
      });
    },
  };
}
