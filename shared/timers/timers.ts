/**
 * Delays past SQS's 15 minutes. A timer is an item in the partition of its due day, sorted by its time; the `timers` function
 * looks each minute for those that are due soon, sends their messages with the exact rest of the delay, and deletes the items.
 * So any distance has a precision of one second, and a function that was stopped catches up when it comes back.
 */

import { below, type Item } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";
import { MAX_LATE_SECONDS, TIMER_SECONDS } from "../lifetimes.ts";
import { decodeMessage, encodeMessage } from "../message/encoding.ts";
import type { Message } from "../message/message.ts";
import { dayOf, TIMER_SHARDS, timerKey, timerPartition, WATERMARK_KEY } from "../table/keys.ts";

/**
 * Timers due within this are sent now. Twice the function's period: a run that Scheduler starts late still comes in time.
 */
const HORIZON_MILLISECONDS = 120_000;
const DAY = 86_400_000;

/** A day is closed so long after its end: no sender's clock is so wrong as to put a timer into it then. */
const CLOSING_MILLISECONDS = DAY;

export interface Timers {
  /** Stores `message` to be sent at its `eta`. Putting it twice is putting it once. */
  put(message: Message, eta: Date): Promise<void>;
  /**
   * Sends what falls due within two minutes, and all that is overdue, until `mayGoOn` says no. A timer that cannot be sent
   * holds up no other: it is told to `failed`, stays, and is tried again by the next sweep. One that is more than `MAX_LATE_SECONDS`
   * late is given to `tooLate` instead: its record, which tells whether it was revoked or has run, may be gone.
   */
  sweep(sweep: Sweep): Promise<{ sent: number; failed: number }>;
  /** When a sweep has something to do next, which may have passed; undefined if it has nothing until `until`. */
  next(until: Date): Promise<Date | undefined>;
}

interface Sweep {
  send: (message: Message, delaySeconds: number) => Promise<void>;
  tooLate: (message: Message) => Promise<void>;
  mayGoOn: () => boolean;
  failed?: (timer: string, error: unknown) => void;
}

/** Timers read with one query. */
const PAGE = 100;

interface Swept {
  sent: number;
  failed: number;
  /** Nothing that is due is left. */
  emptied: boolean;
}

export function createTimers(options: { table: Table; clock: () => Date }): Timers {
  const { table, clock } = options;
  let watermarkExists = false;

  /**
   * The first timer of a service fixes where its first sweep begins: later timers can only be due later. By another sender's clock it may
   * still be yesterday.
   */
  const ensureWatermark = async (): Promise<void> => {
    if (watermarkExists) return;
    await table.update({
      key: WATERMARK_KEY,
      onCreate: { day: dayOf(new Date(clock().getTime() - DAY)) },
    });
    watermarkExists = true;
  };

  /** Sends one timer; true if it is gone. */
  const fire = async (pk: string, { sk, body, eta }: Item, { send, tooLate, failed }: Sweep): Promise<boolean> => {
    try {
      const left = (Date.parse(String(eta)) - clock().getTime()) / 1000;
      const message = decodeMessage(String(body));
      if (left < -MAX_LATE_SECONDS) await tooLate(message);
      else await send(message, Math.max(0, Math.ceil(left)));
      // Dying here sends it again in a minute, which is harmless: one claim wins.
      await table.remove({ pk, sk: String(sk) });
      return true;
    } catch (error) {
      failed?.(String(sk), error);
      return false;
    }
  };

  const sweepPartition = async (pk: string, end: Date, sweep: Sweep): Promise<Swept> => {
    const swept = { sent: 0, failed: 0, emptied: false };
    let from = "0";
    while (sweep.mayGoOn()) {
      const to = end.toISOString();
      const due = await table.query({ pk, from, to, limit: PAGE, pageSize: PAGE, oldestFirst: true });
      const gone = await Promise.all(due.map((timer) => fire(pk, timer, sweep)));
      swept.sent += gone.filter(Boolean).length;
      swept.failed += gone.filter((one) => !one).length;
      if (due.length < PAGE) return { ...swept, emptied: swept.failed === 0 };
      // On behind the last one: those that failed are still there, and would be read again for ever.
      from = `${due.at(-1)?.sk}\u0000`;
    }
    return swept;
  };

  return {
    async put(message, eta) {
      await ensureWatermark();
      await table.update({
        key: timerKey(message, eta),
        set: {
          body: encodeMessage(message),
          eta: eta.toISOString(),
          ttl: Math.floor(eta.getTime() / 1000) + TIMER_SECONDS,
        },
        likelyNew: true,
      });
    },

    async sweep(sweep) {
      const total = { sent: 0, failed: 0 };
      const watermark = (await table.get(WATERMARK_KEY))?.day;
      // No watermark: no timer was ever put.
      if (watermark === undefined) return total;
      const end = new Date(clock().getTime() + HORIZON_MILLISECONDS);
      let mayAdvance = true;
      for (let day = Date.parse(String(watermark)); day <= end.getTime() && sweep.mayGoOn(); day += DAY) {
        const pks = TIMER_SHARDS.map((shard) => timerPartition(new Date(day), shard));
        const swept = await Promise.all(pks.map((pk) => sweepPartition(pk, end, sweep)));
        for (const { sent, failed } of swept) {
          total.sent += sent;
          total.failed += failed;
        }
        const over = day + DAY + CLOSING_MILLISECONDS <= clock().getTime();
        mayAdvance &&= over && swept.every(({ emptied }) => emptied);
        if (mayAdvance) await advance(new Date(day + DAY));
      }
      return total;
    },

    async next(until) {
      const watermark = (await table.get(WATERMARK_KEY))?.day;
      if (watermark === undefined) return undefined;
      const end = new Date(until.getTime() + HORIZON_MILLISECONDS);
      // Older ones could not be sent: they hold up no clock.
      const yesterday = dayOf(new Date(clock().getTime() - DAY));
      const first = String(watermark) > yesterday ? String(watermark) : yesterday;
      for (let day = Date.parse(first); day <= end.getTime(); day += DAY) {
        const pages = TIMER_SHARDS.map((shard) =>
          table.query({
            pk: timerPartition(new Date(day), shard),
            from: "0",
            to: end.toISOString(),
            limit: 1,
            pageSize: 1,
            oldestFirst: true,
          }),
        );
        const etas = (await Promise.all(pages)).flat().map(({ eta }) => Date.parse(String(eta)));
        if (etas.length > 0) return new Date(Math.min(...etas) - HORIZON_MILLISECONDS);
      }
      return undefined;
    },
  };

  /** Never back: a run that was slow must not undo what a later one did. */
  async function advance(day: Date): Promise<void> {
    const next = dayOf(day);
    await table.update({ key: WATERMARK_KEY, set: { day: next }, when: below("day", next) });
  }
}
