/** Whether SQS may forget a record: only once its outcome is stored. */
export type Verdict = "acknowledge" | "keep";

/** A verdict, or the result of a run whose success is stored: SQS may forget it, and its workflow goes on. */
export type Ending = Verdict | { resultJson: string | undefined };
