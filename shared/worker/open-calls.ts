/** The calls of a run that have not ended yet: its end waits for them, for what they do would else be done again, or lost. */
export interface OpenCalls {
  /** Answers with the promise that the caller is to hold. */
  add<T>(call: Promise<T>): Promise<T>;
  /** Waits until none is open, also of those that join meanwhile. Answers with the first error of those that it waited for. */
  ended(): Promise<{ error: unknown } | undefined>;
}

export function createOpenCalls(): OpenCalls {
  const open = new Set<Promise<unknown>>();
  return {
    add(call) {
      const held = call.then((value) => value);
      const forget = (): void => void open.delete(held);
      call.then(forget, forget);
      open.add(held);
      return held;
    },
    async ended() {
      let first: { error: unknown } | undefined;
      while (open.size > 0) {
        // Nobody may hold them any more: from here on their errors are told by this function.
        for (const outcome of await Promise.allSettled(open)) {
          if (outcome.status === "rejected") first ??= { error: outcome.reason };
        }
      }
      return first;
    },
  };
}
