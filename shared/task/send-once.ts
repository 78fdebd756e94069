/** Several calls that are one task: `idempotencyKey`, `throttle` and `debounce`. */

import { describeError, IdempotencyKeyReusedError, TaskRevokedError } from "../errors.ts";
import { replacedReason } from "../limits/debounce.ts";
import type { Message } from "../message/message.ts";
import { payloadVersionField, payloadVersionOf } from "../message/payload-version.ts";
import type { SharedKey } from "../results/idempotency-keys.ts";
import type { App } from "./current-app.ts";
import type { ApplyOptions } from "./options.ts";
import { type Outgoing, packPayload, type Sent, submit, submitPacked } from "./submit.ts";
import { secondsAfter } from "./times.ts";

/**
 * Sends the task unless one of its key has been sent; then that one is the answer, however it ended
 * (docs/decisions/0017-one-outcome-per-key.md).
 */
export async function sendOnce(app: App, outgoing: Outgoing, once: SharedKey): Promise<Sent> {
  const { message, payloadText, position } = outgoing;
  const isThrottle = once.kind === "throttle";
  // Under a throttle payloads differ, and the first call's is kept with the key: a large one is stored before anyone may refer to it.
  const own = isThrottle ? { ...message, ...(await packPayload(app, message, payloadText)) } : message;
  const reservation = await app.reservations.reserve(own, payloadText, once);
  const send = (one: Message): Promise<Sent> => {
    if (isThrottle) return submitPacked(app, one, position);
    // The payload of this call, which may be the same in another version.
    const { payloadVersion: _, ...rest } = one;
    const own = { payload: message.payload, ...payloadVersionField(payloadVersionOf(message)) };
    return submit(app, { ...outgoing, message: { ...rest, ...own } });
  };
  // Dying here leaves a key whose task was never sent; the next submit with that key sends it, below.
  if (reservation.first) return send(own);
  const { id, message: first, samePayload } = reservation;
  if (!isThrottle && !samePayload) throw new IdempotencyKeyReusedError(message.task, once.key);

  const state = await app.results.stateOf(id);
  if (state !== undefined) return { id, state };
  // An older version of Lovage has written the key.
  if (first === undefined) return send({ ...own, id, rootId: own.parentId === undefined ? id : own.rootId });
  const { expires, ...rest } = first;
  return send({ ...rest, ...laterExpiry(message.expires, expires) });
}

/** It waits as long as the more patient of the two calls: neither may end it before its start. */
function laterExpiry(one: string | undefined, other: string | undefined): Pick<Message, "expires"> {
  if (one === undefined || other === undefined) return {};
  return { expires: one > other ? one : other };
}

/**
 * Sends the task as the newest of its burst, and revokes the one whose place it takes.
 * @param expiresSeconds the task's own, which counts from its start
 */
export async function sendDebounced(
  app: App,
  outgoing: Outgoing,
  { key, wait, maxWait }: NonNullable<ApplyOptions["debounce"]>,
  expiresSeconds: number | undefined,
): Promise<Sent> {
  const { message } = outgoing;
  const { id, task } = message;
  // It waits from the moment of its call, from which its 'expires' counts, too: not from when its payload had been checked.
  const calledAt = new Date(message.sentAt);
  const { burst, eta, replaces } = await app.bursts.join(calledAt, { task, key, id, wait, maxWait });
  const expires =
    message.expires ?? (expiresSeconds === undefined ? undefined : secondsAfter(eta, expiresSeconds).toISOString());
  const debounced = { ...message, eta: eta.toISOString(), ...(expires && { expires }), debounce: { key, burst } };
  const sent = await submit(app, { ...outgoing, message: debounced });
  // Dying here leaves two tasks of one burst; the worker finds that the older is not the newest, and ends it.
  if (replaces !== undefined) {
    const reason = new TaskRevokedError(replaces, replacedReason(id));
    await app.results.replace(replaces, describeError(reason));
  }
  return sent;
}
