import { isAscii } from "node:buffer";
import { createHash } from "node:crypto";
import {
  CONTROL,
  type DetectedEncoding,
  decodeBytes,
  EncodingEvidence,
  guessTable,
  type TableShape,
} from "../unknown-text/index.ts";
import { quote, UploadError } from "./errors.ts";
import { BLOCK_BYTES, readBlocks, type Upload } from "./upload.ts";

/** The kind of a file, by its bytes. */
export type Kind =
  | { kind: "image"; contentType: string }
  /** `isSaid`: by the uploader or a person; else it was guessed from its beginning. */
  | { kind: "csv"; contentType: string; encoding: DetectedEncoding; shape: TableShape; isSaid: boolean }
  | { kind: "text"; contentType: string; encoding: DetectedEncoding }
  | { kind: "file"; contentType: string; extension: string | null };

/** Facts of the first reading. */
export interface Seen {
  /** The first block. */
  head: Buffer;
  sizeBytes: number;
  sha256: string;
  /** Of all bytes: the head of a million rows may be ASCII. */
  evidence: EncodingEvidence;
}

/** The type that the first bytes show. */
interface Signature {
  contentType: string;
  extension: string;
}

const MIN_PROGRESS_BYTES = 8 * 1024 * 1024;

/** Formats that sharp reads here, of HEIC the header alone. JPEG XL, camera raw and BMP are not among them, so they are plain files. */
const IMAGE = /^image\/(?:jpeg|png|apng|gif|webp|tiff|avif|heic|heif)$/;

/** Documents that may be written in printable characters and yet are not for reading. */
const DOCUMENT = /^application\/(?:pdf|rtf|postscript|eps)$/;

/** Tags by which a page is known without a doctype: https://mimesniff.spec.whatwg.org/#identifying-a-resource-with-an-unknown-mime-type */
const HTML =
  /^(?:<!--[\s\S]*?-->\s*)*<(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p)[\s>]/i;

/** Arrays and objects begin so, and headers such as `[id],[name]` do not. */
const JSON_START = /^(?:\{\s*["}]|\[\s*(?:[\]{["\d-]|true|false|null))/;

/** Reads all of a file. */
export async function look(upload: Upload): Promise<Seen> {
  const hash = createHash("sha256");
  const evidence = new EncodingEvidence();
  const stepBytes = Math.max(MIN_PROGRESS_BYTES, Math.ceil(upload.sizeBytes / 10));
  let head: Buffer | undefined;
  let sizeBytes = 0;
  let told = 0;
  for await (const block of readBlocks(upload)) {
    head ??= block;
    hash.update(block);
    evidence.add(block);
    sizeBytes += block.length;
    if (sizeBytes < told + stepBytes) continue;
    told = sizeBytes;
    await upload.progress({ bytes: sizeBytes, totalBytes: Math.max(sizeBytes, upload.sizeBytes) });
  }
  if (head === undefined) {
    const sentence = `Upload ${quote(upload.filename)} has 0 bytes: expected at least 1. The transfer probably broke off; upload it again.`;
    throw new UploadError("UPLOAD_EMPTY", sentence);
  }
  return { head, sizeBytes, sha256: hash.digest("hex"), evidence };
}

/** Tells what a file is by its bytes. The uploader's words decide one thing only: whether a text is meant as a CSV. */
export async function kindOf({ head, evidence }: Seen, upload: Upload): Promise<Kind> {
  const signature = await signatureOf(head);
  // A text may begin with `GIF89a`; no image is printable.
  if (signature && IMAGE.test(signature.contentType) && !(isAscii(head) && !CONTROL.test(head.toString("latin1")))) {
    return { kind: "image", contentType: signature.contentType };
  }
  const isBinary = signature !== undefined && !/xml$|^text\//.test(signature.contentType);
  const encoding = await evidence.detect(upload.said.encoding, isBinary);
  const text = encoding && textKind(head, { encoding, signature, upload });
  if (text !== undefined) return text;
  if (evidence.hasZeros) return fileKind(upload, signature, "it has zero bytes, as no text has");
  if (encoding !== undefined) return fileKind(upload, signature, "it has control characters, as no text has");
  return fileKind(upload, signature, "its bytes are no text in any encoding");
}

/** Undefined for a head that no text has. */
function textKind(
  head: Buffer,
  { encoding, signature, upload }: { encoding: DetectedEncoding; signature: Signature | undefined; upload: Upload },
): Kind | undefined {
  const { delimiter, header } = upload.said;
  const isComplete = head.length < BLOCK_BYTES;
  const text = decodeBytes(head, encoding.encoding, isComplete);
  // Few signatures survive in a text: `BMI,age` is no bitmap, `MZ-80` no program.
  if (CONTROL.test(text) || (signature && DOCUMENT.test(signature.contentType))) return undefined;
  const start = text.slice(0, 1000).trimStart();
  const isTable = delimiter !== undefined || header !== undefined;
  if (!isTable) {
    // Never "image": an SVG is a program that a renderer would run.
    if (/^<(?:[\s\S]*<)?svg[\s/>]/i.test(start)) return { kind: "text", contentType: "image/svg+xml", encoding };
    if (HTML.test(start)) return { kind: "text", contentType: "text/html", encoding };
    if (signature?.contentType === "application/xml") return { kind: "text", contentType: "application/xml", encoding };
  }
  if (isTable || !(start.startsWith("<") || JSON_START.test(start))) {
    const isSaid = isTable || isDeclaredCsv(upload);
    // A name that ends in `.tsv` says which delimiter a table of one column has.
    const fallback = /\.(?:tsv|tab)$/i.test(upload.filename) ? "\t" : ",";
    const shape = guessTable(text, isComplete, { given: delimiter, fallback });
    if (shape.convincing || isSaid) {
      const contentType = shape.delimiter === "\t" ? "text/tab-separated-values" : "text/csv";
      return { kind: "csv", contentType, encoding, shape, isSaid };
    }
  }
  const isText = signature?.contentType.startsWith("text/") === true;
  return { kind: "text", contentType: isText ? signature.contentType : "text/plain", encoding };
}

function fileKind(upload: Upload, signature: Signature | undefined, noText: string): Kind {
  // A packed table says what it is by its own name: `table.csv.gz`.
  if (isDeclaredCsv(signature ? { ...upload, contentType: "" } : upload)) {
    const found = signature ? `its bytes are ${signature.contentType}` : noText;
    const sentence = `CSV ${quote(upload.filename)} is no table: ${found}. Save it as a CSV in UTF-8, or replay the task with the payload's 'encoding', and see the file again.`;
    throw new UploadError("CSV_NO_TABLE", sentence);
  }
  return { kind: "file", contentType: "application/octet-stream", extension: null, ...signature };
}

/** Whether the uploader says that the file is a CSV, by its name or its type. */
function isDeclaredCsv({ filename, contentType }: Pick<Upload, "filename" | "contentType">): boolean {
  return /\.(?:csv|tsv|tab|psv)$/i.test(filename) || /^(?:text|application)\/(?:csv|tab-separated)/i.test(contentType);
}

async function signatureOf(head: Buffer): Promise<Signature | undefined> {
  // file-type would inflate a gzip to look for a tar inside; nothing here unpacks what a stranger has packed.
  if (head[0] === 0x1f && head[1] === 0x8b) return { contentType: "application/gzip", extension: "gz" };
  const { fileTypeFromBuffer } = await import("file-type");
  // A damaged container is no known type, unless its first bytes say enough.
  const found = await fileTypeFromBuffer(head).catch(() => undefined);
  if (found !== undefined) return { contentType: found.mime, extension: found.ext };
  // Images in which file-type looks for more than there is: a cut PNG; most TIFFs, whose directory stands behind the pixels.
  const start = head.toString("latin1", 0, 8);
  if (start === "\x89PNG\r\n\x1a\n") return { contentType: "image/png", extension: "png" };
  if (/^(?:II\*\0|MM\0\*)/.test(start)) return { contentType: "image/tiff", extension: "tif" };
  return undefined;
}
