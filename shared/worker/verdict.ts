/** Whether SQS may forget a record: only once its outcome is stored. */
export type Verdict = "acknowledge" | "keep";

/** What a handler of records needs to know of its invocation. */
export interface Invocation {
  /** Milliseconds until AWS kills this function. */
  remainingMilliseconds: () => number;
  /** What `remainingMilliseconds` said when the batch began. */
  totalMilliseconds: number;
}
