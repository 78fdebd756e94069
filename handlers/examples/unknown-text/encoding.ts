import { isAscii } from "node:buffer";
import { encodingName } from "./encoding-names.ts";
import { type DetectedEncoding, detectByLetters, detectWide } from "./letters.ts";

/** Bytes that are judged by their letters: those around letters that are not ASCII, from wherever in the file they stand. */
const MAX_SAMPLE_BYTES = 64 * 1024;
const PIECE_BYTES = 1024;
/** Valid characters of UTF-8 for each byte that is none: fewer are chance. */
const LEAST_VALID = 4;
/** Byte order marks; that of UTF-16 is the beginning of another. */
const MARKS = [
  ["fffe0000", "utf-32le"],
  ["0000feff", "utf-32be"],
  ["fffe", "utf-16le"],
  ["feff", "utf-16be"],
] as const;
/** ISO-2022-JP is written in ASCII alone: these begin its Japanese letters. */
const JAPANESE = ["\x1b$@", "\x1b$B"];

/** Gathers what a file's bytes say of its encoding. */
export class EncodingEvidence {
  /** No text has a zero byte, but for UTF-16 and UTF-32. */
  hasZeros = false;
  readonly #lenient = new TextDecoder();
  readonly #strict = new TextDecoder("utf-8", { fatal: true });
  #isUtf8 = true;
  /** Characters of UTF-8 beyond ASCII, and bytes that belong to none. */
  #valid = 0;
  #invalid = 0;
  #isJapanese = false;
  #start = "";
  readonly #sample: Buffer[] = [];
  #isSampled = false;

  /** @param block of a size that is a multiple of `PIECE_BYTES`, but for the last */
  add(block: Buffer): void {
    this.#start ||= block.toString("hex", 0, 4);
    this.hasZeros ||= block.includes(0);
    this.#isJapanese ||= JAPANESE.some((begin) => block.includes(begin));
    this.#addSample(block);
    if (!this.hasZeros) this.#addUtf8(block);
  }

  /**
   * The encoding; undefined if the bytes are no text.
   * @param said by a person, in the place of a guess
   * @param isBinary its first bytes are those of no text, so that its zeros are no halves of letters
   */
  async detect(said: string | undefined, isBinary: boolean): Promise<DetectedEncoding | undefined> {
    const name = said === undefined ? undefined : encodingName(said);
    if (name !== undefined) return { encoding: name, certainty: "certain" };
    const mark = MARKS.find(([bytes]) => this.#start.startsWith(bytes));
    if (mark !== undefined) return { encoding: mark[1], certainty: "certain" };
    const sample = Buffer.concat(this.#sample);
    if (this.hasZeros) return isBinary ? undefined : detectWide(sample);
    // A file that ends within a character was cut there.
    const isCut = this.#lenient.decode() !== "";
    const isUtf8 = this.#isUtf8 && !(isCut && this.#valid === 0);
    if (isUtf8 && this.#valid === 0 && this.#isJapanese) return { encoding: "iso-2022-jp", certainty: "likely" };
    if (isUtf8 || this.#start.startsWith("efbbbf")) return { encoding: "utf-8", certainty: "certain" };
    if (this.#valid >= LEAST_VALID * this.#invalid && this.#valid > 0)
      return { encoding: "utf-8", certainty: "likely" };
    return await detectByLetters(sample, sample.length < MAX_SAMPLE_BYTES);
  }

  #addUtf8(block: Buffer): void {
    const text = this.#lenient.decode(block, { stream: true });
    if (text.length === block.length && isAscii(block)) return;
    this.#valid += text.replace(/[\0-\x7f\ufffd]+/g, "").length;
    this.#invalid += text.split("\ufffd").length - 1;
    try {
      if (this.#isUtf8) this.#strict.decode(block, { stream: true });
    } catch {
      this.#isUtf8 = false;
    }
  }

  #addSample(block: Buffer): void {
    for (let at = 0; at < block.length && this.#sample.length < MAX_SAMPLE_BYTES / PIECE_BYTES; at += PIECE_BYTES) {
      const piece = block.subarray(at, at + PIECE_BYTES);
      const hasLetters = !isAscii(piece) || piece.includes(0);
      // A character of two bytes may go on in the next piece. A copy keeps no block alive.
      if (hasLetters || this.#isSampled) this.#sample.push(Buffer.from(piece));
      this.#isSampled = hasLetters;
    }
  }
}
