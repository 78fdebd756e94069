import { createHash } from "node:crypto";
import { isBoolean, parseDate, parseDecimal, parseInteger } from "./csv-cell.ts";

export type ColumnType = "empty" | "integer" | "number" | "boolean" | "date" | "text";

/** What `process_upload` tells about one column of a CSV. */
export interface ColumnSummary {
  name: string;
  /** The narrowest type that fits every cell that is not empty. */
  type: ColumnType;
  /** Cells with a value; `count + empty` is the number of rows. */
  count: number;
  /** Cells without a value: blank, or missing at the end of a short row. */
  empty: number;
  /** Different values, or the number after which counting stopped. */
  distinct: number;
  /** `false` when there are more than `distinct` values. */
  distinctExact: boolean;
  /** Length of the longest value, in UTF-16 units as `String.length` counts. */
  longest: number;
  /** Smallest number, or earliest date as the file writes it. */
  min?: number | string;
  max?: number | string;
  mean?: number;
  /** Of the sample (n - 1), so only with two numbers or more. */
  standardDeviation?: number;
}

/** Values that are longer are told apart by their hash. */
const MAX_KEPT_CHARS = 64;

/** Gathers the statistics of one column, cell by cell, in bounded memory. */
export class Column {
  readonly #name: string;
  readonly #maxDistinct: number;
  #type: ColumnType = "empty";
  #count = 0;
  #empty = 0;
  #longest = 0;
  /** Let go once full: a column of a million names needs none of them. */
  #values: Set<string> | undefined = new Set();
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #minDate = "";
  #maxDate = "";
  #mean = 0;
  #squares = 0;

  constructor(name: string, maxDistinct: number) {
    this.#name = name;
    this.#maxDistinct = maxDistinct;
  }

  /** Adds a cell that a short row does not have. */
  addMissing(): void {
    this.#empty += 1;
  }

  /** Adds the cell from `start` to `end` of `text`; white space around the value is ignored. */
  add(text: string, start: number, end: number): void {
    let first = start;
    let last = end;
    while (first < last && text.charCodeAt(first) <= 32) first += 1;
    while (last > first && text.charCodeAt(last - 1) <= 32) last -= 1;
    if (first === last) {
      this.#empty += 1;
      return;
    }
    this.#count += 1;
    if (last - first > this.#longest) this.#longest = last - first;
    const seen = this.#values !== undefined && this.#isSeen(this.#values, text.slice(first, last));
    if (this.#type === "text") return;
    // A value that came before changes only the statistics of numbers.
    if (seen && (this.#type === "boolean" || this.#type === "date")) return;
    this.#type = this.#typeWith(text, first, last);
  }

  /** The statistics so far. Finite numbers only, so that they survive JSON. */
  summary(): ColumnSummary {
    const summary: ColumnSummary = {
      name: this.#name,
      type: this.#type,
      count: this.#count,
      empty: this.#empty,
      distinct: this.#values?.size ?? this.#maxDistinct,
      distinctExact: this.#values !== undefined,
      longest: this.#longest,
    };
    if (this.#type === "date") return { ...summary, min: this.#minDate, max: this.#maxDate };
    if (this.#type !== "integer" && this.#type !== "number") return summary;
    summary.min = this.#min;
    summary.max = this.#max;
    if (Number.isFinite(this.#mean)) summary.mean = this.#mean;
    const deviation = Math.sqrt(this.#squares / (this.#count - 1));
    if (Number.isFinite(deviation)) summary.standardDeviation = deviation;
    return summary;
  }

  /** Remembers the value, and tells whether it was known. */
  #isSeen(values: Set<string>, value: string): boolean {
    const key = value.length <= MAX_KEPT_CHARS ? value : createHash("sha256").update(value).digest("base64");
    if (values.has(key)) return true;
    if (values.size < this.#maxDistinct) values.add(detached(key));
    else this.#values = undefined;
    return false;
  }

  /** The column's type now that this cell has come; takes the cell into the statistics of that type. */
  #typeWith(text: string, start: number, end: number): ColumnType {
    const type = this.#type;
    if (type === "empty" || type === "integer" || type === "number") {
      const integer = parseInteger(text, start, end);
      const value = Number.isNaN(integer) ? parseDecimal(text, start, end) : integer;
      if (!Number.isNaN(value)) {
        this.#addNumber(value);
        return Number.isNaN(integer) || type === "number" ? "number" : "integer";
      }
    }
    if ((type === "empty" || type === "boolean") && isBoolean(text, start, end)) return "boolean";
    if (type === "empty" || type === "date") {
      const time = parseDate(text, start, end);
      if (!Number.isNaN(time)) {
        this.#addDate(time, text, start, end);
        return "date";
      }
    }
    return "text";
  }

  /** Welford's algorithm: a sum of squares would lose every digit of values far from zero. */
  #addNumber(value: number): void {
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    const delta = value - this.#mean;
    this.#mean += delta / this.#count;
    this.#squares += delta * (value - this.#mean);
  }

  #addDate(time: number, text: string, start: number, end: number): void {
    if (time < this.#min) {
      this.#min = time;
      this.#minDate = detached(text.slice(start, end));
    }
    if (time > this.#max) {
      this.#max = time;
      this.#maxDate = detached(text.slice(start, end));
    }
  }
}

/** A copy: a slice kept for long would keep alive the whole text that it was cut from. */
export function detached(slice: string): string {
  return Buffer.from(slice).toString();
}
