import { Column, type ColumnSummary } from "./csv-column.ts";
import { looksLikeHeader } from "./csv-header.ts";
import { readRecords } from "./csv-records.ts";
import type { TableShape } from "./csv-shape.ts";
import { Decoder } from "./decode.ts";
import type { DetectedEncoding } from "./legacy-encoding.ts";
import type { ReadOptions } from "./read.ts";

/** The description of a CSV. */
export interface CsvSummary {
  /** As the WHATWG's standard names it, or iconv-lite. */
  encoding: string;
  encodingCertainty: DetectedEncoding["certainty"];
  /** Characters that are none in this encoding. */
  unreadable: number;
  /** One character. */
  delimiter: string;
  /** Whether the first record names the columns; without one they are `column_1`, `column_2`, … */
  header: boolean;
  /** Records before the table, which are left out: a line that names the delimiter, comments, titles. */
  preamble: number;
  /** Records after the header. */
  rows: number;
  columnCount: number;
  /** Rows with more or fewer cells than columns: more are ignored, fewer count as empty. */
  raggedRows: number;
  /** The first columns; a result record must stay small. */
  columns: ColumnSummary[];
  /** Columns that `columns` leaves out. */
  columnsLeftOut: number;
  /** The derived file with all columns (at most 1,000), when some are left out. */
  columnsFile: string | null;
}

/** Words of a person about a CSV, in the place of a guess. */
export interface CsvOptions {
  delimiter?: string | undefined;
  header?: boolean | undefined;
}

/** Columns in the result record, of about 220 bytes each. */
const MAX_COLUMNS_REPORTED = 16;
/** Further columns are only counted. */
const MAX_COLUMNS = 1000;
/** Different values remembered per column, and in all columns together. */
const MAX_DISTINCT = 1000;
const MAX_DISTINCT_IN_ALL = 100_000;
const MAX_NAME_CHARS = 40;

/** As many records show whether the first is a header. */
const HEADER_RECORDS = 20;

/**
 * Gathers the statistics of a CSV as it passes by, in memory that its length does not change.
 * @throws {BrokenCsvError} when its records cannot be told apart
 */
export async function summariseCsv(
  blocks: AsyncIterable<Buffer>,
  { shape, detected, header }: { shape: TableShape; detected: DetectedEncoding; header: boolean | undefined },
  { filename, saveDerived }: ReadOptions,
): Promise<CsvSummary> {
  const decoder = new Decoder(detected.encoding);
  const { delimiter, preamble } = shape;
  const { columns: all, ...table } = await readRecords(decoder.decode(blocks), { delimiter, filename }, (records) =>
    tabulate(records, shape, header),
  );
  const columns = all.slice(0, MAX_COLUMNS_REPORTED);
  const columnsLeftOut = table.columnCount - columns.length;
  const columnsFile = columnsLeftOut > 0 ? "columns.json" : null;
  if (columnsFile !== null) {
    await saveDerived(columnsFile, Buffer.from(JSON.stringify(all, null, 2)), "application/json");
  }
  return {
    encoding: detected.encoding,
    encodingCertainty: detected.certainty,
    unreadable: decoder.unreadable,
    delimiter,
    preamble,
    ...table,
    columns,
    columnsLeftOut,
    columnsFile,
  };
}

async function tabulate(records: AsyncIterable<string[]>, { width, preamble }: TableShape, given: boolean | undefined) {
  let count = 0;
  let raggedRows = 0;
  let first: string[][] = [];
  let table: Table | undefined;
  const addRecord = (into: Table, record: string[]): void => {
    if (record.length !== into.columnCount) raggedRows += 1;
    addRow(into.columns, record);
  };
  const begin = (): Table => {
    const made = createTable(first, width, given);
    for (const record of first.slice(made.header ? 1 : 0)) addRecord(made, record);
    first = [];
    return made;
  };
  for await (const record of records) {
    count += 1;
    if (count <= preamble) continue;
    if (table !== undefined) addRecord(table, record);
    else if (first.push(record) === HEADER_RECORDS) table = begin();
  }
  const { header, columnCount, columns } = table ?? begin();
  const rows = Math.max(0, count - preamble - (header ? 1 : 0));
  return { header, rows, columnCount, raggedRows, columns: columns.map((column) => column.summary()) };
}

interface Table {
  header: boolean;
  columnCount: number;
  columns: Column[];
}

/** The columns, once the first records tell whether the very first is a header or a row. */
function createTable(records: string[][], width: number, given: boolean | undefined): Table {
  const [first = [], ...rest] = records;
  const columnCount = Math.max(first.length, records.length > 1 ? width : 0);
  const cells = Array.from({ length: Math.min(MAX_COLUMNS, columnCount) }, (_, i) => first[i] ?? "");
  const maxDistinct = Math.min(MAX_DISTINCT, Math.floor(MAX_DISTINCT_IN_ALL / Math.max(1, cells.length)));
  const header = given ?? looksLikeHeader(cells, rest);
  const columns = cells.map((cell, i) => new Column(columnName(header ? cell : "", i), maxDistinct));
  return { header, columnCount, columns };
}

function addRow(columns: Column[], record: string[]): void {
  columns.forEach((column, i) => {
    column.add(record[i]);
  });
}

function columnName(cell: string, index: number): string {
  const name = cell.trim();
  if (name === "") return `column_${index + 1}`;
  return name.length <= MAX_NAME_CHARS ? name : `${name.slice(0, MAX_NAME_CHARS).toWellFormed()}…`;
}
