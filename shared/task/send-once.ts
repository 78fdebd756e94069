/** Several calls that are one task: `idempotencyKey`, `throttle` and `debounce`. */

import { describeError, IdempotencyKeyReusedError, TaskRevokedError } from "../errors.ts";
import { joinBurst, replacedReason } from "../limits/debounce.ts";
import type { Message } from "../message/message.ts";
import { reserve } from "../results/idempotency.ts";
import type { App } from "./current-app.ts";
import { deliver, type Sent } from "./deliver.ts";
import type { ApplyOptions } from "./options.ts";

/** Which key makes several calls one task, and for how long. */
export interface OnceOptions {
  /** Under the same idempotency key another payload is a mistake; under a throttle it is left out. */
  kind: "idempotency" | "throttle";
  key: string;
  lifetimeSeconds: number;
}

/** Sends the task unless one of its key has been sent; then that one is the answer. */
export async function sendOnce(app: App, message: Message, payloadText: string, once: OnceOptions): Promise<Sent> {
  const reservation = await reserve(app.table, app.clock(), message, payloadText, once);
  // Dying here leaves a key whose task was never sent; the next submit with that key sends it, below.
  if (reservation.first) return deliver(app, message, payloadText);
  if (once.kind === "idempotency" && !reservation.samePayload)
    throw new IdempotencyKeyReusedError(message.task, once.key);

  const state = await app.results.stateOf(reservation.id);
  if (state !== undefined) return { id: reservation.id, state };
  const { eta, ...rest } = message;
  const rootId = message.parentId === undefined ? reservation.id : message.rootId;
  const again = { ...rest, id: reservation.id, rootId, ...(reservation.eta && { eta: reservation.eta }) };
  return deliver(app, again, payloadText);
}

/** Sends the task as the newest of its burst, and revokes the one whose place it takes. */
export async function sendDebounced(
  app: App,
  message: Message,
  payloadText: string,
  { key, wait, maxWait }: NonNullable<ApplyOptions["debounce"]>,
): Promise<Sent> {
  const { id, task } = message;
  const { burst, eta, replaces } = await joinBurst(app.table, app.clock(), { task, key, id, wait, maxWait });
  const debounced = { ...message, eta: eta.toISOString(), debounce: { key, burst } };
  const sent = await deliver(app, debounced, payloadText);
  // Dying here leaves two tasks of one burst; the worker finds that the older is not the newest, and ends it.
  if (replaces !== undefined) {
    const reason = new TaskRevokedError(replaces, replacedReason(id));
    await app.results.replace(replaces, describeError(reason));
  }
  return sent;
}
