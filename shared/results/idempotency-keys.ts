import { createHash } from "node:crypto";
import { absent, anyOf, atMost, type Item } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";
import { NewerMessageError } from "../errors.ts";
import { decodeMessage, encodeMessage } from "../message/encoding.ts";
import type { Json } from "../message/json.ts";
import type { Message } from "../message/message.ts";
import { payloadVersionOf } from "../message/payload-version.ts";
import { reservationKey } from "../table/keys.ts";
import { sortedHash } from "./content.ts";

/** The call that a key stands for. */
type Reservation =
  | { first: true }
  /** Someone came before: this is their task, what they send or have sent, and whether their payload was the same. */
  | { first: false; id: string; message: Message | undefined; samePayload: boolean };

/** The key that several calls share. */
export interface SharedKey {
  kind: "idempotency" | "throttle";
  key: string;
  lifetimeSeconds: number;
}

export interface Reservations {
  /**
   * Binds a key to `message` for its lifetime, or says whose it is.
   *
   * If the process dies right after this, the key points to a task that was never sent; the next submit with the same key
   * finds no record under that id and sends it then. It sends this very message, for the first sender may be slow, not dead: whichever of
   * the two is run, the record shows it.
   * @param message under an idempotency key its payload is not kept, since whoever comes later must have the same
   * @param payload its JSON text, or the SHA-256 of that in base64 where nobody has it whole
   */
  reserve(message: Message, payload: string | { hash: string }, key: SharedKey): Promise<Reservation>;
}

export function createReservations({ table, clock }: { table: Table; clock: () => Date }): Reservations {
  return {
    async reserve(message, payload, { kind, key, lifetimeSeconds }) {
      const seconds = Math.floor(clock().getTime() / 1000);
      const hashes = kind === "idempotency" ? payloadHashes(payload, message.payload) : undefined;
      const kept = kind === "idempotency" ? { ...message, payload: null } : message;
      const outcome = await table.update({
        key: reservationKey(kind, message.task, key),
        set: {
          id: message.id,
          message: encodeMessage(kept),
          ttl: seconds + Math.ceil(lifetimeSeconds),
          ...hashes,
        },
        when: anyOf(absent("id"), atMost("ttl", seconds)),
        likelyNew: true,
      });
      return outcome.applied ? { first: true } : otherOf(outcome.item ?? {}, message, hashes);
    },
  };
}

/** The reservation that another call has made, as its item says. */
function otherOf(item: Item, message: Message, hashes: ReturnType<typeof payloadHashes> | undefined): Reservation {
  const text = (name: string): string | undefined => (item[name] === undefined ? undefined : String(item[name]));
  const id = text("id") ?? message.id;
  const body = text("message");
  const found = body === undefined ? undefined : messageIn(body);
  return {
    first: false,
    id,
    // An older version of Lovage, while one is deployed for the other, writes no message, and leaves that of the task before.
    message: found?.id === id ? found : undefined,
    // Of two versions nobody can say whether they mean the same, so the key alone decides.
    samePayload:
      isOtherVersion(message, found) ||
      text("sortedHash") === hashes?.sortedHash ||
      text("payloadHash") === hashes?.payloadHash,
  };
}

function isOtherVersion(one: Message, other: Message | undefined): boolean {
  return other !== undefined && payloadVersionOf(one) !== payloadVersionOf(other);
}

/** The message of a key; undefined where a newer version of Lovage has written it: then the call's own is sent under the first one's id. */
function messageIn(body: string): Message | undefined {
  try {
    return decodeMessage(body);
  } catch (error) {
    if (error instanceof NewerMessageError) return undefined;
    throw error;
  }
}

/**
 * A payload is the same in whatever order its fields stand: another program, or the next version of this one, may write them in
 * another. The hash of its text is what an older version of Lovage compares; while one is deployed for the other, each finds its own.
 */
function payloadHashes(given: string | { hash: string }, payload: Json): { payloadHash: string; sortedHash: string } {
  if (typeof given !== "string") return { payloadHash: given.hash, sortedHash: given.hash };
  return { payloadHash: createHash("sha256").update(given).digest("base64"), sortedHash: sortedHash(payload) };
}
