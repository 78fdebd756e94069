import { pipeline } from "node:stream/promises";
import { CsvError, type Options, type Parser, parse } from "csv-parse";
import { BrokenCsvError } from "./errors.ts";

/** A longer record is no record: a quote was left open, or the file is not a CSV. Bounds the memory held. */
export const MAX_RECORD_BYTES = 1024 * 1024;

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

/**
 * Cuts a text into CSV records as it passes by, and gives what `consume` makes of them.
 * @throws {BrokenCsvError} when a record is longer than `MAX_RECORD_BYTES`, or a quote is open at the end
 */
export async function readRecords<T>(
  text: AsyncIterable<string>,
  { delimiter, filename }: { delimiter: string; filename: string },
  consume: (records: AsyncIterable<string[]>) => Promise<T>,
): Promise<T> {
  const parser = parse({ ...csvOptions(delimiter), max_record_size: MAX_RECORD_BYTES });
  try {
    return await pipeline(withoutEndlessLine(text, parser), parser, consume);
  } catch (error) {
    const reason = error instanceof CsvError ? REASONS[error.code] : undefined;
    throw reason === undefined ? error : new BrokenCsvError(filename, reason, parser.info.records + 1);
  }
}

const TOO_LONG = "CSV_MAX_RECORD_SIZE";
const REASONS: Readonly<Partial<Record<string, string>>> = {
  CSV_QUOTE_NOT_CLOSED: "a quote is opened and never closed",
  [TOO_LONG]: `it is longer than the 1 MiB that a record may have: a cell is too large, or a line break or a closing quote is missing`,
};

/** csv-parse counts the characters of cells, not the delimiters: a line of nothing else would grow without end. */
async function* withoutEndlessLine(text: AsyncIterable<string>, { info }: Parser): AsyncGenerator<string, void> {
  let linesBefore = 0;
  let chars = 0;
  for await (const part of text) {
    const lines = info.records + info.empty_lines;
    chars = lines === linesBefore ? chars + part.length : part.length;
    if (chars > 2 * MAX_RECORD_BYTES) throw new CsvError(TOO_LONG, "");
    linesBefore = lines;
    yield part;
  }
}
