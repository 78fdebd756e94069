/**
 * A rate over all workers: one item per task holds the time of the next free slot, and each start takes the slot there and
 * moves it on (the generic cell rate algorithm). Who comes too early is told its slot, and comes back for it: so each start costs one
 * write, shared by all starts of one batch, and nobody asks twice.
 */

import type { Table } from "../aws/dynamodb.ts";
import { InvalidOptionError } from "../errors.ts";
import { rateLimitKey } from "./keys.ts";

/** One item takes 1,000 writes a second. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html */
const MAX_STARTS_PER_SECOND = 1_000;
const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600 };
const LONGEST_INTERVAL_SECONDS = 400 * 86_400;
const DAY_SECONDS = 86_400;

/** Whether a start may be now, or at which time its turn is. */
export type Turn =
  | { now: true }
  /** `slot` is taken: come back then, and start. */
  | { now: false; slot: Date }
  /** Every slot within the horizon is taken: ask again, after this time at the earliest. */
  | { now: false; slot: undefined; notBefore: Date };

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
  if (count === "" || !(perSecond >= 1 / LONGEST_INTERVAL_SECONDS && perSecond <= MAX_STARTS_PER_SECOND)) {
    throw new InvalidOptionError(
      "rateLimit",
      rateLimit,
      `starts such as '100/m', '10/s' or '500/h' in at most ${MAX_RATE_CHARS} characters, at least 1 in 400 days and at most ${MAX_STARTS_PER_SECOND} a second`,
    );
  }
  return 1_000 / perSecond;
}

export interface RateLimiter {
  /**
   * Asks for a start of `task`. Questions of the same moment share one write.
   * @param horizonSeconds a slot further away than this is not taken
   */
  turn(task: string, rateLimit: string, horizonSeconds: number): Promise<Turn>;
}

interface Waiting {
  resolve: (turn: Turn) => void;
  reject: (error: unknown) => void;
}

export function createRateLimiter(options: { table: Table; clock: () => Date }): RateLimiter {
  const { table, clock } = options;
  const waiting = new Map<string, Waiting[]>();
  // A task below its rate is found idle each time: then the update for that comes first, and no write is refused.
  const idle = new Set<string>();

  const ask = async (task: string, rateLimit: string, horizonSeconds: number, askers: Waiting[]): Promise<void> => {
    const now = clock();
    const interval = parseRateLimit(rateLimit);
    const group = `${task} ${rateLimit}`;
    const taken = await takeSlots(table, now, {
      task,
      rateLimit,
      horizonSeconds,
      count: askers.length,
      idle: idle.has(group),
    });
    if (taken.idle) idle.add(group);
    else idle.delete(group);
    for (const [index, { resolve }] of askers.entries()) {
      if (taken.first === undefined) resolve({ now: false, slot: undefined, notBefore: taken.notBefore });
      else {
        const slot = new Date(taken.first.getTime() + index * interval);
        resolve(slot <= now ? { now: true } : { now: false, slot });
      }
    }
  };

  return {
    turn(task, rateLimit, horizonSeconds) {
      return new Promise((resolve, reject) => {
        const asker = { resolve, reject };
        const askTogether = (askers: Waiting[]): void => {
          ask(task, rateLimit, horizonSeconds, askers).catch((error: unknown) => {
            for (const one of askers) one.reject(error);
          });
        };
        // Without a horizon no later slot may be taken, so each asks for itself.
        if (horizonSeconds === 0) return askTogether([asker]);
        const group = `${task} ${rateLimit}`;
        const others = waiting.get(group);
        if (others) return void others.push(asker);
        const askers = [asker];
        waiting.set(group, askers);
        setImmediate(() => {
          waiting.delete(group);
          askTogether(askers);
        });
      });
    },
  };
}

interface Request {
  task: string;
  rateLimit: string;
  count: number;
  horizonSeconds: number;
  /** Whether nothing was running late when it was asked last. */
  idle: boolean;
}

type Taken = { idle: boolean; first: Date } | { idle: false; first: undefined; notBefore: Date };

/**
 * Takes `count` slots of `task`: the first is answered, the others follow at the rate's interval.
 *
 * Dying after this leaves slots that nobody uses: the rate is not exceeded, but for that moment not reached.
 */
async function takeSlots(table: Table, now: Date, request: Request): Promise<Taken> {
  const { task, rateLimit, count, horizonSeconds } = request;
  const interval = parseRateLimit(rateLimit);
  // An idle task may start one second's worth at once, and always one.
  const floor = now.getTime() - Math.max(0, 1_000 - interval);
  const horizon = now.getTime() + horizonSeconds * 1_000;
  const key = rateLimitKey(task, rateLimit);
  const ttl = Math.floor((horizon + interval * count) / 1_000) + DAY_SECONDS;

  const begin = async (): Promise<Taken | undefined> => {
    const outcome = await table.update({
      key,
      update: "SET @next = :next, @ttl = :ttl",
      condition: "attribute_not_exists(@next) OR @next < :floor",
      values: { next: floor + interval * count, floor, ttl },
    });
    return outcome.applied ? { idle: true, first: new Date(floor) } : undefined;
  };
  const follow = async (): Promise<Taken | undefined> => {
    const outcome = await table.update({
      key,
      update: "SET @next = @next + :taken, @ttl = :ttl",
      condition: "@next BETWEEN :floor AND :horizon",
      values: { taken: interval * count, floor, horizon, ttl },
      returns: "UPDATED_NEW",
    });
    if (outcome.applied) return { idle: false, first: new Date(Number(outcome.attributes.next) - interval * count) };
    const next = Number(outcome.item?.next ?? 0);
    return next > horizon
      ? { idle: false, first: undefined, notBefore: new Date(next - horizonSeconds * 1_000) }
      : undefined;
  };

  // Each knows what the other does not; and between two, someone else may have been first.
  for (let idle = request.idle; ; idle = !idle) {
    const taken = await (idle ? begin() : follow());
    if (taken) return taken;
  }
}
