import { isAscii } from "node:buffer";
import { TextDecoder } from "node:util";

export type Encoding = "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";

/** Thrown when bytes are no text; the file is then reported as a plain file. */
export class NotTextError extends Error {
  constructor() {
    super("The bytes are not text.");
    this.name = "NotTextError";
  }
}

/** More bytes above 127 than this share are not a Western text in windows-1252. */
const MAX_WINDOWS_1252_SHARE = 0.3;
/** The bytes that windows-1252 does not have, as `TextDecoder` gives them. */
const UNASSIGNED = /[\u0081\u008d\u008f\u0090\u009d]/;

/**
 * Turns the bytes of a text into strings, chunk by chunk. A byte order mark selects UTF-16 or UTF-8 and is dropped.
 * Without one the text is UTF-8; if its first byte above 127 is not valid UTF-8, it is windows-1252, which is what
 * spreadsheets in Europe still write (both read ASCII alike).
 */
export class Decoder {
  /** The text's encoding, as far as it was read. */
  encoding: Encoding = "utf-8";
  /** Bytes decoded so far. */
  seenBytes = 0;
  #decoder = new TextDecoder("utf-8", { fatal: true });
  /** While all is ASCII: the last bytes, which UTF-8 takes for half a character and windows-1252 for whole ones. */
  #undecided: Buffer | undefined = Buffer.alloc(0);

  /** Decodes a whole text. */
  async *decode(chunks: AsyncIterable<Buffer>): AsyncGenerator<string, void> {
    for await (const chunk of chunks) yield this.write(chunk);
    yield this.end();
  }

  /**
   * Decodes the next bytes; the first call must get at least two of a file that has them.
   * @throws {NotTextError}
   */
  write(chunk: Buffer): string {
    if (this.seenBytes === 0) {
      if (chunk[0] === 0xff && chunk[1] === 0xfe) this.#settle("utf-16le");
      if (chunk[0] === 0xfe && chunk[1] === 0xff) this.#settle("utf-16be");
    }
    this.seenBytes += chunk.length;
    return this.#decode(chunk, true);
  }

  /**
   * Decodes what the last chunk left.
   * @throws {NotTextError} when that is half a character
   */
  end(): string {
    return this.#decode(Buffer.alloc(0), false);
  }

  #decode(chunk: Buffer, stream: boolean): string {
    const bytes = this.#undecided === undefined ? undefined : Buffer.concat([this.#undecided, chunk]);
    let text: string;
    try {
      text = this.#decoder.decode(chunk, { stream });
      if (bytes !== undefined) {
        this.#undecided = isAscii(bytes.subarray(0, text.length)) ? bytes.subarray(text.length) : undefined;
      }
    } catch {
      if (bytes === undefined) throw new NotTextError();
      text = this.#decodeWestern(bytes);
    }
    // No text contains U+0000, nearly every binary file does.
    if (text.includes("\0")) throw new NotTextError();
    return text;
  }

  #decodeWestern(bytes: Buffer): string {
    this.#settle("windows-1252");
    const text = this.#decoder.decode(bytes);
    const high = bytes.filter((byte) => byte > 127).length;
    if (high > this.seenBytes * MAX_WINDOWS_1252_SHARE || UNASSIGNED.test(text)) throw new NotTextError();
    return text;
  }

  #settle(encoding: Encoding): void {
    this.encoding = encoding;
    this.#decoder = new TextDecoder(encoding, { fatal: true });
    this.#undecided = undefined;
  }
}
