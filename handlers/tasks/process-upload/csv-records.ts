import { BrokenCsvError } from "./errors.ts";

/** How the cells and records of one file are told apart. */
export interface CsvDialect {
  delimiter: "," | ";" | "\t" | "|";
  /** `\r` only for files of the old Mac kind; a `\r` before `\n` is dropped either way. */
  newline: "\n" | "\r";
}

/** One record in place: cell `i` is `text.slice(starts[i], ends[i])`, without quotes. Valid until the next record. */
export interface CsvRecord {
  text: string;
  /** All cells of the record, also those past `MAX_CELLS`, whose places are not kept. */
  cellCount: number;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

/** Cells of a record whose places are kept; the rest are only counted. */
export const MAX_CELLS = 1_000;

/** A longer record is no record: a quote was left open, or the file is not a CSV. Bounds the memory held. */
export const MAX_RECORD_CHARS = 1024 * 1024;

const QUOTE = 34;
const INCOMPLETE = -1;

/**
 * Cuts a text into CSV records as it passes by (RFC 4180; a quote inside an unquoted cell, or text after a closing
 * quote, is taken as it stands; empty lines are skipped). Written out instead of taken from a library because it
 * hands on places instead of strings: csv-parse reads 30 MB/s on the machine where this reads 200 MB/s.
 */
export class CsvRecords {
  readonly #delimiter: number;
  readonly #newline: number;
  readonly #filename: string;
  readonly #onRecord: (record: CsvRecord) => void;
  readonly #record: CsvRecord = {
    text: "",
    cellCount: 0,
    starts: new Int32Array(MAX_CELLS),
    ends: new Int32Array(MAX_CELLS),
  };
  /** Cells of the record being read with a doubled quote inside, and those with text after their closing quote. */
  readonly #doubled: number[] = [];
  readonly #trailing: number[] = [];
  #rest = "";
  #scanAt = 0;
  #recordNumber = 0;

  constructor(dialect: CsvDialect, filename: string, onRecord: (record: CsvRecord) => void) {
    this.#delimiter = dialect.delimiter.charCodeAt(0);
    this.#newline = dialect.newline.charCodeAt(0);
    this.#filename = filename;
    this.#onRecord = onRecord;
  }

  /**
   * Adds the next part of the text, and reports each record that it completes.
   * @throws {BrokenCsvError} when a record is longer than `MAX_RECORD_CHARS`
   */
  write(text: string): void {
    this.#rest = this.#rest === "" ? text : this.#rest + text;
    // An incomplete record is read again from its start, but only once the text has doubled: linear in all.
    if (this.#rest.length >= this.#scanAt || this.#rest.length > MAX_RECORD_CHARS) this.#scanAll(false);
    this.#refuseLong(this.#rest.length);
  }

  /**
   * Reports the last record, if it has no newline.
   * @throws {BrokenCsvError} when a quote is still open
   */
  end(): void {
    this.#scanAll(true);
  }

  #scanAll(atEnd: boolean): void {
    const text = this.#rest;
    let position = 0;
    while (position < text.length) {
      const next = this.#scan(text, position, atEnd);
      if (next === INCOMPLETE) break;
      this.#refuseLong(next - position);
      position = next;
      this.#emit(text);
    }
    this.#rest = text.slice(position);
    this.#scanAt = this.#rest.length * 2;
  }

  /** Notes the cells of the record that begins at `from`, and returns where the next one begins. */
  #scan(text: string, from: number, atEnd: boolean): number {
    const { starts, ends } = this.#record;
    const delimiter = this.#delimiter;
    const newline = this.#newline;
    this.#doubled.length = 0;
    this.#trailing.length = 0;
    let cell = 0;
    let i = from;
    for (;;) {
      let start = i;
      let end = -1;
      if (text.charCodeAt(i) === QUOTE) {
        end = this.#closingQuote(text, i + 1, cell);
        if (end === INCOMPLETE) return this.#quoteLeftOpen(atEnd);
        i = end + 1;
        start += 1;
      }
      const close = i;
      for (; i < text.length; i += 1) {
        const code = text.charCodeAt(i);
        if (code === delimiter || code === newline) break;
      }
      if (i === text.length && !atEnd) return INCOMPLETE;
      const contentEnd = this.#withoutCarriageReturn(text, close, i);
      if (end < 0) {
        end = contentEnd;
      } else if (contentEnd > close) {
        // Text after the closing quote stays in the cell; #cleaned() takes the quotes away.
        end = contentEnd;
        start -= 1;
        this.#trailing.push(cell);
      }
      if (cell < MAX_CELLS) {
        starts[cell] = start;
        ends[cell] = end;
      }
      cell += 1;
      if (i === text.length || text.charCodeAt(i) === this.#newline) break;
      i += 1;
    }
    this.#record.cellCount = cell;
    return Math.min(i + 1, text.length);
  }

  #closingQuote(text: string, from: number, cell: number): number {
    let quote = text.indexOf('"', from);
    while (quote >= 0 && text.charCodeAt(quote + 1) === QUOTE) {
      if (this.#doubled.at(-1) !== cell) this.#doubled.push(cell);
      quote = text.indexOf('"', quote + 2);
    }
    return quote;
  }

  #withoutCarriageReturn(text: string, start: number, end: number): number {
    const atRecordEnd = end === text.length || text.charCodeAt(end) === this.#newline;
    return atRecordEnd && end > start && text.charCodeAt(end - 1) === 13 ? end - 1 : end;
  }

  #emit(text: string): void {
    const record = this.#record;
    if (record.cellCount === 1 && record.starts[0] === record.ends[0] && this.#isBlank(text)) return;
    this.#recordNumber += 1;
    record.text = this.#doubled.length + this.#trailing.length === 0 ? text : this.#cleaned(text);
    this.#onRecord(record);
    record.text = "";
  }

  /** An empty line; a line of `""` is one empty cell. */
  #isBlank(text: string): boolean {
    return text.charCodeAt((this.#record.starts[0] ?? 0) - 1) !== QUOTE;
  }

  /** The cells of a record with irregular quotes, rebuilt one after the other in a text of their own. */
  #cleaned(text: string): string {
    const { starts, ends, cellCount } = this.#record;
    const doubled = new Set(this.#doubled);
    const trailing = new Set(this.#trailing);
    let cleaned = "";
    for (let cell = 0; cell < Math.min(cellCount, MAX_CELLS); cell += 1) {
      const content = text.slice(starts[cell], ends[cell]);
      starts[cell] = cleaned.length;
      if (trailing.has(cell)) cleaned += unquoted(content);
      else cleaned += doubled.has(cell) ? content.replaceAll('""', '"') : content;
      ends[cell] = cleaned.length;
    }
    return cleaned;
  }

  #quoteLeftOpen(atEnd: boolean): number {
    if (!atEnd) return INCOMPLETE;
    throw new BrokenCsvError(this.#filename, "a quote is opened and never closed", this.#recordNumber + 1);
  }

  #refuseLong(chars: number): void {
    if (chars <= MAX_RECORD_CHARS) return;
    const reason = `it is longer than ${MAX_RECORD_CHARS} characters, so a line break or a closing quote is missing`;
    throw new BrokenCsvError(this.#filename, reason, this.#recordNumber + 1);
  }
}

/** `"a""b"c` is `a"bc`. */
function unquoted(content: string): string {
  let close = content.indexOf('"', 1);
  while (content.charCodeAt(close + 1) === QUOTE) close = content.indexOf('"', close + 2);
  return content.slice(1, close).replaceAll('""', '"') + content.slice(close + 1);
}
