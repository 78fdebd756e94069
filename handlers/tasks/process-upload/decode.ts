import { isAscii, isUtf8 } from "node:buffer";

export type Encoding = "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";

/** Thrown by `Decoder` when the bytes are no text; the file is then reported as a plain file. */
export class NotTextError extends Error {
  constructor() {
    super("The bytes are not text.");
    this.name = "NotTextError";
  }
}

/** More bytes above 127 than this share are not a Western text in windows-1252. */
const MAX_WINDOWS_1252_SHARE = 0.3;

/**
 * Turns the bytes of a text into strings, chunk by chunk, across characters cut by a chunk's end. A byte order mark
 * selects UTF-16 or UTF-8 and is dropped. Without one the text is UTF-8; if its first byte above 127 is not valid
 * UTF-8, it is windows-1252, which is what spreadsheets in Europe still write (both read ASCII alike).
 */
export class Decoder {
  #encoding: Encoding | undefined;
  #carry: Buffer = Buffer.alloc(0);
  #atStart = true;
  #onlyAscii = true;
  #seenBytes = 0;

  /** What the text is encoded in, as far as seen. */
  get encoding(): Encoding {
    return this.#encoding ?? "utf-8";
  }

  /** Decodes the next bytes; the first call must get at least the first three bytes of a file that has them. */
  write(chunk: Buffer): string {
    if (this.#seenBytes === 0) this.#encoding = encodingFromByteOrderMark(chunk);
    this.#seenBytes += chunk.length;
    const bytes = this.#carry.length === 0 ? chunk : Buffer.concat([this.#carry, chunk]);
    const tail = incompleteTail(bytes, this.#encoding);
    // A copy: the tail must not keep the whole chunk alive.
    this.#carry = Buffer.from(bytes.subarray(bytes.length - tail));
    return this.#decode(bytes.subarray(0, bytes.length - tail));
  }

  /** Decodes what the last chunk left. */
  end(): string {
    const rest = this.#carry;
    this.#carry = Buffer.alloc(0);
    if (rest.length > 0 && this.encoding.startsWith("utf-16")) throw new NotTextError();
    return this.#decode(rest);
  }

  #decode(bytes: Buffer): string {
    const text = this.#toText(bytes);
    // No text contains U+0000, nearly every binary file does.
    if (text.includes("\0")) throw new NotTextError();
    if (!this.#atStart || text === "") return text;
    this.#atStart = false;
    return text.startsWith("\uFEFF") ? text.slice(1) : text;
  }

  #toText(bytes: Buffer): string {
    if (this.#encoding === "windows-1252") return windows1252.decode(bytes);
    if (this.#encoding === "utf-16le") return wellFormed(bytes.toString("utf16le"));
    if (this.#encoding === "utf-16be") return wellFormed(Buffer.from(bytes).swap16().toString("utf16le"));
    if (isAscii(bytes)) return bytes.toString("latin1");
    if (isUtf8(bytes)) {
      this.#onlyAscii = false;
      return bytes.toString("utf8");
    }
    if (!this.#onlyAscii || !this.#looksWestern(bytes)) throw new NotTextError();
    this.#encoding = "windows-1252";
    return windows1252.decode(bytes);
  }

  #looksWestern(bytes: Buffer): boolean {
    let high = 0;
    for (const byte of bytes) {
      if (byte < 0x80) continue;
      if (UNDEFINED_IN_WINDOWS_1252.has(byte)) return false;
      high += 1;
    }
    return high <= this.#seenBytes * MAX_WINDOWS_1252_SHARE;
  }
}

const windows1252 = new TextDecoder("windows-1252");
const UNDEFINED_IN_WINDOWS_1252: ReadonlySet<number> = new Set([0x81, 0x8d, 0x8f, 0x90, 0x9d]);

function encodingFromByteOrderMark(bytes: Buffer): Encoding | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  return undefined;
}

/** How many bytes at the end begin a character that is not yet complete. */
function incompleteTail(bytes: Buffer, encoding: Encoding | undefined): number {
  if (encoding === "windows-1252") return 0;
  if (encoding !== undefined && encoding !== "utf-8") {
    const odd = bytes.length % 2;
    const lastUnit = bytes.length - odd - 2;
    if (lastUnit < 0) return odd;
    const unit = encoding === "utf-16le" ? bytes.readUInt16LE(lastUnit) : bytes.readUInt16BE(lastUnit);
    return (unit & 0xfc00) === 0xd800 ? odd + 2 : odd;
  }
  for (let back = 1; back <= 3 && back <= bytes.length; back += 1) {
    const byte = bytes.readUInt8(bytes.length - back);
    if ((byte & 0xc0) === 0x80) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needed > back ? back : 0;
  }
  return 0;
}

function wellFormed(text: string): string {
  if (!text.isWellFormed()) throw new NotTextError();
  return text;
}
