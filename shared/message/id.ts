import { createHash } from "node:crypto";
import { uuidv7obj } from "uuidv7";

/**
 * A task id is a UUID whose first 48 bits are its time: the id alone says where its record lies and how old it is.
 *
 * - `newId`: UUIDv7, for what a client asks for.
 * - `derivedId`: the same layout as UUIDv8 with hash bits in place of random ones, for what the system asks for: the
 *   same cause always has the same id, so a step that is repeated after a crash finds its own earlier work.
 *
 * https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7
 */
export function newId(): string {
  return uuidv7obj().toString();
}

/** @param cause text that is the same whenever the same thing happens, e.g. `beat/send-daily-email/2026-11-22T08:00:00Z` */
export function derivedId(time: Date, cause: string): string {
  const hash = createHash("sha256").update(cause).digest("hex");
  const stamp = Math.max(0, time.getTime()).toString(16).padStart(12, "0").slice(-12);
  const variant = ((Number.parseInt(hash.slice(3, 4), 16) & 0x3) | 0x8).toString(16);
  return `${stamp.slice(0, 8)}-${stamp.slice(8)}-8${hash.slice(0, 3)}-${variant}${hash.slice(4, 7)}-${hash.slice(7, 19)}`;
}

/** Any UUID in its canonical lower-case form. */
export function isId(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text);
}

/** The time that an id of version 7 or 8 carries; undefined for any other UUID, such as an SQS message id. */
export function idTime(id: string): Date | undefined {
  if (!/^[78]$/.test(id.charAt(14))) return undefined;
  const time = new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
  return Number.isNaN(time.getTime()) ? undefined : time;
}
