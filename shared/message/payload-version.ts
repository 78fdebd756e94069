/** The shape of a payload, as a number: 1 at first, one more with each change that its task declares. */

import { InvalidOptionError } from "../errors.ts";
import type { Json } from "./json.ts";

/** More than a task will ever have. */
export const MAX_PAYLOAD_VERSION = 10_000;

export const PAYLOAD_VERSION_EXPECTED = `a whole number from 1 to ${MAX_PAYLOAD_VERSION}`;

export function isPayloadVersion(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 1 && value <= MAX_PAYLOAD_VERSION;
}

/** The version of a payload that says none: it was sent before its task had a second one. */
export const FIRST_PAYLOAD_VERSION = 1;

export function payloadVersionOf({ payloadVersion = FIRST_PAYLOAD_VERSION }: { payloadVersion?: number }): number {
  return payloadVersion;
}

/** The field as it is written: the first version says nothing, so that a task without versions costs nothing. */
export function payloadVersionField(version: number): { payloadVersion?: number } {
  return version === FIRST_PAYLOAD_VERSION ? {} : { payloadVersion: version };
}

/** A version that a caller gives. @throws InvalidOptionError */
export function toPayloadVersion(value: Json): number {
  if (isPayloadVersion(value)) return value;
  throw new InvalidOptionError("payloadVersion", value, PAYLOAD_VERSION_EXPECTED);
}
