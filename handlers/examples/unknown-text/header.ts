import { BOOLEAN, INTEGER, parseDate } from "./cell.ts";

/** The use of a cell, whatever its language: numbers and dates are written in many ways, and all have digits and no words. */
type Use = "empty" | "word" | "year" | "data";

/** Letters that stand in numbers and dates: units of a currency, exponents, `T` and `Z` of a time. */
const DATA = /^[+\-(]?[\p{Sc}\s]*(?=[^\p{L}]*\d)[\d.,'’ \u00a0\u202f/:_+-]+(?:[eE][+-]?\d+)?[\s%‰\p{Sc})]*$/u;
const TIMESTAMP = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/;
/** A year, a span of two, a quarter or a month of one: `2024`, `2023/24`, `2024-Q1`, `2024-03`, `03/2024`. `2024.03` may be a number. */
const YEAR = /^(?:1[5-9]|2[01])\d\d(?:[-/](?:Q?\d|\d\d|\d{4}))?$|^(?:0?[1-9]|1[0-2])[-/](?:19|2[01])\d\d$/i;
/** Digits of any script, and no letter before them. */
const FIGURES = /^\P{L}*\p{N}/u;
/** A day in the order of any country: `31.12.2024`, `12/31/24`, `2024/12/31`; `1.2.24` may be a version. */
const DAY = /^\d\d?([./-])\d\d?\1\d{4}$|^\d\d?([/-])\d\d?\2\d\d$|^\d\d\.\d\d\.\d\d$|^\d{4}([./-])\d\d?\3\d\d?$/;

/**
 * Whether a first record names the columns. It does when its cells are words, or years and dates that count on, and some other
 * record differs: `country,2023,2024` over `France,3,4` is a header, `France,3` over `Germany,4` is none.
 */
export function looksLikeHeader(first: readonly string[], rest: readonly (readonly string[])[]): boolean {
  const uses = first.map((cell, i) => (isLikeThoseBelow(cell, i, rest) ? "data" : useOf(cell)));
  // A record that is alone is a header if nothing speaks against it.
  if (rest.length === 0) return uses.includes("word") && uses.every((use) => use === "word" || use === "empty");
  const isYears = uses.length > 1 && uses.every((use) => use === "year");
  if (!(uses.includes("word") || isYears) || uses.includes("data")) {
    // A name over numbers speaks for all: `country,7` over `France,3` is a row, `id,7,total` over `1,2,3` is a header.
    return uses.includes("word") && uses.some((use, i) => use === "word" && isOverData(i, rest));
  }
  return uses.every((use, i) => use !== "year" || !isOverYears(i, rest));
}

/** A number or date of any script and country, written as all below it: `31 Jan 2024`, `١٢٣٤٫٥٦`, `２０２４年`, `−5`. */
function isLikeThoseBelow(cell: string, column: number, rest: readonly (readonly string[])[]): boolean {
  if (useOf(cell) !== "word" || !FIGURES.test(cell)) return false;
  const below = rest.map((cells) => cells[column] ?? "").filter((text) => useOf(text) !== "empty");
  return below.length > 0 && below.every((text) => patternOf(text) === patternOf(cell));
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
  const below = rest.map((cells) => useOf(cells[column])).filter((use) => use !== "empty");
  return below.length > 0 && below.every((use) => use === "data" || use === "year");
}

/** The column is one of years or dates, so that its first cell is one among others. */
function isOverYears(column: number, rest: readonly (readonly string[])[]): boolean {
  const below = rest.map((cells) => useOf(cells[column])).filter((use) => use !== "empty");
  return below.length > 0 && below.filter((use) => use === "year").length * 2 > below.length;
}

function useOf(cell = ""): Use {
  const text = cell.trim();
  if (text === "") return "empty";
  if (YEAR.test(text) || DAY.test(text) || parseDate(text) !== undefined || TIMESTAMP.test(text)) return "year";
  if (BOOLEAN.test(text) || INTEGER.test(text) || DATA.test(text)) return "data";
  return "word";
}
