import type { Options } from "csv-parse";
import { parse } from "csv-parse/sync";
import { looksLikeHeader } from "./header.ts";
import { DELIMITER } from "./words.ts";

/** In the order of preference when two fit alike: `1,5;2,5` is more often two decimals than three cells. */
const DELIMITERS = ["\t", ";", "|", ","] as const;
const MAX_SAMPLE_RECORDS = 100;
const MIN_AGREEMENT = 0.9;

/** The table that a text holds, as its first records show it. */
export interface TableShape {
  delimiter: string;
  /** Cells of most records. */
  width: number;
  /** Records before the table: a line that names the delimiter, comments, titles. */
  preamble: number;
  /** The text may be called a CSV although nobody said so. */
  convincing: boolean;
}

/** At most so many records stand before a table. */
const MAX_PREAMBLE = 20;
/** Excel's own first line: https://www.rfc-editor.org/rfc/rfc4180 knows none. */
const SEPARATOR_LINE = /^sep=(.)[\r\n]/iu;

/**
 * How csv-parse reads any CSV (RFC 4180, more kindly): a quote within an unquoted cell stands for itself, as do those
 * around a cell that goes on after them; empty lines are skipped; records may differ in length.
 */
export function csvOptions(delimiter: string) {
  return {
    delimiter,
    record_delimiter: ["\r\n", "\n", "\r"],
    relax_quotes: true,
    relax_column_count: true,
    skip_empty_lines: true,
  } satisfies Options;
}

/** One column of decimals: `price` above `1,5` is no title of two columns. */
const DECIMALS = /^[^\d\s#,;|"][^\r\n,;|\t]*(?:\r\n?|\n)(?:[+-]?\d+(?:,\d+)?(?:\r\n?|\n|$))+$/;

/**
 * The delimiter on which most lines agree, and where the table begins. `sample` is the beginning of the text, or all of it if
 * `complete`.
 * @param given by the uploader; then none is guessed
 */
export function guessTable(
  sample: string,
  complete: boolean,
  { given, fallback = "," }: { given?: string | undefined; fallback?: string | undefined } = {},
): TableShape {
  const end = complete ? sample.length : Math.max(sample.lastIndexOf("\n"), sample.lastIndexOf("\r")) + 1;
  const [, named = ""] = SEPARATOR_LINE.exec(sample) ?? [];
  const said = given ?? (DELIMITER.test(named) ? named : undefined);
  if (said === undefined && DECIMALS.test(sample.slice(0, end))) {
    return { delimiter: fallback === "," ? ";" : fallback, width: 1, preamble: 0, convincing: false };
  }
  const shapes = (said === undefined ? DELIMITERS : [said]).map((delimiter) => {
    const records = parse(sample.slice(0, end), {
      ...csvOptions(delimiter),
      to: MAX_SAMPLE_RECORDS,
      // A broken end does not change what the records before it look like.
      skip_records_with_error: true,
    });
    const width = mostCommonWidth(records);
    const preamble = preambleOf(records, width);
    // Of all records: a header whose tags are `a;b` below is no title of a table of semicolons.
    const agreement = width < 2 ? 0 : records.filter(({ length }) => length === width).length / records.length;
    return { delimiter, width, preamble, table: records.slice(preamble), agreement };
  });
  // Stable, so the preferred one stays ahead of its equals.
  const [best] = shapes.toSorted((a, b) => b.agreement - a.agreement);
  if (best === undefined || (best.agreement === 0 && said === undefined)) {
    return { delimiter: fallback, width: 1, preamble: 0, convincing: false };
  }
  const { delimiter, width, preamble, table, agreement } = best;
  const convincing = (agreement >= MIN_AGREEMENT || named === delimiter) && isTable(sample, table, delimiter);
  return { delimiter, width, preamble, convincing };
}

function mostCommonWidth(records: string[][]): number {
  const tally = new Map<number, number>();
  for (const { length } of records) tally.set(length, (tally.get(length) ?? 0) + 1);
  // A title and a table of one row are two widths of one record each: the wider one is the table's.
  const [width] = [...tally].reduce((a, b) => (b[1] > a[1] || (b[1] === a[1] && b[0] > a[0]) ? b : a), [1, 0]);
  return width;
}

/** The number of records before the table. */
function preambleOf(records: string[][], width: number): number {
  const isNamed = SEPARATOR.test(records[0]?.join("") ?? "");
  if (width < 2 || records.length < 2) return isNamed ? 1 : 0;
  const begin = records.findIndex((cells) => !standsBefore(cells, width));
  const full = records.findIndex((cells, index) => index >= begin && cells.length >= width);
  // Titles have commas, too, and `Date:,2024-01-01` is one: far too narrow, and the header follows.
  const isNarrow = records.slice(begin, full).every(({ length }) => length < width - 1);
  const end = isNarrow && looksLikeHeader(records[full] ?? [], records.slice(full + 1)) ? full : begin;
  return end > 0 && end <= MAX_PREAMBLE ? end : 0;
}

const SEPARATOR = /^sep=.?$/i;

function standsBefore(cells: string[], width: number): boolean {
  const filled = cells.filter((cell) => cell.trim() !== "");
  // `,0` is the header of a table with an index, as pandas writes it.
  const isIndexed = width === 2 && cells.length === 2 && cells[0] === "";
  if (SEPARATOR.test(filled.join("")) || (filled.length < 2 && !isIndexed)) return true;
  return cells.length !== width && filled[0]?.trimStart().startsWith("#") === true;
}

/** Tells a table from prose, code, JSON, markup and Markdown, whose lines may agree by accident. */
function isTable(sample: string, records: string[][], delimiter: string): boolean {
  if (records.length < 2 || /^\s*[{[<]/.test(sample)) return false;
  // A column that is always empty: lines of code end in `;`, Markdown's table rows in `|`.
  const width = Math.min(...records.map((cells) => cells.length));
  for (let i = 0; i < width; i += 1) {
    if (records.every((cells) => cells[i]?.trim() === "")) return false;
  }
  const marks = sample.split(delimiter).length - 1;
  const spacedMarks = sample.split(`${delimiter} `).length - 1;
  return delimiter === "\t" || delimiter === "|" || spacedMarks * 2 <= marks;
}
