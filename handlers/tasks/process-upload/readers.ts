import { CsvStatistics } from "./csv.ts";
import type { ColumnSummary } from "./csv-column.ts";
import type { CsvDialect } from "./csv-records.ts";
import { Decoder, type Encoding } from "./decode.ts";
import { ImageTooLargeError } from "./errors.ts";
import { type ImageSummary, MAX_IMAGE_BYTES, summariseImage } from "./image.ts";
import { untilAborted } from "./read.ts";
import type { Sniffed } from "./sniff.ts";
import { TextCounter, type TextSummary } from "./text.ts";

/** What `process_upload` tells about a CSV. */
export interface CsvSummary {
  encoding: Encoding;
  delimiter: CsvDialect["delimiter"];
  /** Whether the first record names the columns; without one they are `column_1`, `column_2`, … */
  header: boolean;
  /** Records after the header. */
  rows: number;
  columnCount: number;
  /** Rows with more or fewer cells than columns. */
  raggedRows: number;
  /** The first columns; a result record must stay small. */
  columns: ColumnSummary[];
  /** Columns that `columns` leaves out. */
  columnsLeftOut: number;
  /** The derived file with all columns (at most 1,000), when some are left out. */
  columnsFile: string | null;
}

/** The part of a summary that depends on what the file is. */
export type KindSummary =
  | { kind: "csv"; csv: CsvSummary }
  | { kind: "image"; image: ImageSummary }
  | { kind: "text"; text: TextSummary }
  | { kind: "file"; file: { extension: string | null } };

/** Reads the bytes of one file as what it is. */
export interface Reader {
  /** @throws {NotTextError} when a text turns out to be none */
  read(chunk: Buffer): void;
  finish(sizeBytes: number): Promise<KindSummary>;
}

/** What a reader may use besides the bytes. */
export interface ReaderOptions {
  filename: string;
  expectedBytes: number;
  signal: AbortSignal;
  saveDerived(name: string, body: Buffer, contentType: string): Promise<void>;
}

/** Columns in the result record, of about 220 bytes each. */
const MAX_COLUMNS_REPORTED = 16;

/** The reader for what `sniff` found. */
export function createReader(sniffed: Sniffed, options: ReaderOptions): Reader {
  if (sniffed.kind === "csv") return csvReader(sniffed.dialect, options);
  if (sniffed.kind === "text") return textReader();
  if (sniffed.kind === "image") return imageReader(options);
  return fileReader(sniffed.extension);
}

/** For a file of which only size and checksum are told. */
export function fileReader(extension: string | null): Reader {
  return { read: () => {}, finish: async () => ({ kind: "file", file: { extension } }) };
}

function textReader(): Reader {
  const decoder = new Decoder();
  const counter = new TextCounter();
  return {
    read: (chunk) => counter.write(decoder.write(chunk)),
    async finish(sizeBytes) {
      counter.write(decoder.end());
      return { kind: "text", text: counter.end(decoder.encoding, sizeBytes) };
    },
  };
}

function csvReader(dialect: CsvDialect, { filename, signal, saveDerived }: ReaderOptions): Reader {
  const decoder = new Decoder();
  const statistics = new CsvStatistics(dialect, filename);
  return {
    read: (chunk) => statistics.write(decoder.write(chunk)),
    async finish() {
      statistics.write(decoder.end());
      const { columns, ...table } = statistics.end();
      const columnsLeftOut = Math.max(0, table.columnCount - MAX_COLUMNS_REPORTED);
      const columnsFile = columnsLeftOut > 0 ? "columns.json" : null;
      if (columnsFile !== null) {
        const body = Buffer.from(JSON.stringify(columns, null, 2));
        await untilAborted(() => saveDerived(columnsFile, body, "application/json"), signal);
      }
      const { encoding } = decoder;
      const reported = columns.slice(0, MAX_COLUMNS_REPORTED);
      const { delimiter } = dialect;
      return { kind: "csv", csv: { encoding, delimiter, ...table, columns: reported, columnsLeftOut, columnsFile } };
    },
  };
}

function imageReader(options: ReaderOptions): Reader {
  // One buffer of the expected size: collecting the chunks and joining them would hold the image twice.
  let bytes = Buffer.allocUnsafeSlow(Math.min(Math.max(options.expectedBytes, 1), MAX_IMAGE_BYTES));
  let length = 0;
  return {
    read(chunk) {
      if (length + chunk.length > MAX_IMAGE_BYTES) {
        const megabytes = MAX_IMAGE_BYTES / 1024 / 1024;
        throw new ImageTooLargeError(options.filename, `more than ${MAX_IMAGE_BYTES} bytes`, `${megabytes} MiB`);
      }
      if (length + chunk.length > bytes.length) {
        const larger = Buffer.allocUnsafeSlow(
          Math.min(Math.max(bytes.length * 2, length + chunk.length), MAX_IMAGE_BYTES),
        );
        bytes.copy(larger, 0, 0, length);
        bytes = larger;
      }
      length += chunk.copy(bytes, length);
    },
    finish: async () => ({ kind: "image", image: await summariseImage(bytes.subarray(0, length), options) }),
  };
}
