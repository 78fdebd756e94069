/**
 * How many batches of one mapping may run at once. Pure, but for the clock it is given.
 *
 * Starts at 5 and adds 300 a minute while there is more to do, up to 1 250 or the mapping's maximum; gives way when the function
 * fails; goes back to 5 when the queue is empty, and to 2 when it stays so and no maximum is set:
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
 */

const START = 5;
const LEAST = 2;
const MOST = 1250;
/** 300 a minute. */
const STEP = 5;
const STEP_MILLISECONDS = 1000;
/** Not documented; a minute keeps a burst that follows soon at full speed. */
const LONG_IDLE_MILLISECONDS = 60_000;

export interface PollerConcurrency {
  /** The cap as it stands. */
  limit(): number;
  /** Every slot is busy and the queue has more: grows when it is time to, and says in how many ms that will be, if ever. */
  saturated(): number | undefined;
  /** A poll found the queue empty. */
  idle(): void;
  /** A batch went through. */
  succeeded(): void;
  /** The function failed or was throttled. */
  failed(): void;
}

/**
 * `poolLimit` is what the local machine can run at once, so that the ramp does not ask for what is not there. A declared maximum
 * is the mapping's share among those of its function, and stands also where the machine cannot run as many.
 */
export function createPollerConcurrency(
  { maximumConcurrency, poolLimit }: { maximumConcurrency?: number | undefined; poolLimit?: number | undefined },
  now: () => number,
): PollerConcurrency {
  const most = maximumConcurrency ?? Math.max(1, poolLimit ?? MOST);
  const start = Math.min(START, most);
  const least = Math.min(LEAST, most);
  let limit = start;
  let growsAt: number | undefined;
  let idleSince: number | undefined;

  return {
    limit: () => limit,
    saturated() {
      idleSince = undefined;
      growsAt ??= now() + STEP_MILLISECONDS;
      if (now() >= growsAt) {
        limit = Math.min(most, limit + STEP);
        growsAt = now() + STEP_MILLISECONDS;
      }
      return limit < most ? growsAt - now() : undefined;
    },
    idle() {
      growsAt = undefined;
      idleSince ??= now();
      const isLong = now() - idleSince >= LONG_IDLE_MILLISECONDS;
      limit = Math.min(limit, isLong && maximumConcurrency === undefined ? least : start);
    },
    succeeded() {
      idleSince = undefined;
      if (limit < start) limit += 1;
    },
    failed() {
      growsAt = undefined;
      limit = Math.max(least, Math.floor(limit / 2));
    },
  };
}
