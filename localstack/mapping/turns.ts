/**
 * The sandboxes of one function, shared out among the event source mappings that call it: so many at once, first come first
 * served. A mapping that asks with more loops at a time gets as many turns more, and nobody is passed over.
 */

/** Ends the turn; the next in line has it. */
export type EndTurn = () => void;

export interface Turns {
  /** Waits for a turn; undefined when the signal aborted first. */
  take(signal: AbortSignal): Promise<EndTurn | undefined>;
  /** A mapping that asks now must wait. */
  areTaken(): boolean;
}

export function createTurns(limit: number): Turns {
  const line = new Set<() => void>();
  let taken = 0;

  function endTurn(): void {
    const [next] = line;
    if (next === undefined) {
      taken -= 1;
      return;
    }
    line.delete(next);
    next();
  }

  return {
    areTaken: () => taken >= limit,
    async take(signal) {
      if (signal.aborted) return undefined;
      if (taken < limit) {
        taken += 1;
        return endTurn;
      }
      const { promise, resolve } = Promise.withResolvers<EndTurn | undefined>();
      const start = (): void => resolve(endTurn);
      const giveUp = (): void => {
        // Not when its turn has just come: then the turn must be ended by whoever waited for it.
        if (line.delete(start)) resolve(undefined);
      };
      line.add(start);
      signal.addEventListener("abort", giveUp, { once: true });
      const turn = await promise;
      signal.removeEventListener("abort", giveUp);
      return turn;
    },
  };
}
