import { parse } from "csv-parse/sync";
import { csvOptions, type Delimiter } from "./csv-records.ts";

/** In the order of preference when two fit alike: `1,5;2,5` is more often two decimals than three cells. */
const DELIMITERS = ["\t", ";", "|", ","] as const;
const MAX_SAMPLE_RECORDS = 100;
const MIN_AGREEMENT = 0.9;

/**
 * The delimiter that most lines agree on, and whether that is `convincing` enough to call a text a CSV although nobody
 * said so. `sample` is the beginning of the text, or all of it if `complete`.
 */
export function guessDelimiter(
  sample: string,
  complete: boolean,
): { delimiter: Delimiter; convincing: boolean } | undefined {
  const end = complete ? sample.length : Math.max(sample.lastIndexOf("\n"), sample.lastIndexOf("\r")) + 1;
  const guesses = DELIMITERS.map((delimiter) => {
    const records = parse(sample.slice(0, end), {
      ...csvOptions(delimiter),
      to: MAX_SAMPLE_RECORDS,
      // A broken end does not change what the records before it look like.
      skip_records_with_error: true,
    });
    return { delimiter, records, agreement: agreementOf(records) };
  });
  // Stable, so the preferred one stays ahead of its equals.
  const [best] = guesses.toSorted((a, b) => b.agreement - a.agreement);
  if (best === undefined || best.agreement === 0) return undefined;
  const { delimiter, records, agreement } = best;
  return { delimiter, convincing: agreement >= MIN_AGREEMENT && isTable(sample, records, delimiter) };
}

/** The share of records that have the most common number of cells; 0 when that number is 1. */
function agreementOf(records: string[][]): number {
  const tally = new Map<number, number>();
  for (const { length } of records) tally.set(length, (tally.get(length) ?? 0) + 1);
  const [cellCount, times] = [...tally].reduce((a, b) => (b[1] > a[1] ? b : a), [1, 0]);
  return cellCount < 2 ? 0 : times / records.length;
}

/** Tells a table from prose, code, JSON, markup and Markdown, whose lines may agree by accident. */
function isTable(sample: string, records: string[][], delimiter: Delimiter): boolean {
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
