/** Names of entries, and of what they send. */

import { echo } from "../echo.ts";
import { InvalidScheduleError } from "../errors.ts";
import { derivedId } from "../message/id.ts";

/** Characters of a name, at most. */
export const MAX_NAME = 200;

/** One part of a URL and of a key as it is, with nothing to escape. */
const NAME = /^[A-Za-z0-9~][A-Za-z0-9._~:@-]{0,199}$/;

/** @throws InvalidScheduleError */
export function checkName(name: string): string {
  if (NAME.test(name)) return name;
  throw new InvalidScheduleError(
    `name of a schedule entry ${echo(name)}`,
    "1 to 200 letters, digits and signs of '-_.~:@', a letter, a digit or '~' first; scheduleName() writes any text so",
  );
}

/**
 * A name made of parts, such as a tenant's and a report's, which are separated by `:`. Any sign that a name cannot have is written as `~`
 * and its bytes in hexadecimal, so that other parts make another name.
 * @throws InvalidScheduleError for a name of more than 200 characters, or an empty part
 * @example scheduleName("acme/eu", "report 42") // "acme~2Feu:report~2042"
 */
export function scheduleName(...parts: readonly string[]): string {
  if (parts.length === 0 || parts.includes(""))
    throw new InvalidScheduleError("part '' of the name of a schedule entry", "text");
  return checkName(parts.map((part) => part.replaceAll(/^[._-]|[^A-Za-z0-9._-]/gu, escaped)).join(":"));
}

function escaped(sign: string): string {
  return [...Buffer.from(sign)].map((byte) => `~${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}

/** The incarnation, and the edition, of an entry that code declares. */
export const CODE = "code";

/** The id of the task that an entry's fire time sends. */
export function firingId({ name, incarnation }: { name: string; incarnation: string }, time: Date): string {
  const whose = incarnation === CODE ? name : `${name}/${incarnation}`;
  return derivedId(time, `beat/${whose}/${time.toISOString()}`);
}

/** Names that code has declared in this process, which no other entry may have. */
const declared = new Set<string>();

export function declareStatic(name: string): void {
  declared.add(name);
}

export function isStatic(name: string): boolean {
  return declared.has(name);
}
