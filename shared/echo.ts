/** How a value, or a text of someone else's, stands in a sentence: short, whatever it is. */

import { inspect } from "node:util";

/** Of a value that a refusal repeats. In characters. */
const ECHO_CHARS = 100;

/** Of the names of a path; a place that lies deeper is told by its first ones. */
const PLACE_CHARS = 100;

/** Names that a sentence lists. */
const LISTED = 20;

/** A picture of any value, of at most `most` characters and its length. Runs no code of the value's own, and never throws. */
export function echo(value: unknown, most = ECHO_CHARS): string {
  if (typeof value === "string") {
    return value.length <= most ? `'${value}'` : `'${head(value, most)}…' (${value.length} characters)`;
  }
  // Millions of digits would take seconds.
  if (typeof value === "bigint" && BigInt.asIntN(400, value) !== value) return "a BigInt of more than 100 digits";
  try {
    const options = { depth: 2, maxArrayLength: 10, maxStringLength: most, breakLength: Number.POSITIVE_INFINITY };
    const picture = inspect(value, { ...options, compact: true, customInspect: false });
    return cut(picture.replaceAll(/\s+/g, " "), most);
  } catch {
    return kindOf(value);
  }
}

/** The first `most` characters of a text, and how long it is. */
export function cut(text: string, most = ECHO_CHARS): string {
  return text.length <= most ? text : `${head(text, most)}… (${text.length} characters)`;
}

/** The first `most` characters, one less where the last would be half of one. */
export function head(text: string, most: number): string {
  if (text.length <= most) return text;
  const last = text.charCodeAt(most - 1);
  return text.slice(0, last >= 0xd8_00 && last <= 0xdb_ff ? most - 1 : most);
}

/** Where something stands in a value, such as `items.3.price`; empty for the value itself. */
export function placeText(path: readonly PropertyKey[]): string {
  // Of a path that is deep, or has long names, no more is put together than is shown.
  const names = path.slice(0, PLACE_CHARS).map((part) => head(String(part), PLACE_CHARS));
  const text = names.join(".");
  return text.length <= PLACE_CHARS && names.length === path.length ? text : `${head(text, PLACE_CHARS)}…`;
}

/** Names for a sentence: the first of them, and how many more there are. */
export function listText(names: readonly string[]): string {
  if (names.length === 0) return "none";
  const shown = names
    .slice(0, LISTED)
    .map((name) => echo(name))
    .join(", ");
  return names.length <= LISTED ? shown : `${shown} and ${names.length - LISTED} more`;
}

function kindOf(value: unknown): string {
  try {
    return Object.prototype.toString.call(value);
  } catch {
    return "[a value that cannot be read]";
  }
}
