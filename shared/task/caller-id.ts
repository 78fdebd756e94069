/** Ids that callers make: the same id with the same content is the same task, so a send may be repeated. */

import { ConflictingOptionsError, InvalidOptionError } from "../errors.ts";
import { idTime, isId } from "../message/id.ts";
import { type ApplyOptions, ONE_OF } from "./options.ts";

/**
 * An id's time may differ from now by this much. Records outlive it by far, so a repeated send always finds the task of the first; and
 * the clocks of callers differ.
 */
const MAX_APART_MILLISECONDS = 86_400_000;

/** @throws InvalidOptionError for an id that cannot be a new task's; ConflictingOptionsError beside an option that chooses the task */
export function checkCallerId(id: unknown, options: ApplyOptions, now: Date): asserts id is string {
  const time = typeof id === "string" && isId(id) && id.charAt(14) === "7" ? idTime(id) : undefined;
  if (time === undefined || Math.abs(time.getTime() - now.getTime()) > MAX_APART_MILLISECONDS) {
    const expected = `a UUID of version 7 in lower case, whose time is within a day of ${now.toISOString()}`;
    throw new InvalidOptionError("id", id, expected);
  }
  const other = ONE_OF.find((name) => options[name] !== undefined);
  if (other) throw new ConflictingOptionsError("id", other, "each says which calls are one task");
}
