import { Column, type ColumnSummary, detached } from "./csv-column.ts";
import { type CsvDialect, type CsvRecord, CsvRecords, MAX_CELLS } from "./csv-records.ts";

/** The statistics of a whole CSV. */
export interface CsvTable {
  /** Whether the first record names the columns. */
  header: boolean;
  /** Records after the header. */
  rows: number;
  columnCount: number;
  /** Rows with more or fewer cells than columns: more are ignored, fewer count as empty. */
  raggedRows: number;
  /** Every column up to `MAX_CELLS`, in the file's order. */
  columns: ColumnSummary[];
}

/** Different values remembered per column, and in all columns together. */
const MAX_DISTINCT = 1_000;
const MAX_DISTINCT_IN_ALL = 100_000;
const MAX_NAME_CHARS = 40;

/** Gathers the statistics of a CSV as its text passes by, in memory that its length does not change. */
export class CsvStatistics {
  readonly #records: CsvRecords;
  /** Held back until the second record tells whether it is a header. */
  #first: string[] | undefined;
  #columns: Column[] | undefined;
  #columnCount = 0;
  #header = false;
  #rows = 0;
  #raggedRows = 0;

  constructor(dialect: CsvDialect, filename: string) {
    this.#records = new CsvRecords(dialect, filename, (record) => this.#add(record));
  }

  /**
   * Adds the next part of the text.
   * @throws {BrokenCsvError} when a record has no end in sight
   */
  write(text: string): void {
    this.#records.write(text);
  }

  /**
   * The statistics, after the last part.
   * @throws {BrokenCsvError} when a quote is still open
   */
  end(): CsvTable {
    this.#records.end();
    const columns = this.#columns ?? this.#start(this.#first ?? [], undefined);
    return {
      header: this.#header,
      rows: this.#rows,
      columnCount: this.#columnCount,
      raggedRows: this.#raggedRows,
      columns: columns.map((column) => column.summary()),
    };
  }

  #add(record: CsvRecord): void {
    if (this.#columns !== undefined) {
      this.#addRow(this.#columns, record);
    } else if (this.#first === undefined) {
      this.#first = cellsOf(record);
      this.#columnCount = record.cellCount;
    } else {
      this.#addRow(this.#start(this.#first, cellsOf(record)), record);
    }
  }

  /** Makes the columns, and counts the first record as a row if it is no header. */
  #start(first: string[], second: string[] | undefined): Column[] {
    this.#header = first.length > 0 && looksLikeHeader(first, second);
    const maxDistinct = Math.min(MAX_DISTINCT, Math.floor(MAX_DISTINCT_IN_ALL / Math.max(first.length, 1)));
    const columns = first.map(
      (cell, i) => new Column(this.#header ? columnName(cell, i) : columnName("", i), maxDistinct),
    );
    this.#columns = columns;
    if (!this.#header && first.length > 0) {
      this.#rows = 1;
      for (const [i, column] of columns.entries()) {
        const cell = first[i] ?? "";
        column.add(cell, 0, cell.length);
      }
    }
    return columns;
  }

  #addRow(columns: Column[], record: CsvRecord): void {
    const { text, starts, ends, cellCount } = record;
    this.#rows += 1;
    if (cellCount !== this.#columnCount) this.#raggedRows += 1;
    for (let i = 0; i < columns.length; i += 1) {
      const column = columns[i];
      if (i < cellCount) column?.add(text, starts[i] ?? 0, ends[i] ?? 0);
      else column?.addMissing();
    }
  }
}

/** The cells of a record as strings of their own, which outlive it. */
export function cellsOf(record: CsvRecord): string[] {
  const cells: string[] = [];
  for (let i = 0; i < Math.min(record.cellCount, MAX_CELLS); i += 1) {
    cells.push(detached(record.text.slice(record.starts[i], record.ends[i])));
  }
  return cells;
}

/**
 * A first record is a header when all its cells are words, or when one is a word above a number, date or boolean
 * (so `country,2024` over `France,3` is none, but `country,2024,total` over `1,2,3` is one).
 */
function looksLikeHeader(first: string[], second: string[] | undefined): boolean {
  const types = first.map(typeOf);
  if (types.every((type) => type === "text" || type === "empty")) return types.includes("text");
  return types.some((type, i) => {
    const below = typeOf(second?.[i] ?? "");
    return type === "text" && below !== "text" && below !== "empty";
  });
}

function typeOf(cell: string): ColumnSummary["type"] {
  const column = new Column("", 1);
  column.add(cell, 0, cell.length);
  return column.summary().type;
}

function columnName(cell: string, index: number): string {
  const name = cell.trim();
  if (name === "") return `column_${index + 1}`;
  return name.length <= MAX_NAME_CHARS ? name : `${name.slice(0, MAX_NAME_CHARS).toWellFormed()}…`;
}
