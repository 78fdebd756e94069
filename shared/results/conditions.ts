/**
 * What must hold of a record for a write to apply, in `@attribute` and `:value`. No parentheses: AND binds tighter than OR, and the
 * embedded DynamoDB takes 1.5 ms to parse nested ones.
 */

/** The named conditions under which an attempt may be claimed, if nobody has asked to revoke the task. */
export const CLAIMABLE = {
  neverRecorded: "attribute_not_exists(@state)",
  waiting: "@state = :pending AND @attempt = :attempt",
  dueForRetry: "@state = :retry AND @attempt = :attempt",
  abandoned: "@state = :started AND @attempt = :attempt AND @leaseUntil < :now",
};
const NOT_REVOKED = "attribute_not_exists(@revokeRequestedAt)";

/** It has never been claimed. */
export const NOT_BEGUN = "@state = :pending";

/** Nobody runs the task, and it has not ended. */
export const IDLE = "@state = :pending OR @state = :retry OR @state = :started AND @leaseUntil < :now";

export const MAY_CLAIM = Object.values(CLAIMABLE)
  .map((clause) => `${NOT_REVOKED} AND ${clause}`)
  .join(" OR ");

/** I hold the newest claim. */
export const MINE = "@fence = :fence AND @state = :started";

/** It waits, or runs. */
export const NOT_ENDED_YET = "@state IN (:pending, :retry, :started)";

/** Nobody has ended what I run without a claim. */
export const NOT_ENDED = [CLAIMABLE.neverRecorded, CLAIMABLE.waiting, CLAIMABLE.dueForRetry].join(" OR ");
