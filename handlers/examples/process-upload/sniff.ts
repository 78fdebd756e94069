import { isAscii } from "node:buffer";
import type { CsvOptions } from "./csv.ts";
import { guessTable, type TableShape } from "./csv-shape.ts";
import { decodeBytes } from "./decode.ts";

/** The kind of a file, judged by its first bytes. */
export type Sniffed =
  | { kind: "csv"; contentType: string; shape: TableShape }
  | { kind: "text" | "image"; contentType: string }
  | { kind: "file"; contentType: string; extension: string | null };

/** The signature of a file's first bytes. */
export interface Signature {
  contentType: string;
  extension: string;
}

/** The uploader's own words about a file. */
export interface Declared {
  filename: string;
  contentType: string;
}

/** Bytes looked at; all signatures and enough lines of a table lie within. */
export const SNIFF_BYTES = 64 * 1024;

/** Formats that sharp reads here, of HEIC the header alone. JPEG XL, camera raw and BMP are not among them, so they are plain files. */
const IMAGE = /^image\/(?:jpeg|png|apng|gif|webp|tiff|avif|heic|heif)$/;

/** Documents that may be written in printable characters and yet are not for reading. */
const DOCUMENT = /^application\/(?:pdf|rtf|postscript|eps)$/;

/** Tags by which a page is known without a doctype: https://mimesniff.spec.whatwg.org/#identifying-a-resource-with-an-unknown-mime-type */
const HTML =
  /^(?:<!--[\s\S]*?-->\s*)*<(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p)[\s>]/i;

/** Arrays and objects begin so, and headers such as `[id],[name]` do not. */
const JSON_START = /^(?:\{\s*["}]|\[\s*(?:[\]{["\d-]|true|false|null))/;

/** Whether a file with this signature is an image that is decoded here. A text may begin with `GIF89a`; no image is printable. */
export function isImage({ contentType }: Signature, head: Buffer): boolean {
  return IMAGE.test(contentType) && !(isAscii(head) && !hasControlCharacter(head.toString("latin1")));
}

/** The facts by which a file is judged. */
interface Facts {
  /** `head` is all of the file. */
  complete: boolean;
  /** Undefined: it is no text. */
  encoding: string | undefined;
  signature: Signature | undefined;
  declared: Declared;
  /** The payload's words about the table; `false` reads a CSV as text. */
  csv: CsvOptions | false;
}

/**
 * Tells what a file is that is no image, from its `head`. The uploader's words, `declared`, decide one thing only: whether a text is
 * meant as a CSV.
 */
export function sniff(head: Buffer, facts: Facts): Sniffed {
  const { complete, encoding, signature } = facts;
  const text = encoding && decodeBytes(head, encoding, complete);
  return (
    (text === undefined ? undefined : sniffText(text, facts)) ?? {
      kind: "file",
      contentType: "application/octet-stream",
      extension: null,
      ...signature,
    }
  );
}

/** Undefined for a head that no text has. */
function sniffText(head: string, { complete, declared, signature, csv }: Facts): Sniffed | undefined {
  if (hasControlCharacter(head)) return undefined;
  // Few signatures survive in a text: `BMI,age` is no bitmap, `MZ-80` no program.
  if (signature !== undefined && DOCUMENT.test(signature.contentType)) return { kind: "file", ...signature };
  const start = head.slice(0, 1000).trimStart();
  const isTable = csv !== false && (csv.delimiter !== undefined || csv.header !== undefined);
  if (!isTable) {
    // Never "image": an SVG is a program that a renderer would run.
    if (/^<(?:[\s\S]*<)?svg[\s/>]/i.test(start)) return { kind: "text", contentType: "image/svg+xml" };
    if (HTML.test(start)) return { kind: "text", contentType: "text/html" };
    if (signature?.contentType === "application/xml") return { kind: "text", contentType: "application/xml" };
  }
  if (csv !== false && (isTable || !(start.startsWith("<") || JSON_START.test(start)))) {
    const shape = guessTable(head, complete, {
      given: csv.delimiter,
      fallback: delimiterOfName(declared),
    });
    if (shape.convincing || isTable || isDeclaredCsv(declared)) {
      const contentType = shape.delimiter === "\t" ? "text/tab-separated-values" : "text/csv";
      return { kind: "csv", contentType, shape };
    }
  }
  const isText = signature?.contentType.startsWith("text/") === true;
  return { kind: "text", contentType: isText ? (signature?.contentType ?? "") : "text/plain" };
}

/** Whether the uploader says that the file is a CSV, by its name or its type. */
export function isDeclaredCsv({ filename, contentType }: Declared): boolean {
  return /\.(?:csv|tsv|tab|psv)$/i.test(filename) || /^(?:text|application)\/(?:csv|tab-separated)/i.test(contentType);
}

/** A name that ends in `.tsv` says which delimiter a table of one column has. */
function delimiterOfName({ filename }: Declared): "\t" | undefined {
  return /\.(?:tsv|tab)$/i.test(filename) ? "\t" : undefined;
}

/** Control characters that texts do not contain: all but bell to carriage return, and the escape of coloured logs. */
function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if ((code < 32 && (code < 7 || code > 13) && code !== 27) || code === 127) return true;
  }
  return false;
}

/** The file type that the first bytes show. */
export async function signatureOf(head: Buffer): Promise<Signature | undefined> {
  // file-type would inflate a gzip to look for a tar inside; nothing here unpacks what a stranger has packed.
  if (head[0] === 0x1f && head[1] === 0x8b) return { contentType: "application/gzip", extension: "gz" };
  // Loaded when the first file comes: a worker's cold start need not pay for it.
  const { fileTypeFromBuffer } = await import("file-type");
  try {
    const found = await fileTypeFromBuffer(head);
    if (found !== undefined) return { contentType: found.mime, extension: found.ext };
  } catch {
    // A damaged container is no known type, unless its first bytes say enough.
  }
  return cutImage(head);
}

/** Images in which file-type looks for more than there is: a cut PNG; most TIFFs, whose directory stands behind the pixels. */
function cutImage(head: Buffer): Signature | undefined {
  const start = head.toString("latin1", 0, 8);
  if (start === "\x89PNG\r\n\x1a\n") return { contentType: "image/png", extension: "png" };
  if (/^(?:II\*\0|MM\0\*)/.test(start)) return { contentType: "image/tiff", extension: "tif" };
  return undefined;
}
