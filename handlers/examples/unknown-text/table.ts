import { pipeline } from "node:stream/promises";
import { CsvError, type Parser, parse } from "csv-parse";
import { looksLikeHeader } from "./header.ts";
import { csvOptions, type TableShape } from "./table-shape.ts";

/** A table, as its first records show it. */
export interface Table {
  /** Whether the first record names the columns. */
  header: boolean;
  /** One for each column; all are empty without a header. */
  names: string[];
  /** The records below the header, each as long as it is. */
  rows: AsyncIterable<string[]>;
}

/** The records of a table cannot be told apart; the message says why. */
export class BrokenTableError extends Error {
  /** Counted from 1. */
  readonly recordNumber: number;

  constructor(reason: string, recordNumber: number) {
    super(reason);
    this.name = "BrokenTableError";
    this.recordNumber = recordNumber;
  }
}

/** A longer record is no record: a quote was left open, or the file is no table. Bounds the memory held. */
export const MAX_RECORD_BYTES = 1024 * 1024;
/** As many records show whether the first is a header. */
const HEADER_RECORDS = 20;
const HEADER_CELLS = 1000;

/**
 * Reads a table as its text passes by, and gives what `consume` makes of it.
 * @param said `header`: whether there is one, in the place of a guess
 * @throws {BrokenTableError} when a record is longer than `MAX_RECORD_BYTES`, or a quote is open at the end
 */
export async function readTable<T>(
  text: AsyncIterable<string>,
  { shape, header }: { shape: TableShape; header?: boolean | undefined },
  consume: (table: Table) => Promise<T>,
): Promise<T> {
  const parser = parse({ ...csvOptions(shape.delimiter), max_record_size: MAX_RECORD_BYTES });
  try {
    return await pipeline(withoutEndlessLine(text, parser), parser, async (records) =>
      consume(await tableOf(records, shape, header)),
    );
  } catch (error) {
    const reason = error instanceof CsvError ? REASONS[error.code] : undefined;
    throw reason === undefined ? error : new BrokenTableError(reason, parser.info.records + 1);
  }
}

async function tableOf(
  records: AsyncIterable<string[]>,
  shape: TableShape,
  given: boolean | undefined,
): Promise<Table> {
  const { preamble, width } = shape;
  const all = records[Symbol.asyncIterator]();
  const begin: string[][] = [];
  while (begin.length < preamble + HEADER_RECORDS) {
    const { value, done } = await all.next();
    if (done === true) break;
    begin.push(value);
  }
  const [first = [], ...others] = begin.slice(preamble);
  const columnCount = Math.max(first.length, others.length > 0 ? width : 0);
  const cells = Array.from({ length: columnCount }, (_, i) => first[i] ?? "");
  const header = given ?? looksLikeHeader(cells.slice(0, HEADER_CELLS), others);
  const names = header ? cells : cells.map(() => "");
  async function* rows(): AsyncGenerator<string[], void> {
    yield* begin.slice(preamble + (header ? 1 : 0));
    yield* { [Symbol.asyncIterator]: () => all };
  }
  return { header, names, rows: rows() };
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
