/**
 * What must hold of a record for a write to apply, in `@attribute` and `:value`. No parentheses: AND binds tighter than OR, and the
 * embedded DynamoDB takes 1.5 ms to parse nested ones.
 */

import type { Item } from "../aws/dynamodb.ts";
import { type DeliveryId, NO_DELIVERY } from "../message/delivery.ts";
import type { Message } from "../message/message.ts";

/** It waits, and nobody runs it. */
export const WAITING = "@state IN (:pending, :retry)";

/** It has never been claimed. */
export const NOT_BEGUN = "@state = :pending";

/** It waits, or runs. */
export const NOT_ENDED = "@state IN (:pending, :retry, :started)";

/** Nobody has ever heard of it. */
export const NEVER_RECORDED = "attribute_not_exists(@state)";
const OF_MY_ATTEMPT = "@attempt = :attempt";
const NOT_REVOKED = "attribute_not_exists(@revokeRequestedAt)";

/**
 * The run that holds the task is over, and no clock was asked: SQS has delivered that run's own message again, which it does only
 * when the visibility timeout, and so the function's time, has passed; or this is a copy that was sent when that run was seen, and has
 * been on its way for longer than the function may take.
 */
const DELIVERED_AGAIN = "@state = :started AND @messageId = :messageId AND @receiveCount < :receiveCount";
const SEEN_BEFORE = "@state = :started AND @fence = :seen";

/** The same of a message of a FIFO queue, which cannot say what it has seen, for it stays the one that it is: its record says it. */
const WITNESSED =
  "@state = :started AND @seenFence = @fence AND @seenMessage = :messageId AND @seenCount < :receiveCount";

const OVER = [DELIVERED_AGAIN, SEEN_BEFORE, WITNESSED];

/** Nobody runs the task, and it has not ended. */
export const IDLE = [NEVER_RECORDED, WAITING, ...OVER].join(" OR ");

/** This attempt may be begun, and nobody has asked to revoke the task. */
export const MAY_CLAIM = [
  NEVER_RECORDED,
  ...[WAITING, ...OVER].map((clause) => `${clause} AND ${OF_MY_ATTEMPT} AND ${NOT_REVOKED}`),
].join(" OR ");

/** I hold the newest claim. */
export const MINE = "@fence = :fence AND @state = :started";

/** Nobody has ended what I run without a claim. */
export const MINE_UNCLAIMED = `${NEVER_RECORDED} OR ${WAITING} AND ${OF_MY_ATTEMPT}`;

/** It waits, or has no record yet: its record may say why it still waits. */
export const MAY_EXPLAIN = `${NEVER_RECORDED} OR ${WAITING}`;

/** It may be ended for having come too late. */
export const MAY_EXPIRE = `${NEVER_RECORDED} OR ${NOT_BEGUN}`;

/** The values of a delivery by which the run before it may be known to be over. */
export function evidence(
  { seen = -1 }: Pick<Message, "seen">,
  { messageId, receiveCount }: DeliveryId = NO_DELIVERY,
): Item {
  return { seen, messageId, receiveCount };
}
