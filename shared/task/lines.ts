/** Where calls stand in line, so that they are sent in the order in which they were made, however long each takes to get ready. */

/** One call's place in a line. */
export interface Place {
  /** Resolves when everyone who came before has left. Never rejects. */
  turn: Promise<void>;
  /** Lets the next one go on; may be called again. */
  leave(): void;
}

export interface Lines {
  /** Takes the last place of a line, at the moment of the call. Whoever takes one must leave it. */
  join(line: string): Place;
}

export function createLines(): Lines {
  /** Of each line in which somebody stands: when the last one has left. */
  const ends = new Map<string, Promise<void>>();
  return {
    join(line) {
      const turn = ends.get(line) ?? Promise.resolve();
      const left = Promise.withResolvers<void>();
      const end = turn.then(() => left.promise);
      ends.set(line, end);
      void end.then(() => {
        if (ends.get(line) === end) ends.delete(line);
      });
      return { turn, leave: () => left.resolve() };
    },
  };
}
