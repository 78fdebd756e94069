/** The conditions of a record under which a write applies. */

import { absent, allOf, anyOf, below, type Condition, equal, isOneOf, present, sameAs } from "../aws/change.ts";
import type { DeliveryId } from "../message/delivery.ts";
import type { Message } from "../message/message.ts";
import type { TaskState } from "./record.ts";

const inState = (...states: readonly TaskState[]): Condition => {
  const [state] = states;
  return states.length === 1 && state ? equal("state", state) : isOneOf("state", states);
};

/** It waits, and nobody runs it. */
export const WAITING = inState("PENDING", "RETRY");

/** It has never been claimed. */
export const NOT_BEGUN = inState("PENDING");

/** Somebody runs it, or did until the worker died. */
export const STARTED = inState("STARTED");

/** It waits, or runs. */
export const NOT_ENDED = inState("PENDING", "RETRY", "STARTED");

/** It has failed. */
export const ENDED_IN_VAIN = inState("FAILURE");

/** It has failed, or was revoked. */
export const ENDED_BADLY = inState("FAILURE", "REVOKED");

/** Nobody has ever heard of it. */
export const NEVER_RECORDED = absent("state");

export const RECORDED = present("state");

/** It waits, or has no record yet: its record may say why it still waits. */
export const MAY_EXPLAIN = anyOf(NEVER_RECORDED, WAITING);

/** It may be ended for having come too late. */
export const MAY_EXPIRE = anyOf(NEVER_RECORDED, NOT_BEGUN);

/**
 * The same, where the caller has made the message's id: a record that is there must have the same content. A message that came with the
 * id of somebody else's task changes nothing.
 */
export function ofContent({ contentHash }: Pick<Message, "contentHash">, when: Condition): Condition {
  if (contentHash === undefined) return when;
  const same = equal("contentHash", contentHash);
  return when.flatMap((clauses) => {
    const isNew = clauses.some((clause) => clause.test === "absent" && clause.name === "state");
    return isNew ? [clauses] : allOf([clauses], same);
  });
}

/** The two facts by which a write knows which run is over: the message, and the delivery that brought it. */
export interface Evidence {
  message: Pick<Message, "seen">;
  delivery: DeliveryId;
}

/** The run that holds the task is over; no clock was asked. */
function over({ message: { seen }, delivery: { messageId, receiveCount } }: Evidence): Condition {
  // SQS delivers a run's own message again only when its visibility timeout has passed, and so the function's time.
  const deliveredAgain = allOf(STARTED, equal("messageId", messageId), below("receiveCount", receiveCount));
  // A message of a FIFO queue cannot say what it has seen, for it stays the one that it is: its record says it.
  const witnessed = allOf(
    STARTED,
    sameAs("seenFence", "fence"),
    equal("seenMessage", messageId),
    below("seenCount", receiveCount),
  );
  if (seen === undefined) return anyOf(deliveredAgain, witnessed);
  // This copy was sent when that run was seen, and has been on its way for longer than the function may take.
  return anyOf(deliveredAgain, witnessed, allOf(STARTED, equal("fence", seen)));
}

/** Nobody runs the task, and it has not ended. */
export function idle(evidence: Evidence): Condition {
  return anyOf(NEVER_RECORDED, WAITING, over(evidence));
}

/** This attempt may be begun, and nobody has asked to revoke the task. */
export function mayClaim(attempt: number, evidence: Evidence): Condition {
  const free = anyOf(WAITING, over(evidence));
  return anyOf(NEVER_RECORDED, allOf(free, equal("attempt", attempt), absent("revokeRequestedAt")));
}

/** The newest claim is the one with this fence. */
export function isMine(fence: number): Condition {
  return allOf(equal("fence", fence), STARTED);
}

/** Nobody has ended an attempt that runs without a claim. */
export function isUnclaimed(attempt: number): Condition {
  return anyOf(NEVER_RECORDED, allOf(WAITING, equal("attempt", attempt)));
}
