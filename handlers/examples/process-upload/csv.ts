import {
  BrokenTableError,
  Column,
  type ColumnSummary,
  Decoder,
  type DetectedEncoding,
  readTable,
  type Table,
  type TableShape,
} from "../unknown-text/index.ts";
import { quote, UploadError } from "./errors.ts";
import { readBlocks, type Upload } from "./upload.ts";

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
 * @throws {UploadError} when its records cannot be told apart
 */
export async function summariseCsv(
  { encoding: { encoding, certainty }, shape }: { encoding: DetectedEncoding; shape: TableShape },
  upload: Upload,
): Promise<CsvSummary> {
  const decoder = new Decoder(encoding);
  const text = decoder.decode(readBlocks(upload));
  const { columns: all, ...counts } = await readTable(text, { shape, header: upload.said.header }, describe).catch(
    (error: unknown) => {
      if (!(error instanceof BrokenTableError)) throw error;
      const { message: reason, recordNumber } = error;
      const sentence = `CSV ${quote(upload.filename)} is broken at record ${recordNumber}: ${reason}. Correct the file there and upload it again.`;
      throw new UploadError("CSV_BROKEN", sentence, { cause: error });
    },
  );
  const columns = all.slice(0, MAX_COLUMNS_REPORTED);
  const columnsLeftOut = counts.columnCount - columns.length;
  const columnsFile = columnsLeftOut > 0 ? "columns.json" : null;
  if (columnsFile !== null)
    await upload.save(columnsFile, Buffer.from(JSON.stringify(all, null, 2)), "application/json");
  return {
    encoding,
    encodingCertainty: certainty,
    unreadable: decoder.unreadable,
    delimiter: shape.delimiter,
    preamble: shape.preamble,
    ...counts,
    columns,
    columnsLeftOut,
    columnsFile,
  };
}

async function describe({ header, names, rows: records }: Table) {
  const columnCount = names.length;
  const kept = names.slice(0, MAX_COLUMNS);
  const maxDistinct = Math.min(MAX_DISTINCT, Math.floor(MAX_DISTINCT_IN_ALL / Math.max(1, kept.length)));
  const columns = kept.map((name, i) => new Column(columnName(name, i), maxDistinct));
  let rows = 0;
  let raggedRows = 0;
  for await (const record of records) {
    rows += 1;
    if (record.length !== columnCount) raggedRows += 1;
    columns.forEach((column, i) => {
      column.add(record[i]);
    });
  }
  return { header, rows, columnCount, raggedRows, columns: columns.map((column) => column.summary()) };
}

function columnName(cell: string, index: number): string {
  const name = cell.trim();
  if (name === "") return `column_${index + 1}`;
  return name.length <= MAX_NAME_CHARS ? name : `${name.slice(0, MAX_NAME_CHARS).toWellFormed()}…`;
}
