import { createHash } from "node:crypto";
import type { Table } from "../aws/dynamodb.ts";
import type { Message } from "../message/message.ts";
import { reservationKey } from "./keys.ts";

/** Whom an idempotency key stands for. */
export type Reservation =
  | { first: true }
  /** Someone came before: this is their task, and whether their payload was the same. */
  | { first: false; id: string; eta: string | undefined; samePayload: boolean };

/**
 * Binds `key` to `message.id` for `lifetimeSeconds`, or says whose it is.
 *
 * If the process dies right after this, the key points to a task that was never sent; the next submit with the same key
 * finds no record under that id and sends it then.
 */
export async function reserve(
  table: Table,
  now: Date,
  message: Message,
  payloadText: string,
  { kind, key, lifetimeSeconds }: { kind: "idempotency" | "throttle"; key: string; lifetimeSeconds: number },
): Promise<Reservation> {
  const seconds = Math.floor(now.getTime() / 1_000);
  const payloadHash = createHash("sha256").update(payloadText).digest("base64");
  const outcome = await table.update({
    key: reservationKey(kind, message.task, key),
    update: `SET @id = :id, @payloadHash = :payloadHash, @ttl = :ttl${message.eta ? ", @eta = :eta" : " REMOVE @eta"}`,
    condition: "attribute_not_exists(@id) OR @ttl <= :seconds",
    values: {
      id: message.id,
      payloadHash,
      ttl: seconds + Math.ceil(lifetimeSeconds),
      seconds,
      ...(message.eta && { eta: message.eta }),
    },
  });
  if (outcome.applied) return { first: true };
  return {
    first: false,
    id: String(outcome.item?.id ?? message.id),
    eta: outcome.item?.eta === undefined ? undefined : String(outcome.item.eta),
    samePayload: outcome.item?.payloadHash === payloadHash,
  };
}
