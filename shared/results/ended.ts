import type { Message } from "../message/message.ts";
import type { TaskState } from "./record.ts";

/** One run, or one task, that has come to an end or to a retry. */
export interface Ended {
  task: string;
  state: TaskState;
  /** Absent for a task that ended without a run. */
  times?: RunTimes;
}

export interface RunTimes {
  /** From the time when the attempt was sent, or due, to its start. */
  waitMilliseconds: number;
  runMilliseconds: number;
}

/** The times of a run that ends at `end`. Its sender's clock may be ahead of its worker's: no time is below 0. */
export function runTimes(
  { message: { sentAt, eta }, startedAt }: { message: Pick<Message, "sentAt" | "eta">; startedAt: Date },
  end: Date,
): RunTimes {
  const due = Math.max(Date.parse(sentAt), eta === undefined ? 0 : Date.parse(eta));
  return {
    waitMilliseconds: Math.max(0, startedAt.getTime() - due),
    runMilliseconds: Math.max(0, end.getTime() - startedAt.getTime()),
  };
}
