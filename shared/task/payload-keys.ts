/** Keys that a task makes of a payload: the group and the share that its message belongs to. */

import { describeError, InvalidOptionError, MissingOptionError } from "../errors.ts";
import { isKey, isMessageGroupId, KEY_EXPECTED, MESSAGE_GROUP_ID_EXPECTED } from "../message/labels.ts";

/** A text, or how a payload says it. */
type PayloadKey<Payload> = string | ((payload: Payload) => string);

export interface KeyOptions<Payload> {
  /** The party that shares `concurrency`, such as the tenant: text of 1 to 256 characters. */
  concurrencyKey?: PayloadKey<Payload>;
  /** The group of its messages, where a call names none: see `ApplyOptions.messageGroupId`. */
  messageGroupId?: PayloadKey<Payload>;
}

/** @throws InvalidOptionError for a key that cannot be used, or whose function throws */
export function keysOf<Payload>(
  options: KeyOptions<Payload>,
  payload: Payload,
): { messageGroupId?: string; concurrencyKey?: string } {
  const messageGroupId = keyOf("messageGroupId", options.messageGroupId, payload);
  const concurrencyKey = keyOf("concurrencyKey", options.concurrencyKey, payload);
  if (messageGroupId !== undefined && !isMessageGroupId(messageGroupId)) {
    throw new InvalidOptionError("messageGroupId", messageGroupId, MESSAGE_GROUP_ID_EXPECTED);
  }
  if (concurrencyKey !== undefined && !isKey(concurrencyKey)) {
    throw new InvalidOptionError("concurrencyKey", concurrencyKey, KEY_EXPECTED);
  }
  return {
    ...(messageGroupId !== undefined && { messageGroupId }),
    ...(concurrencyKey !== undefined && { concurrencyKey }),
  };
}

/** Anything, for nobody has checked what a function answers; what stands for no key is undefined. */
function keyOf<Payload>(option: string, key: PayloadKey<Payload> | undefined, payload: Payload): unknown {
  if (typeof key !== "function") return key;
  try {
    const found: unknown = key(payload);
    // A promise is no text, and is refused; but one that rejects, with nobody to hear it, would end the process.
    if (found instanceof Promise) found.catch(() => {});
    return found;
  } catch (error) {
    throw new MissingOptionError(option, `its function threw ${thrownText(error)}`, error);
  }
}

const MAX_THROWN_CHARS = 200;

/** A thrown value of someone's function, for a sentence. */
export function thrownText(error: unknown): string {
  const { name, message } = describeError(error);
  const text = `${name}: ${message}`;
  return text.length > MAX_THROWN_CHARS ? `${text.slice(0, MAX_THROWN_CHARS)}…` : text;
}
