/**
 * The one reader of JSON that others wrote. `JSON.parse` makes 12345678901234567000 of 12345678901234567890, and null of 1e400 on its
 * way back, without a word; and what is nested too deep ends the stack of whoever writes it next. Here both are refused.
 */

import { cut } from "../echo.ts";
import type { Json } from "./json.ts";
import { MAX_LEVELS, type Refuse } from "./json-writer.ts";

/** A number that might change: 16 digits or more, an exponent of three, 300 zeros after the point. Others cost no second look. */
const MAY_CHANGE = /(?:^|[[:,\s])-?(?:\d{16}|[\d.]+[eE][+-]?\d{3}|0\.0{300})/;

/** Levels around a payload: the body of a call, or the envelope of a message. */
const ENVELOPE_LEVELS = 1;

/**
 * Parses text that anyone may have written.
 * @param refuse makes the error for a number that JavaScript cannot hold, and for more than 1,000 levels
 * @throws SyntaxError for what is no JSON
 */
export function readJson(text: string, refuse: Refuse): Json {
  const value: Json = JSON.parse(text);
  const levels = MAX_LEVELS + ENVELOPE_LEVELS;
  // Each level is two brackets at least.
  const deep = text.length > 2 * levels ? deepPath(value, levels) : undefined;
  if (deep !== undefined) throw refuse({ path: deep, reason: `it lies deeper than ${MAX_LEVELS} levels` });
  const changed = MAY_CHANGE.test(text) ? changedNumber(text) : undefined;
  if (changed !== undefined) {
    const reason = `the number ${cut(changed.source, 40)} would become ${changed.value}: send it as text`;
    throw refuse({ path: changed.path, reason });
  }
  return value;
}

interface Changed {
  holder: unknown;
  path: string[];
  source: string;
  value: number;
}

/** The first number of a text that JavaScript does not hold as it is written. The text nests no deeper than a reviver can go. */
function changedNumber(text: string): Changed | undefined {
  let changed: Changed | undefined;
  // A reviver sees each number with its source, but not where that lies: its holder comes by later, with its own name.
  JSON.parse(text, function (this: unknown, name: string, value: unknown, context?: { source?: string }) {
    if (changed === undefined) {
      const source = context?.source;
      if (typeof value === "number" && source !== undefined && isChanged(source, value)) {
        changed = { holder: this, path: [name], source, value };
      }
    } else if (value === changed.holder && name !== "") {
      changed = { ...changed, holder: this, path: [name, ...changed.path] };
    }
    return value;
  });
  return changed;
}

/** Whether a number would be written as another one than was read. A fraction is rounded, as everywhere. */
function isChanged(source: string, value: number): boolean {
  if (!Number.isFinite(value)) return true;
  if (value === 0) return /[1-9]/.test(source.replace(/[eE].*/, ""));
  return /^-?\d+$/.test(source) && significant(source) !== significant(String(value));
}

/** Digits up to the zeros at the end: an integer and its double differ in no other way. */
function significant(number: string): string {
  return number.replace(/e.*/, "").replaceAll(/[-.]/g, "").replace(/0+$/, "");
}

/** Where a value lies deeper than `levels`. */
function deepPath(value: Json, levels: number): (string | number)[] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (levels === 0) return [];
  const members: readonly Json[] = Array.isArray(value) ? value : Object.values(value);
  for (const [index, member] of members.entries()) {
    const path = deepPath(member, levels - 1);
    if (path) return [Array.isArray(value) ? index : (Object.keys(value)[index] ?? ""), ...path];
  }
  return undefined;
}
