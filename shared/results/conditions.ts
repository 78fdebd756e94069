/**
 * What must hold of a record for a write to apply, in `@attribute` and `:value`. No parentheses: AND binds tighter than OR, and the
 * embedded DynamoDB takes 1.5 ms to parse nested ones.
 */

/**
 * The run that holds the task is over, and no clock was asked: SQS has delivered that run's own message again, which it does only
 * when the visibility timeout, and so the function's time, has passed; or this is a copy that was sent when that run was seen, and has
 * been on its way for longer than the function may take.
 */
const RUN_IS_OVER = [
  "@state = :started AND @fence = :seen",
  "@state = :started AND @messageId = :messageId AND @receiveCount < :receiveCount",
];

/** The named conditions under which an attempt may be claimed, if nobody has asked to revoke the task. */
export const CLAIMABLE = {
  neverRecorded: "attribute_not_exists(@state)",
  waiting: "@state = :pending AND @attempt = :attempt",
  dueForRetry: "@state = :retry AND @attempt = :attempt",
  seenBefore: `${RUN_IS_OVER[0]} AND @attempt = :attempt`,
  deliveredAgain: `${RUN_IS_OVER[1]} AND @attempt = :attempt`,
};
const NOT_REVOKED = "attribute_not_exists(@revokeRequestedAt)";

/** It has never been claimed. */
export const NOT_BEGUN = "@state = :pending";

/** Nobody runs the task, and it has not ended. */
export const IDLE = ["@state = :pending", "@state = :retry", ...RUN_IS_OVER].join(" OR ");

/** It waits, and nobody runs it. */
export const WAITING = "@state = :pending OR @state = :retry";

export const MAY_CLAIM = Object.values(CLAIMABLE)
  .map((clause) => `${NOT_REVOKED} AND ${clause}`)
  .join(" OR ");

/** I hold the newest claim. */
export const MINE = "@fence = :fence AND @state = :started";

/** It waits, or runs. */
export const NOT_ENDED_YET = "@state IN (:pending, :retry, :started)";

/** Nobody has ended what I run without a claim. */
export const NOT_ENDED = [CLAIMABLE.neverRecorded, CLAIMABLE.waiting, CLAIMABLE.dueForRetry].join(" OR ");
