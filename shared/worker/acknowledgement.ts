/** Whether SQS may forget a record: only once its outcome is stored. */
export type Verdict = "acknowledge" | "keep";
