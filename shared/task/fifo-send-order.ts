/** The order of calls on a FIFO queue: they are sent in the order in which they were made, however long each takes to get ready. */

/** One call's position in a line. */
export interface Position {
  /** Resolves when every call before this one has left. Never rejects. */
  reached: Promise<void>;
  /** Lets the next call go on; may be called again. */
  leave(): void;
}

export interface FifoOrder {
  /** Takes the last position of a line, at the moment of the call. The caller must leave it, also when the call fails. */
  join(line: string): Position;
}

export function createFifoOrder(): FifoOrder {
  /** For each line that is not empty: resolves when its last call has left. */
  const ends = new Map<string, Promise<void>>();
  return {
    join(line) {
      const reached = ends.get(line) ?? Promise.resolve();
      const left = Promise.withResolvers<void>();
      const end = reached.then(() => left.promise);
      ends.set(line, end);
      void end.then(() => {
        if (ends.get(line) === end) ends.delete(line);
      });
      return { reached, leave: () => left.resolve() };
    },
  };
}
