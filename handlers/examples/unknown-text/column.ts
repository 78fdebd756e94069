import { createHash } from "node:crypto";
import { BOOLEAN, compareNumbers, INTEGER, parseDate, parseNumber } from "./cell.ts";

export type ColumnType = "empty" | "integer" | "number" | "boolean" | "date" | "text";

/** The description of one column of a CSV. */
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
  /** Smallest number, or earliest date as the file writes it. A number that JavaScript would change is a text, too: `"9007199254740993"`, `"0.12345678901234567891"`. */
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
  #min: Extreme = { value: Number.POSITIVE_INFINITY, text: "" };
  #max: Extreme = { value: Number.NEGATIVE_INFINITY, text: "" };
  #mean = 0;
  #squares = 0;

  constructor(name: string, maxDistinct: number) {
    this.#name = name;
    this.#maxDistinct = maxDistinct;
  }

  /** Adds the column's cell of one row, which a short row does not have; white space around the value is ignored. */
  add(cell = ""): void {
    const value = cell.trim();
    if (value === "") {
      this.#empty += 1;
      return;
    }
    this.#count += 1;
    this.#longest = Math.max(this.#longest, value.length);
    if (this.#values !== undefined) this.#remember(this.#values, value);
    if (this.#type !== "text") this.#type = this.#typeWith(value);
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
    if (this.#type === "date") return { ...summary, min: this.#min.text, max: this.#max.text };
    if (this.#type !== "integer" && this.#type !== "number") return summary;
    summary.min = shown(this.#min);
    summary.max = shown(this.#max);
    if (Number.isFinite(this.#mean)) summary.mean = this.#mean;
    const deviation = Math.sqrt(this.#squares / (this.#count - 1));
    if (Number.isFinite(deviation)) summary.standardDeviation = deviation;
    return summary;
  }

  #remember(values: Set<string>, value: string): void {
    const key = value.length <= MAX_KEPT_CHARS ? value : createHash("sha256").update(value).digest("base64");
    if (values.has(key)) return;
    if (values.size < this.#maxDistinct) values.add(detached(key));
    else this.#values = undefined;
  }

  /** The column's type now that this value has come; takes the value into the statistics of that type. */
  #typeWith(value: string): ColumnType {
    const type = this.#type;
    if (type === "empty" || type === "integer" || type === "number") {
      const number = parseNumber(value);
      if (number !== undefined) {
        this.#addNumber(number, value);
        return type !== "number" && INTEGER.test(value) ? "integer" : "number";
      }
    }
    if ((type === "empty" || type === "boolean") && BOOLEAN.test(value)) return "boolean";
    if (type === "empty" || type === "date") {
      const time = parseDate(value);
      if (time !== undefined) {
        this.#addDate(time, value);
        return "date";
      }
    }
    return "text";
  }

  /** Welford's algorithm: a sum of squares would lose every digit of values far from zero. */
  #addNumber(value: number, text: string): void {
    const number = { value, text };
    if (isBelow(number, this.#min)) this.#min = { value, text: detached(text) };
    if (isBelow(this.#max, number)) this.#max = { value, text: detached(text) };
    const delta = value - this.#mean;
    this.#mean += delta / this.#count;
    this.#squares += delta * (value - this.#mean);
  }

  #addDate(value: number, text: string): void {
    if (value < this.#min.value) this.#min = { value, text: detached(text) };
    if (value > this.#max.value) this.#max = { value, text: detached(text) };
  }
}

/** A number, or a time in milliseconds, and the text that the file has for it. */
interface Extreme {
  value: number;
  text: string;
}

/** Two numbers may be one double: they are compared by their digits then. */
function isBelow(a: Extreme, b: Extreme): boolean {
  return a.value === b.value && a.text !== b.text ? compareNumbers(a.text, b.text) < 0 : a.value < b.value;
}

/** The number itself, or its text where JSON would show another number. */
function shown({ value, text }: Extreme): number | string {
  const isExact = INTEGER.test(text) ? Number.isSafeInteger(value) : compareNumbers(text, String(value)) === 0;
  return isExact ? value : text.replace("+", "");
}

/** A copy: what `trim` gives keeps alive the whole cell, of up to a megabyte, that it was cut from. */
function detached(slice: string): string {
  return Buffer.from(slice).toString();
}
