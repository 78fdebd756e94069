import { cellsOf } from "./csv.ts";
import { type CsvDialect, CsvRecords } from "./csv-records.ts";
import { BrokenCsvError } from "./errors.ts";

/** How a text would be read as a CSV, and whether it looks like one. */
export interface DialectGuess {
  dialect: CsvDialect;
  /** Good enough to call the text a CSV although nobody said so. */
  convincing: boolean;
}

/** In the order of preference when two fit alike: `1,5;2,5` is more often two decimals than three cells. */
const DELIMITERS = ["\t", ";", "|", ","] as const;
const MAX_SAMPLE_RECORDS = 100;
const MIN_AGREEMENT = 0.9;

/** Guesses the dialect from the beginning of a text; `complete` says that the beginning is all of it. */
export function guessDialect(sample: string, complete: boolean, fallback: CsvDialect["delimiter"]): DialectGuess {
  const newline = sample.includes("\r") && !sample.includes("\n") ? "\r" : "\n";
  let best: DialectGuess = { dialect: { delimiter: fallback, newline }, convincing: false };
  let bestAgreement = 0;
  for (const delimiter of DELIMITERS) {
    const dialect: CsvDialect = { delimiter, newline };
    const records = sampleRecords(sample, complete, dialect);
    const agreement = agreementOf(records);
    if (agreement <= bestAgreement) continue;
    bestAgreement = agreement;
    best = { dialect, convincing: agreement >= MIN_AGREEMENT && isTable(sample, records, delimiter) };
  }
  return best;
}

function sampleRecords(sample: string, complete: boolean, dialect: CsvDialect): string[][] {
  const records: string[][] = [];
  const reader = new CsvRecords(dialect, "", (record) => {
    if (records.length < MAX_SAMPLE_RECORDS) records.push(cellsOf(record));
  });
  try {
    reader.write(sample);
    if (complete) reader.end();
  } catch (error) {
    // A broken end does not change what the records before it look like.
    if (!(error instanceof BrokenCsvError)) throw error;
  }
  return records;
}

/** The share of records that have the most common number of cells; 0 when that number is 1. */
function agreementOf(records: string[][]): number {
  const tally = new Map<number, number>();
  for (const cells of records) tally.set(cells.length, (tally.get(cells.length) ?? 0) + 1);
  const [cellCount, times] = [...tally].reduce((a, b) => (b[1] > a[1] ? b : a), [1, 0]);
  return cellCount < 2 ? 0 : times / records.length;
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
