import { isAscii } from "node:buffer";
import { TextDecoder } from "node:util";

/** A text's encoding, under its name in the WHATWG's standard, and how sure that is. */
export interface DetectedEncoding {
  encoding: string;
  /**
   * `certain`: all bytes are valid UTF-8, or a byte order mark or the uploader says so. `likely`: no other encoding fits nearly as well.
   * `guess`: others fit nearly as well, so letters may be wrong; the payload's `encoding` corrects it.
   */
  certainty: "certain" | "likely" | "guess";
}

/** Bytes that the detector gets: those around letters that are not ASCII, from wherever in the file they stand. */
const MAX_SAMPLE_BYTES = 64 * 1024;
const PIECE_BYTES = 1024;
/** Valid characters of UTF-8 for each byte that is none: fewer are chance. */
const LEAST_VALID = 4;
/** The next best encoding fits at most this much worse than one that is only a guess. */
const GUESS_RATIO = 0.7;
/** Of the bytes at even, or odd, places: that many zeros are the halves of letters. */
const UTF16_SHARE = 0.3;

/** Encodings of the detector that the platform knows by another name, or reads as one that has more letters. */
const NAMES: Readonly<Record<string, string>> = {
  cp932: "shift_jis",
  cp949: "euc-kr",
  "koi8-t": "koi8-r",
  cp1125: "ibm866",
  macroman: "macintosh",
  maccyrillic: "x-mac-cyrillic",
  "iso-8859-1": "windows-1252",
  "iso-8859-9": "windows-1254",
  ascii: "utf-8",
};

/** Of encodings that read a text alike, those that most texts have. */
const COMMONEST = ["windows-1252", "koi8-r"];
const LETTERS = /\p{L}[\s\S]*\p{L}/u;

/** Gathers what a file's bytes say of its encoding. The blocks may have any size. */
export class EncodingEvidence {
  #bytes = 0;
  #zeros = { even: 0, odd: 0 };
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

  /** No text has a zero byte, but for UTF-16. */
  get hasZeros(): boolean {
    return this.#zeros.even + this.#zeros.odd > 0;
  }

  /** The encoding; undefined if the bytes are no text. */
  async detect(): Promise<DetectedEncoding | undefined> {
    this.#endPiece();
    const [first, second, third] = this.#start;
    if (first === 0xff && second === 0xfe) return { encoding: "utf-16le", certainty: "certain" };
    if (first === 0xfe && second === 0xff) return { encoding: "utf-16be", certainty: "certain" };
    if (this.hasZeros) return this.#withoutMark();
    // A file that ends within a character was cut there.
    const invalid = this.#invalid + (this.#missing > 0 && this.#valid === 0 ? 1 : 0);
    if (invalid === 0) return { encoding: "utf-8", certainty: "certain" };
    if (first === 0xef && second === 0xbb && third === 0xbf) return { encoding: "utf-8", certainty: "certain" };
    if (this.#valid >= LEAST_VALID * invalid) return { encoding: "utf-8", certainty: "likely" };
    return detectLegacy(Buffer.concat(this.#sample));
  }

  /** UTF-16 of texts whose letters are mostly Latin has its zeros at every other place; another text has none. */
  #withoutMark(): DetectedEncoding | undefined {
    const half = this.#bytes / 2;
    const { even, odd } = this.#zeros;
    if (odd > half * UTF16_SHARE && even < odd / 10) return { encoding: "utf-16le", certainty: "likely" };
    if (even > half * UTF16_SHARE && odd < even / 10) return { encoding: "utf-16be", certainty: "likely" };
    return undefined;
  }

  #endPiece(): void {
    const [only] = this.#piece;
    const piece = this.#piece.length === 1 && only ? only : Buffer.concat(this.#piece);
    this.#piece = [];
    this.#pieceBytes = 0;
    for (let zero = piece.indexOf(0); zero >= 0; zero = piece.indexOf(0, zero + 1)) {
      this.#zeros[(this.#bytes + zero) % 2 === 0 ? "even" : "odd"] += 1;
    }
    this.#bytes += piece.length;
    if (isAscii(piece)) {
      if (this.#missing > 0 && piece.length > 0) this.#break();
      return;
    }
    for (const byte of piece) this.#look(byte);
    if (this.#sampleBytes >= MAX_SAMPLE_BYTES) return;
    // A copy, which keeps no block alive.
    this.#sample.push(Buffer.from(piece));
    this.#sampleBytes += piece.length;
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

/** The encoding of bytes that are not UTF-8, by the letters that they would be in each. */
async function detectLegacy(sample: Buffer): Promise<DetectedEncoding | undefined> {
  // Loaded when the first such file comes: its models are a megabyte.
  const { detectAll } = await import("jschardet");
  const candidates = detectAll(sample).flatMap(({ encoding, confidence }) => {
    const name = encoding === null ? undefined : platformName(encoding);
    if (name === undefined) return [];
    return [{ name, confidence, text: new TextDecoder(name).decode(sample) }];
  });
  const [first] = candidates;
  // Letters that an encoding does not have show that it is another; and a text has letters.
  if (first === undefined || first.text.includes("\ufffd") || !LETTERS.test(first.text)) return undefined;
  const alike = candidates.filter(({ text }) => text === first.text);
  const best = alike.find(({ name }) => COMMONEST.includes(name)) ?? first;
  const other = candidates.find(({ text }) => text !== best.text && !text.includes("\ufffd"));
  const isGuess = other !== undefined && other.confidence > best.confidence * GUESS_RATIO;
  return { encoding: best.name, certainty: isGuess ? "guess" : "likely" };
}

/** The name under which this platform decodes it; undefined if it does not. */
export function platformName(encoding: string): string | undefined {
  const name = encoding.toLowerCase();
  try {
    return new TextDecoder(NAMES[name] ?? name).encoding;
  } catch {
    return undefined;
  }
}
