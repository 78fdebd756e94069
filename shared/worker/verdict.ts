/** Whether SQS may forget a record: only once its outcome is stored. */
export type Verdict = "acknowledge" | "keep";

/** The time that a handler has. */
export interface Invocation {
  /** Milliseconds until AWS kills this function. */
  remainingMilliseconds: () => number;
  /** The value of `remainingMilliseconds` when the batch began. */
  totalMilliseconds: number;
}
