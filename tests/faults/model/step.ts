import fc from "fast-check";

/** One of the workers that hold claims at the same time, by age: 0 is the one who claimed last, the others' claims are stale. */
export type Worker = 0 | 1 | 2;

interface Settling {
  by: Worker;
  /** Its error or result is too large for the record, and lies in S3. */
  large: boolean;
}

/**
 * A delivery's knowledge of the run that holds the task. `again` and `seen` show that it is over: its own message was delivered again;
 * this copy was sent when it was seen. The others show nothing: another message, the same delivery twice, a run before that.
 */
export type Evidence = "again" | "seen" | "another" | "twin" | "outdated";

/** A message is delivered: of the attempt that is due (0), of one before, or of one whose record is not there yet. */
interface Delivered {
  attempt: -1 | 0 | 1;
  evidence: Evidence;
}

/** The steps that a task can take. */
export type Event =
  /** The sender's record: it may come late, or twice. */
  | { do: "pending" }
  | ({ do: "claim"; functionSeconds: number } & Delivered)
  | ({ do: "succeed" } & Settling)
  | ({ do: "fail" } & Settling)
  | ({ do: "retry"; afterSeconds: number } & Settling)
  | ({ do: "revokeRunning" } & Settling)
  | { do: "release"; by: Worker }
  | { do: "progress"; by: Worker }
  /** `meanwhile`: what the worker does between the two calls that a revoke of a running task makes. */
  | { do: "requestRevoke"; meanwhile?: Extract<Event, Settling> }
  | ({ do: "revoke"; large: boolean } & Delivered)
  | ({ do: "expire" } & Delivered)
  | ({ do: "failUnclaimed"; large: boolean } & Delivered)
  | ({ do: "explain" } & Delivered)
  | { do: "replace" }
  | { do: "stateOf" }
  | { do: "openEntry"; by: Worker }
  | { do: "closeEntry"; by: Worker }
  | { do: "wait"; milliseconds: number }
  /** Time passes until a moment at which something ends, or just before or after it. */
  | { do: "waitFor"; end: "ttl" | "shown"; milliseconds: number }
  /** DynamoDB deletes the record, because its time to live is over. */
  | { do: "sweep" };

/** `answerLost`: the first answer to each of its writes does not arrive, so the SDK makes the same call again. */
export type Step = Event & { answerLost?: true };

const worker = fc.constantFrom<Worker>(0, 0, 0, 1, 1, 2);
const attempt = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0 as const) },
  { weight: 2, arbitrary: fc.constant(-1 as const) },
  { weight: 1, arbitrary: fc.constant(1 as const) },
);
const evidence = fc.constantFrom<Evidence>("again", "seen", "another", "twin", "outdated");
const delivered = { attempt, evidence };
const large = fc.oneof({ weight: 7, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) });
const settling = { by: worker, large };
const is = <Name extends Event["do"]>(name: Name) => fc.constant(name);

const settlings = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: is("succeed"), ...settling }) },
  { weight: 2, arbitrary: fc.record({ do: is("fail"), ...settling }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: is("retry"), ...settling, afterSeconds: fc.constantFrom(0, 5, 86_400, 20 * 86_400) }),
  },
  { weight: 1, arbitrary: fc.record({ do: is("revokeRunning"), ...settling }) },
);

const events: fc.Arbitrary<Event> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: is("pending") }) },
  {
    weight: 14,
    arbitrary: fc.record({ do: is("claim"), ...delivered, functionSeconds: fc.constantFrom(1, 10, 30, 900) }),
  },
  { weight: 10, arbitrary: settlings },
  { weight: 3, arbitrary: fc.record({ do: is("release"), by: worker }) },
  { weight: 4, arbitrary: fc.record({ do: is("progress"), by: worker }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: is("requestRevoke"), meanwhile: settlings }, { requiredKeys: ["do"] }),
  },
  { weight: 1, arbitrary: fc.record({ do: is("revoke"), ...delivered, large }) },
  { weight: 1, arbitrary: fc.record({ do: is("expire"), ...delivered }) },
  { weight: 1, arbitrary: fc.record({ do: is("failUnclaimed"), ...delivered, large }) },
  { weight: 2, arbitrary: fc.record({ do: is("explain"), ...delivered }) },
  { weight: 1, arbitrary: fc.record({ do: is("replace") }) },
  { weight: 1, arbitrary: fc.record({ do: is("stateOf") }) },
  { weight: 3, arbitrary: fc.record({ do: is("openEntry"), by: worker }) },
  { weight: 2, arbitrary: fc.record({ do: is("closeEntry"), by: worker }) },
  { weight: 3, arbitrary: fc.record({ do: is("wait"), milliseconds: fc.integer({ min: 1, max: 40_000 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: is("waitFor"),
      end: fc.constantFrom("ttl" as const, "shown" as const),
      milliseconds: fc.constantFrom(-1, 0, 1),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: is("sweep") }) },
);

export const steps: fc.Arbitrary<Step> = fc
  .tuple(events, fc.nat({ max: 9 }))
  .map(([event, chance]) => (chance === 9 ? { ...event, answerLost: true } : event));
