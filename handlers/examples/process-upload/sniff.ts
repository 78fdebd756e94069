import { guessDelimiter } from "./csv-delimiter.ts";
import type { Delimiter } from "./csv-records.ts";
import { Decoder, NotTextError } from "./decode.ts";

/** The kind of a file, judged by its first bytes. */
export type Sniffed =
  | { kind: "csv"; contentType: string; extension: string; delimiter: Delimiter }
  | { kind: "text" | "image"; contentType: string; extension: string }
  | { kind: "file"; contentType: string; extension: string | null };

/** The uploader's own words about a file. */
export interface Declared {
  filename: string;
  contentType: string;
}

/** Bytes looked at; all signatures and enough lines of a table lie within. */
export const SNIFF_BYTES = 64 * 1024;

/** A file of which nothing is known but its bytes. */
export const UNKNOWN: Sniffed = { kind: "file", contentType: "application/octet-stream", extension: null };

/** Formats that sharp decodes here. HEIC, JPEG XL, camera raw and BMP are not among its codecs, so they are plain files. */
const IMAGE = /^image\/(?:jpeg|png|apng|gif|webp|tiff|avif)$/;

/** Documents that may be written in printable characters and yet are not for reading. */
const DOCUMENT = /^application\/(?:pdf|rtf|postscript|eps)$/;

/**
 * Tells what a file is from its `head`, its first `SNIFF_BYTES` or, if `complete`, all of it. The uploader's words,
 * `declared`, decide one thing only: whether a text is meant as a CSV. `allowCsv: false` reads a CSV as text.
 */
export async function sniff(head: Buffer, complete: boolean, declared: Declared, allowCsv = true): Promise<Sniffed> {
  const signature = await signatureOf(head);
  const text = decodeHead(head, complete);
  if (text !== undefined) {
    // Few signatures survive in a text: `BMI,age` is no bitmap, `MZ-80` no program.
    if (signature !== undefined && DOCUMENT.test(signature.contentType)) return { kind: "file", ...signature };
    return sniffText(text, complete, allowCsv ? declared : undefined, signature?.contentType);
  }
  if (signature === undefined) return UNKNOWN;
  return { kind: IMAGE.test(signature.contentType) ? "image" : "file", ...signature };
}

/** Whether the uploader says that the file is a CSV, by its name or its type. */
export function isDeclaredCsv({ filename, contentType }: Declared): boolean {
  return /\.(?:csv|tsv|tab|psv)$/i.test(filename) || /^(?:text|application)\/(?:csv|tab-separated)/i.test(contentType);
}

function sniffText(text: string, complete: boolean, declared: Declared | undefined, signature = ""): Sniffed {
  const start = text.slice(0, 1000).trimStart();
  // Never "image": an SVG is a program that a renderer would run.
  if (/^<(?:[\s\S]*<)?svg[\s>]/i.test(start)) return { kind: "text", contentType: "image/svg+xml", extension: "svg" };
  if (/^<(?:!doctype )?html[\s>]/i.test(start)) return { kind: "text", contentType: "text/html", extension: "html" };
  if (signature === "application/xml") return { kind: "text", contentType: signature, extension: "xml" };
  if (declared !== undefined && !/^[{[<]/.test(start)) {
    const guess = guessDelimiter(text, complete);
    if (guess?.convincing || isDeclaredCsv(declared)) {
      const delimiter = guess?.delimiter ?? (/\.(?:tsv|tab)$/i.test(declared.filename) ? "\t" : ",");
      return delimiter === "\t"
        ? { kind: "csv", contentType: "text/tab-separated-values", extension: "tsv", delimiter }
        : { kind: "csv", contentType: "text/csv", extension: "csv", delimiter };
    }
  }
  return { kind: "text", contentType: signature.startsWith("text/") ? signature : "text/plain", extension: "txt" };
}

/** The text that the head begins, or nothing if it is not one. */
function decodeHead(head: Buffer, complete: boolean): string | undefined {
  const decoder = new Decoder();
  try {
    const text = decoder.write(head) + (complete ? decoder.end() : "");
    return hasControlCharacter(text) ? undefined : text;
  } catch (error) {
    if (error instanceof NotTextError) return undefined;
    throw error;
  }
}

/** Control characters that texts do not contain: all but bell to carriage return, and the escape of coloured logs. */
function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if ((code < 32 && (code < 7 || code > 13) && code !== 27) || code === 127) return true;
  }
  return false;
}

async function signatureOf(head: Buffer): Promise<{ contentType: string; extension: string } | undefined> {
  // file-type would inflate a gzip to look for a tar inside; nothing here unpacks what a stranger has packed.
  if (head[0] === 0x1f && head[1] === 0x8b) return { contentType: "application/gzip", extension: "gz" };
  // Loaded when the first file comes: a worker's cold start need not pay for it.
  const { fileTypeFromBuffer } = await import("file-type");
  try {
    const found = await fileTypeFromBuffer(head);
    if (found !== undefined) return { contentType: found.mime, extension: found.ext };
  } catch {
    // A damaged container is no known type; its bytes are still counted.
    return undefined;
  }
  // Most TIFFs keep their directory behind the pixels, where file-type looks for it in vain.
  const isTiff = ["II*\0", "MM\0*"].includes(head.toString("latin1", 0, 4));
  return isTiff ? { contentType: "image/tiff", extension: "tif" } : undefined;
}
