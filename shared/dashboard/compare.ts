/** The difference of two runs, or of two values. */

import { ExactNumber, writeExact } from "./json.ts";
import { own } from "./own.ts";

/** A run as it can be compared. */
export interface Run {
  /** In the words of a choice. */
  name: string;
  outcome: string;
  startedAt?: string | undefined;
  endedAt?: string | undefined;
  error?: { name: string; message: string; code?: string } | undefined;
  version?: string | undefined;
  payload: unknown;
}

/** A place at which two values differ; undefined where there is none. */
interface Difference {
  place: string;
  before: string | undefined;
  after: string | undefined;
}

/** More of them say only that it is another value. */
const MAX_DIFFERENCES = 50;

/** The places at which two JSON values differ, in their order, each by its path such as `items[2].price`; at most 50. */
export function differences(before: unknown, after: unknown): Difference[] {
  const found: Difference[] = [];
  const look = (a: unknown, b: unknown, place: string): void => {
    if (found.length >= MAX_DIFFERENCES) return;
    if (Array.isArray(a) && Array.isArray(b)) {
      const length = Math.max(a.length, b.length);
      for (let index = 0; index < length; index += 1) look(a[index], b[index], `${place}[${index}]`);
    } else if (isFields(a) && isFields(b)) {
      for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
        look(own(a, name), own(b, name), place === "" ? name : `${place}.${name}`);
      }
    } else {
      const [one, other] = [textOf(a), textOf(b)];
      if (one !== other) found.push({ place: place === "" ? "the whole" : place, before: one, after: other });
    }
  };
  look(before, after, "");
  return found;
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : writeExact(value, null);
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}
