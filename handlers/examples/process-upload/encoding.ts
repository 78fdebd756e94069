import { isAscii } from "node:buffer";
import { type DetectedEncoding, detectLegacy } from "./legacy-encoding.ts";

/** Bytes that the detector gets: those around letters that are not ASCII, from wherever in the file they stand. */
const MAX_SAMPLE_BYTES = 64 * 1024;
const PIECE_BYTES = 1024;
/** Valid characters of UTF-8 for each byte that is none: fewer are chance. */
const LEAST_VALID = 4;
/** Of the bytes at even, or odd, places: that many zeros are the upper halves of Latin letters. */
const LATIN_SHARE = 0.3;
/** That many are zeros and one other byte: the upper halves of letters of another alphabet, with spaces and digits among them. */
const ALPHABET_SHARE = 0.9;
/** The rest of them, spaces, digits and line ends, have at least that many zeros. */
const LEAST_ZEROS = 0.05;
/** Byte order marks; that of UTF-16 is the beginning of another. */
const MARKS = [
  ["fffe0000", "utf-32le"],
  ["0000feff", "utf-32be"],
  ["fffe", "utf-16le"],
  ["feff", "utf-16be"],
] as const;
/** ISO-2022-JP is written in ASCII alone: these begin its Japanese letters. */
const JAPANESE = ["\x1b$@", "\x1b$B"];

type Place = "even" | "odd";

/** Gathers what a file's bytes say of its encoding. The blocks may have any size. */
export class EncodingEvidence {
  /** How often each byte stands at an even place, and at an odd one, in pieces that have zeros. */
  readonly #places = { even: new Uint32Array(256), odd: new Uint32Array(256) };
  #isJapanese = false;
  /** Characters of UTF-8 beyond ASCII, and bytes that belong to none. */
  #valid = 0;
  #invalid = 0;
  /** Continuation bytes that the present character still lacks, and the least and most that the next may be. */
  #missing = 0;
  #range: readonly [number, number] = [0x80, 0xbf];
  #start = Buffer.alloc(0);
  #sample: Buffer[] = [];
  #sampleBytes = 0;
  #piece: Buffer[] = [];
  #pieceBytes = 0;

  add(block: Buffer): void {
    if (this.#start.length < 4) this.#start = Buffer.concat([this.#start, block.subarray(0, 4)]);
    for (let at = 0; at < block.length; ) {
      const part = block.subarray(at, at + PIECE_BYTES - this.#pieceBytes);
      this.#piece.push(part);
      this.#pieceBytes += part.length;
      at += part.length;
      if (this.#pieceBytes === PIECE_BYTES) this.#endPiece();
    }
  }

  /** No text has a zero byte, but for UTF-16 and UTF-32. */
  get hasZeros(): boolean {
    return this.#zeros("even") + this.#zeros("odd") > 0;
  }

  /** The encoding; undefined if the bytes are no text. */
  async detect(): Promise<DetectedEncoding | undefined> {
    this.#endPiece();
    const start = this.#start.toString("hex");
    const mark = MARKS.find(([bytes]) => start.startsWith(bytes));
    if (mark !== undefined) return { encoding: mark[1], certainty: "certain" };
    if (this.hasZeros) return this.#withoutMark();
    // A file that ends within a character was cut there.
    const invalid = this.#invalid + (this.#missing > 0 && this.#valid === 0 ? 1 : 0);
    if (invalid === 0 && this.#valid === 0 && this.#isJapanese) return { encoding: "iso-2022-jp", certainty: "likely" };
    if (invalid === 0) return { encoding: "utf-8", certainty: "certain" };
    if (start.startsWith("efbbbf")) return { encoding: "utf-8", certainty: "certain" };
    if (this.#valid >= LEAST_VALID * invalid) return { encoding: "utf-8", certainty: "likely" };
    return detectLegacy(Buffer.concat(this.#sample));
  }

  /** UTF-16 has its zeros at every other place; another text has none. */
  #withoutMark(): DetectedEncoding | undefined {
    if (this.#isUpperHalf("odd", "even")) return { encoding: "utf-16le", certainty: "likely" };
    if (this.#isUpperHalf("even", "odd")) return { encoding: "utf-16be", certainty: "likely" };
    return undefined;
  }

  #isUpperHalf(place: Place, lower: Place): boolean {
    const counts = this.#places[place];
    const zeros = this.#zeros(place);
    const all = counts.reduce((sum, count) => sum + count, 0);
    const alphabet = zeros + Math.max(...counts.subarray(1));
    if (this.#zeros(lower) * 10 >= zeros) return false;
    return zeros > all * LATIN_SHARE || (zeros > all * LEAST_ZEROS && alphabet > all * ALPHABET_SHARE);
  }

  #zeros(place: Place): number {
    return this.#places[place][0] ?? 0;
  }

  #endPiece(): void {
    const [only] = this.#piece;
    const piece = this.#piece.length === 1 && only ? only : Buffer.concat(this.#piece);
    this.#piece = [];
    this.#pieceBytes = 0;
    // All pieces but the last have an even number of bytes.
    if (piece.includes(0)) for (const [at, byte] of piece.entries()) this.#count(at % 2 === 0 ? "even" : "odd", byte);
    if (isAscii(piece)) {
      this.#isJapanese ||= JAPANESE.some((begin) => piece.includes(begin));
      if (this.#missing > 0 && piece.length > 0) this.#break();
      return;
    }
    for (const byte of piece) this.#look(byte);
    if (this.#sampleBytes >= MAX_SAMPLE_BYTES) return;
    // A copy, which keeps no block alive.
    this.#sample.push(Buffer.from(piece));
    this.#sampleBytes += piece.length;
  }

  #count(place: Place, byte: number): void {
    this.#places[place][byte] = (this.#places[place][byte] ?? 0) + 1;
  }

  /** One byte of what would be UTF-8: https://www.unicode.org/versions/Unicode16.0.0/core-spec/chapter-3/#G7404 */
  #look(byte: number): void {
    if (this.#missing > 0) {
      const [least, most] = this.#range;
      this.#range = [0x80, 0xbf];
      if (byte >= least && byte <= most) {
        this.#missing -= 1;
        if (this.#missing === 0) this.#valid += 1;
        return;
      }
      this.#break();
    }
    if (byte < 0x80) return;
    if (byte >= 0xc2 && byte <= 0xdf) this.#missing = 1;
    else if (byte >= 0xe0 && byte <= 0xef) this.#missing = 2;
    else if (byte >= 0xf0 && byte <= 0xf4) this.#missing = 3;
    else this.#invalid += 1;
    if (byte === 0xe0) this.#range = [0xa0, 0xbf];
    else if (byte === 0xed) this.#range = [0x80, 0x9f];
    else if (byte === 0xf0) this.#range = [0x90, 0xbf];
    else if (byte === 0xf4) this.#range = [0x80, 0x8f];
    else this.#range = [0x80, 0xbf];
  }

  #break(): void {
    this.#missing = 0;
    this.#invalid += 1;
  }
}
