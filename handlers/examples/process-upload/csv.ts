import { Column, type ColumnSummary } from "./csv-column.ts";
import { type Delimiter, readRecords } from "./csv-records.ts";
import { Decoder, type Encoding } from "./decode.ts";
import type { ReadOptions } from "./read.ts";

/** The description of a CSV. */
export interface CsvSummary {
  encoding: Encoding;
  delimiter: Delimiter;
  /** Whether the first record names the columns; without one they are `column_1`, `column_2`, … */
  header: boolean;
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

/** Columns in the result record, of about 220 bytes each. */
const MAX_COLUMNS_REPORTED = 16;
/** Further columns are only counted. */
const MAX_COLUMNS = 1000;
/** Different values remembered per column, and in all columns together. */
const MAX_DISTINCT = 1000;
const MAX_DISTINCT_IN_ALL = 100_000;
const MAX_NAME_CHARS = 40;

/**
 * Gathers the statistics of a CSV as it passes by, in memory that its length does not change.
 * @throws {BrokenCsvError} when its records cannot be told apart
 * @throws {NotTextError} when it turns out to be no text
 */
export async function summariseCsv(
  chunks: AsyncIterable<Buffer>,
  delimiter: Delimiter,
  { filename, saveDerived }: ReadOptions,
): Promise<CsvSummary> {
  const decoder = new Decoder();
  const { columns: all, ...table } = await readRecords(decoder.decode(chunks), { delimiter, filename }, tabulate);
  const columns = all.slice(0, MAX_COLUMNS_REPORTED);
  const columnsLeftOut = table.columnCount - columns.length;
  const columnsFile = columnsLeftOut > 0 ? "columns.json" : null;
  if (columnsFile !== null) {
    await saveDerived(columnsFile, Buffer.from(JSON.stringify(all, null, 2)), "application/json");
  }
  return { encoding: decoder.encoding, delimiter, ...table, columns, columnsLeftOut, columnsFile };
}

async function tabulate(records: AsyncIterable<string[]>) {
  let count = 0;
  let raggedRows = 0;
  let first: string[] = [];
  let table: ReturnType<typeof createTable> | undefined;
  for await (const record of records) {
    count += 1;
    if (count === 1) {
      first = record;
      continue;
    }
    table ??= createTable(first, record);
    if (record.length !== first.length) raggedRows += 1;
    addRow(table.columns, record);
  }
  const { header, columns } = table ?? createTable(first, []);
  const rows = header ? count - 1 : count;
  return { header, rows, columnCount: first.length, raggedRows, columns: columns.map((column) => column.summary()) };
}

/** The columns, once the second record tells whether the first is a header or their first row. */
function createTable(first: string[], second: string[]): { header: boolean; columns: Column[] } {
  const cells = first.slice(0, MAX_COLUMNS);
  const maxDistinct = Math.min(MAX_DISTINCT, Math.floor(MAX_DISTINCT_IN_ALL / cells.length));
  const header = looksLikeHeader(cells, second);
  const columns = cells.map((cell, i) => new Column(columnName(header ? cell : "", i), maxDistinct));
  if (!header) addRow(columns, cells);
  return { header, columns };
}

function addRow(columns: Column[], record: string[]): void {
  columns.forEach((column, i) => {
    column.add(record[i]);
  });
}

/**
 * A first record is a header when all its cells are words, or when one is a word above a number, date or boolean
 * (so `country,2024` over `France,3` is none, but `country,2024,total` over `1,2,3` is one).
 */
function looksLikeHeader(first: string[], second: string[]): boolean {
  const types = first.map(typeOf);
  if (types.every((type) => type === "text" || type === "empty")) return types.includes("text");
  return types.some((type, i) => {
    const below = typeOf(second[i]);
    return type === "text" && below !== "text" && below !== "empty";
  });
}

function typeOf(cell: string | undefined): ColumnSummary["type"] {
  const column = new Column("", 1);
  column.add(cell);
  return column.summary().type;
}

function columnName(cell: string, index: number): string {
  const name = cell.trim();
  if (name === "") return `column_${index + 1}`;
  return name.length <= MAX_NAME_CHARS ? name : `${name.slice(0, MAX_NAME_CHARS).toWellFormed()}…`;
}
