import type { Readable } from "node:stream";
import { Checksum } from "./checksum.ts";
import { NotTextError } from "./decode.ts";
import { BrokenCsvError, EmptyUploadError } from "./errors.ts";
import { readChunks, untilAborted } from "./read.ts";
import { createReader, fileReader, type KindSummary, type Reader } from "./readers.ts";
import { isDeclaredCsv, SNIFF_BYTES, sniff } from "./sniff.ts";

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

/** What the summary may use. */
export interface SummariseOptions {
  /** Stops the work at once; its reason is thrown. */
  signal: AbortSignal;
  /** Stores a file made of the upload, such as `thumbnail.webp`. */
  saveDerived(name: string, body: Buffer, contentType: string): Promise<void>;
  /** Told at most about ten times per file, as each may cost a write. */
  progress?(meta: { bytes: number; totalBytes: number }): Promise<void> | void;
}

/** What was made of an upload: plain JSON of 1 to 4 KB. */
export type UploadSummary = KindSummary & {
  sizeBytes: number;
  /** Hexadecimal. */
  sha256: string;
  /** What the bytes are. */
  contentType: string;
  /** What the uploader said they are. */
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
  const report = createProgress(source, options);
  try {
    return await readThrough(source, options, report, true);
  } catch (error) {
    // That it is a CSV was only a guess from its beginning: then it is a text.
    if (!(error instanceof BrokenCsvError) || isDeclaredCsv(source)) throw error;
    return await readThrough(source, options, report, false);
  }
}

type Report = (bytes: number) => Promise<void>;

async function readThrough(
  source: UploadSource,
  { signal, saveDerived }: SummariseOptions,
  report: Report,
  allowCsv: boolean,
): Promise<UploadSummary> {
  const checksum = new Checksum();
  const chunks = readChunks(() => source.open(), signal);
  try {
    const head = await readHead(chunks);
    if (head.length === 0) throw new EmptyUploadError(source.filename);
    const complete = head.length <= SNIFF_BYTES;
    const sniffed = await sniff(head.subarray(0, SNIFF_BYTES), complete, source, allowCsv);
    let { contentType } = sniffed;
    let reader: Reader = createReader(sniffed, {
      filename: source.filename,
      expectedBytes: source.sizeBytes,
      signal,
      saveDerived,
    });

    /** Goes on with the plain file's reader when a text turns out to be none, far behind its head. */
    const orFile = async <T>(step: () => T | Promise<T>): Promise<T | undefined> => {
      try {
        return await step();
      } catch (error) {
        if (!(error instanceof NotTextError)) throw error;
        contentType = "application/octet-stream";
        reader = fileReader(null);
        return undefined;
      }
    };
    const take = async (chunk: Buffer) => {
      checksum.update(chunk);
      await orFile(() => reader.read(chunk));
      await report(checksum.sizeBytes);
    };

    await take(head);
    for await (const chunk of chunks) await take(chunk);
    const { sizeBytes } = checksum;
    const part = (await orFile(() => reader.finish(sizeBytes))) ?? (await reader.finish(sizeBytes));
    const declaredContentType = source.contentType.slice(0, MAX_DECLARED_CHARS).toWellFormed();
    return { ...part, sizeBytes, sha256: checksum.sha256(), contentType, declaredContentType };
  } finally {
    await chunks.return();
  }
}

/** The first bytes: more than `SNIFF_BYTES` of them, unless the file has no more. */
async function readHead(chunks: AsyncGenerator<Buffer, void>): Promise<Buffer> {
  const head: Buffer[] = [];
  let length = 0;
  while (length <= SNIFF_BYTES) {
    const { done, value } = await chunks.next();
    if (done || value === undefined) break;
    head.push(value);
    length += value.length;
  }
  return Buffer.concat(head, length);
}

function createProgress(source: UploadSource, { progress, signal }: SummariseOptions): Report {
  const stepBytes = Math.max(MIN_PROGRESS_BYTES, Math.ceil(source.sizeBytes / 10));
  let next = stepBytes;
  return async (bytes) => {
    if (progress === undefined || bytes < next) return;
    next = bytes + stepBytes;
    await untilAborted(async () => progress({ bytes, totalBytes: Math.max(bytes, source.sizeBytes) }), signal);
  };
}
