import { BOOLEAN, INTEGER, parseDate } from "./cell.ts";

/** The use of a cell, whatever its language: numbers and dates are written in many ways, and all have digits and no words. */
type Use = "empty" | "word" | "year" | "data";

/** Letters that stand in numbers and dates: units of a currency, exponents, `T` and `Z` of a time. */
const DATA = /^[+\-(]?[\p{Sc}\s]*(?=[^\p{L}]*\d)[\d.,'’ \u00a0\u202f/:_+-]+(?:[eE][+-]?\d+)?[\s%‰\p{Sc})]*$/u;
const TIMESTAMP = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/;
/** A year, a span of two, a quarter or a month of one: `2024`, `2023/24`, `2024-Q1`, `2024-03`, `03/2024`. `2024.03` may be a number. */
const YEAR = /^(?:1[5-9]|2[01])\d\d(?:[-/](?:Q?\d|\d\d|\d{4}))?$|^(?:0?[1-9]|1[0-2])[-/](?:19|2[01])\d\d$/i;
/** A span or a time of day, which names a column of plain numbers: `0-17`, `65+`, `08:00`. */
const SPAN = /^\d+(?:[-–:]\d+|\+)$/;
const NUMBER = /^[+-]?\d+(?:[.,]\d+)?$/;
/** Digits of any script, and no letter before them. */
const FIGURES = /^\P{L}*\p{N}/u;
/** A day in the order of any country: `31.12.2024`, `12/31/24`, `2024/12/31`; `1.2.24` may be a version. */
const DAY = /^\d\d?([./-])\d\d?\1\d{4}$|^\d\d?([/-])\d\d?\2\d\d$|^\d\d\.\d\d\.\d\d$|^\d{4}([./-])\d\d?\3\d\d?$/;

/**
 * Whether a first record names the columns. It does when its cells are words, or years and dates that count on, and some other
 * record differs: `country,2023,2024` over `France,3,4` is a header, `France,3` over `Germany,4` is none.
 */
export function looksLikeHeader(first: readonly string[], rest: readonly (readonly string[])[]): boolean {
  const uses = first.map((cell, i) => useAbove(cell, below(i, rest)));
  // A record that is alone is a header if nothing speaks against it.
  if (rest.length === 0) return uses.includes("word") && uses.every((use) => use === "word" || use === "empty");
  const isYears = uses.length > 1 && uses.every((use) => use === "year");
  if (!(uses.includes("word") || isYears) || uses.includes("data")) {
    // A name over numbers speaks for all: `country,7` over `France,3` is a row, `id,7,total` over `1,2,3` is a header.
    return uses.includes("word") && uses.some((use, i) => use === "word" && isOverData(i, rest));
  }
  return uses.every((use, i) => use !== "year" || !isOverYears(i, rest));
}

/** The use of a first cell, beside those of its column. */
function useAbove(cell: string, others: readonly string[]): Use {
  const use = useOf(cell);
  if (others.length === 0) return use;
  // A number or date of any script and country, written as all below it: `31 Jan 2024`, `١٢٣٤٫٥٦`, `２０２４年`, `−5`.
  const isFigure = use === "word" && FIGURES.test(cell);
  if (isFigure && others.every((text) => patternOf(text) === patternOf(cell))) return "data";
  return SPAN.test(cell.trim()) && others.every((text) => NUMBER.test(text.trim())) ? "word" : use;
}

/** The cells of a column that are not empty. */
function below(column: number, rest: readonly (readonly string[])[]): string[] {
  return rest.map((cells) => cells[column] ?? "").filter((text) => text.trim() !== "");
}

/** Runs of digits and of letters, whatever they are. */
function patternOf(cell: string): string {
  return cell
    .trim()
    .replace(/\p{N}+/gu, "9")
    .replace(/\p{L}+/gu, "a");
}

/** All that stands in this column below is numbers or dates. */
function isOverData(column: number, rest: readonly (readonly string[])[]): boolean {
  const uses = below(column, rest).map(useOf);
  return uses.length > 0 && uses.every((use) => use === "data" || use === "year");
}

/** The column is one of years or dates, so that its first cell is one among others. */
function isOverYears(column: number, rest: readonly (readonly string[])[]): boolean {
  const uses = below(column, rest).map(useOf);
  return uses.length > 0 && uses.filter((use) => use === "year").length * 2 > uses.length;
}

function useOf(cell: string): Use {
  const text = cell.trim();
  if (text === "") return "empty";
  if (YEAR.test(text) || DAY.test(text) || parseDate(text) !== undefined || TIMESTAMP.test(text)) return "year";
  if (BOOLEAN.test(text) || INTEGER.test(text) || DATA.test(text)) return "data";
  return "word";
}
