import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { type CsvOptions, type CsvSummary, summariseCsv } from "./csv.ts";
import { EncodingEvidence } from "./encoding.ts";
import { encodingName } from "./encoding-names.ts";
import { BrokenCsvError, EmptyUploadError, NoTableError } from "./errors.ts";
import { type ImageSummary, summariseImage } from "./image.ts";
import type { DetectedEncoding } from "./legacy-encoding.ts";
import { type ReadOptions, readBlocks, untilAborted } from "./read.ts";
import { isDeclaredCsv, isImage, SNIFF_BYTES, type Sniffed, signatureOf, sniff } from "./sniff.ts";
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

/** Words of a person about a text, in the place of guesses. */
export interface TextOptions extends CsvOptions {
  /** A name that `encodingName` gives. */
  encoding?: string | undefined;
}

/** Limits and tools of a summary. */
export interface SummariseOptions extends Pick<ReadOptions, "signal" | "saveDerived"> {
  text?: TextOptions | undefined;
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
 * Sniffs what an uploaded file really is, and sums it up in bounded memory: a CSV by its columns, an image by its dimensions and a
 * thumbnail, a text by its counts, anything else by its size and SHA-256. A text is read twice, for only all of it shows its encoding.
 * Archives are never unpacked. Faults of `open`, of the stream and of `saveDerived` are thrown as they come.
 * @throws {UploadError} when the file itself is refused; the same file would be refused again
 */
export async function summariseFile(source: UploadSource, options: SummariseOptions): Promise<UploadSummary> {
  const { signal } = options;
  const report = createProgress(source, options);
  const reading: Reading = {
    filename: source.filename,
    signal,
    async saveDerived(...file) {
      // Work that could not be stopped, such as a decoding, goes on unheard, but must not save any more.
      signal.throwIfAborted();
      await options.saveDerived(...file);
    },
    async *blocks(see) {
      let bytes = 0;
      for await (const block of readBlocks(() => source.open(), SNIFF_BYTES, signal)) {
        see?.(block);
        bytes += block.length;
        await report(bytes);
        yield block;
      }
    },
  };
  return untilAborted(signal, async () => {
    const seen = createSeen();
    const part = await summarise(source, options.text ?? {}, { ...reading, seen });
    const declaredContentType = source.contentType.slice(0, MAX_DECLARED_CHARS).toWellFormed();
    const { sizeBytes, sha256 } = seen.end();
    return { ...part.summary, sizeBytes, sha256, contentType: part.contentType, declaredContentType };
  });
}

interface Reading extends ReadOptions {
  /** All of the file, from the start, in blocks of `SNIFF_BYTES`. */
  blocks(see?: (block: Buffer) => void): AsyncGenerator<Buffer, void>;
}

interface Part {
  contentType: string;
  summary: KindSummary;
}

/** The counts of the first reading. */
function createSeen() {
  const hash = createHash("sha256");
  const evidence = new EncodingEvidence();
  let sizeBytes = 0;
  return {
    evidence,
    see(block: Buffer): void {
      hash.update(block);
      evidence.add(block);
      sizeBytes += block.length;
    },
    end: () => ({ sizeBytes, sha256: hash.digest("hex") }),
  };
}

async function summarise(
  source: UploadSource,
  options: TextOptions,
  reading: Reading & { seen: ReturnType<typeof createSeen> },
): Promise<Part> {
  const { seen, filename } = reading;
  const first = reading.blocks((block) => seen.see(block));
  try {
    const { value: head } = await first.next();
    if (head === undefined) throw new EmptyUploadError(filename);
    const signature = await signatureOf(head);
    if (signature !== undefined && isImage(signature, head)) {
      return {
        contentType: signature.contentType,
        summary: { kind: "image", image: await summariseImage(joined(head, first), reading) },
      };
    }
    for await (const _ of first);
    const detected = given(options) ?? (await seen.evidence.detect());
    const complete = head.length < SNIFF_BYTES;
    const judge = (csv: CsvOptions | false): Sniffed =>
      sniff(head, { complete, encoding: detected?.encoding, signature, declared: source, csv });
    const sniffed = judge(options);
    if (detected === undefined || sniffed.kind === "file") return fileOf(source, sniffed, seen.evidence);
    try {
      return await readText({ sniffed, detected, header: options.header }, reading);
    } catch (error) {
      // That it is a CSV was only a guess from its beginning: then it is a text.
      if (!(error instanceof BrokenCsvError) || isDeclaredCsv(source)) throw error;
      return await readText({ sniffed: judge(false), detected, header: undefined }, reading);
    }
  } finally {
    await first.return();
  }
}

function given({ encoding }: TextOptions): DetectedEncoding | undefined {
  const name = encoding === undefined ? undefined : encodingName(encoding);
  return name === undefined ? undefined : { encoding: name, certainty: "certain" };
}

function fileOf(source: UploadSource, sniffed: Sniffed, { hasZeros }: EncodingEvidence): Part {
  const extension = sniffed.kind === "file" ? sniffed.extension : null;
  // A packed table says what it is by its own name: `table.csv.gz`.
  if (extension === null ? isDeclaredCsv(source) : isDeclaredCsv({ ...source, contentType: "" })) {
    const noText = hasZeros ? "it has zero bytes, as no text has" : "its bytes are no text in any encoding";
    const found = extension === null ? noText : `its bytes are ${sniffed.contentType}`;
    throw new NoTableError(source.filename, found);
  }
  return { contentType: sniffed.contentType, summary: { kind: "file", file: { extension } } };
}

async function readText(
  { sniffed, detected, header }: { sniffed: Sniffed; detected: DetectedEncoding; header: boolean | undefined },
  reading: Reading,
): Promise<Part> {
  const { contentType } = sniffed;
  if (sniffed.kind === "csv") {
    const csv = await summariseCsv(reading.blocks(), { shape: sniffed.shape, detected, header }, reading);
    return { contentType, summary: { kind: "csv", csv } };
  }
  return { contentType, summary: { kind: "text", text: await summariseText(reading.blocks(), detected) } };
}

/** All blocks again. Unlike a loop over `rest`, one that is left early does not close it. */
async function* joined(head: Buffer, rest: AsyncGenerator<Buffer, void>): AsyncGenerator<Buffer, void> {
  yield head;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

/** Reports while a file is read for the first time; a text's second reading goes on from there. */
function createProgress({ sizeBytes }: UploadSource, { progress }: SummariseOptions): (bytes: number) => Promise<void> {
  const stepBytes = Math.max(MIN_PROGRESS_BYTES, Math.ceil(sizeBytes / 10));
  let next = stepBytes;
  return async (bytes) => {
    if (bytes < next) return;
    next = bytes + stepBytes;
    await progress?.({ bytes, totalBytes: Math.max(bytes, sizeBytes) });
  };
}
