import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { type CsvSummary, summariseCsv } from "./csv.ts";
import { NotTextError } from "./decode.ts";
import { BrokenCsvError, EmptyUploadError } from "./errors.ts";
import { type ImageSummary, summariseImage } from "./image.ts";
import { type ReadOptions, readChunks, untilAborted } from "./read.ts";
import { isDeclaredCsv, SNIFF_BYTES, type Sniffed, sniff, UNKNOWN } from "./sniff.ts";
import { summariseText, type TextSummary } from "./text.ts";

/** An uploaded file, as its storage knows it. */
export interface UploadSource {
  /** Gives the file's bytes from the start, in a fresh stream each time. */
  open(): Promise<Readable>;
  /** As the storage tells it; for progress only, the summary counts for itself. */
  sizeBytes: number;
  filename: string;
  /** As the uploader says; the summary tells the real one. */
  contentType: string;
}

/** Limits and tools of a summary. */
export interface SummariseOptions extends Pick<ReadOptions, "signal" | "saveDerived"> {
  /** Told at most about ten times per file, as each may cost a write. */
  progress?(meta: { bytes: number; totalBytes: number }): Promise<void> | void;
}

/** The part of a summary that depends on what the file is. */
type KindSummary =
  | { kind: "csv"; csv: CsvSummary }
  | { kind: "image"; image: ImageSummary }
  | { kind: "text"; text: TextSummary }
  | { kind: "file"; file: { extension: string | null } };

/** The summary of an upload: plain JSON of 1 to 4 KB. */
export type UploadSummary = KindSummary & {
  sizeBytes: number;
  /** Hexadecimal. */
  sha256: string;
  /** The kind that its bytes show. */
  contentType: string;
  /** The kind that the uploader named. */
  declaredContentType: string;
};

const MAX_DECLARED_CHARS = 100;
const MIN_PROGRESS_BYTES = 8 * 1024 * 1024;

/**
 * Sniffs what an uploaded file really is, and sums it up in one pass and bounded memory: a CSV by its columns, an
 * image by its dimensions and a thumbnail, a text by its counts, anything else by its size and SHA-256. Archives
 * are never unpacked. Faults of `open`, of the stream and of `saveDerived` are thrown as they come.
 * @throws {UploadError} when the file itself is refused; the same file would be refused again
 */
export async function summariseFile(source: UploadSource, options: SummariseOptions): Promise<UploadSummary> {
  const { signal } = options;
  const reading: Reading = {
    filename: source.filename,
    signal,
    async saveDerived(...file) {
      // Work that could not be stopped, such as a decoding, goes on unheard, but must not save any more.
      signal.throwIfAborted();
      await options.saveDerived(...file);
    },
    report: createProgress(source, options),
  };
  return untilAborted(signal, async () => {
    try {
      return await readThrough(source, reading, true);
    } catch (error) {
      // That it is a CSV was only a guess from its beginning: then it is a text.
      if (!(error instanceof BrokenCsvError) || isDeclaredCsv(source)) throw error;
      return await readThrough(source, reading, false);
    }
  });
}

interface Reading extends ReadOptions {
  report(bytes: number): Promise<void>;
}

async function readThrough(source: UploadSource, reading: Reading, allowCsv: boolean): Promise<UploadSummary> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  async function* hashed() {
    for await (const chunk of readChunks(() => source.open(), SNIFF_BYTES, reading.signal)) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      await reading.report(sizeBytes);
      yield chunk;
    }
  }
  const chunks = hashed();
  try {
    const { value: head } = await chunks.next();
    if (head === undefined) throw new EmptyUploadError(source.filename);
    let sniffed = await sniff(head.subarray(0, SNIFF_BYTES), head.length <= SNIFF_BYTES, source, allowCsv);
    let part: KindSummary;
    try {
      part = await summariseAs(sniffed, joined(head, chunks), reading);
    } catch (error) {
      // A text turned out to be none, far behind its head.
      if (!(error instanceof NotTextError)) throw error;
      sniffed = UNKNOWN;
      part = await summariseAs(sniffed, chunks, reading);
    }
    const declaredContentType = source.contentType.slice(0, MAX_DECLARED_CHARS).toWellFormed();
    return { ...part, sizeBytes, sha256: hash.digest("hex"), contentType: sniffed.contentType, declaredContentType };
  } finally {
    await chunks.return();
  }
}

/** All chunks again. Unlike a loop over `rest`, one that is left early does not close it. */
async function* joined(head: Buffer, rest: AsyncGenerator<Buffer, void>): AsyncGenerator<Buffer, void> {
  yield head;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

async function summariseAs(
  sniffed: Sniffed,
  chunks: AsyncIterable<Buffer>,
  options: ReadOptions,
): Promise<KindSummary> {
  if (sniffed.kind === "csv") return { kind: "csv", csv: await summariseCsv(chunks, sniffed.delimiter, options) };
  if (sniffed.kind === "text") return { kind: "text", text: await summariseText(chunks) };
  if (sniffed.kind === "image") return { kind: "image", image: await summariseImage(chunks, options) };
  for await (const _ of chunks);
  return { kind: "file", file: { extension: sniffed.extension } };
}

function createProgress({ sizeBytes }: UploadSource, { progress }: SummariseOptions): Reading["report"] {
  const stepBytes = Math.max(MIN_PROGRESS_BYTES, Math.ceil(sizeBytes / 10));
  let next = stepBytes;
  return async (bytes) => {
    if (bytes < next) return;
    next = bytes + stepBytes;
    await progress?.({ bytes, totalBytes: Math.max(bytes, sizeBytes) });
  };
}
