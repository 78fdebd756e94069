/** The most that a default task may use, in full batches. Pure. */

import type { Usage } from "./bill.ts";
import type { Units } from "./capacity-meter.ts";

export interface BudgetLine {
  what: string;
  perTask: number;
  most: number;
  holds: boolean;
}

const MOST_WRITE_UNITS = 3;
/** 0.1 each to send, receive and delete, and a little for a batch that was not full. */
const MOST_SQS_REQUESTS = 0.31;

/** Of sums of tenths. */
const ROUNDING = 1e-9;

/** Reads of the control item are no task's: they come by the clock, at most one in two seconds of a worker. */
const CONTROL = "control";

/** More than a default task: the join, and the body's share (docs/decisions/0052-joins.md). */
const MEMBER_WRITE_UNITS = 1;
const MEMBER_CALLS = 0.1;

/** The most that a member of a chord may use beside a default task. */
export function checkMember(
  plain: { usage: Usage; calls: number },
  member: { usage: Usage; calls: number },
): BudgetLine[] {
  const more = (what: string, perTask: number, most: number): BudgetLine => ({
    what: `${what} of a chord's member, beside that`,
    perTask,
    most,
    holds: perTask <= most + ROUNDING,
  });
  return [
    more("write units", (member.usage.writeUnit ?? 0) - (plain.usage.writeUnit ?? 0), MEMBER_WRITE_UNITS),
    more("AWS calls", member.calls - plain.calls, MEMBER_CALLS),
  ];
}

export function checkBudget({ tasks, usage, reads }: { tasks: number; usage: Usage; reads: Units }): BudgetLine[] {
  const { writeUnit = 0, sqsRequest = 0 } = usage;
  const recordReads = Object.entries(reads).reduce((all, [kind, units]) => all + (kind === CONTROL ? 0 : units), 0);
  // Units are whole, so nothing is rounded but the division. One more in the whole run may be the SDK's second try of a call whose
  // answer was lost, which no code can avoid; a write too many by design shows in every task.
  const tolerance = 1 / tasks + ROUNDING;
  return [
    {
      what: "write units",
      perTask: writeUnit,
      most: MOST_WRITE_UNITS,
      holds: writeUnit <= MOST_WRITE_UNITS + tolerance,
    },
    { what: "read units but for the control item", perTask: recordReads, most: 0, holds: recordReads === 0 },
    {
      what: "SQS requests in full batches",
      perTask: sqsRequest,
      most: MOST_SQS_REQUESTS,
      holds: sqsRequest <= MOST_SQS_REQUESTS + ROUNDING,
    },
  ];
}
