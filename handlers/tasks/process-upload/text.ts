import type { Encoding } from "./decode.ts";

/** What `process_upload` tells about a text. */
export interface TextSummary {
  encoding: Encoding;
  bytes: number;
  /** Lines end at `\n`, `\r\n` or `\r`; a last line without an end counts. */
  lines: number;
  /** Runs of characters between white space. */
  words: number;
  /** Unicode code points, without a byte order mark. */
  characters: number;
  /** Code points of the longest line, without its end. */
  longestLine: number;
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;

/** Counts a text as it passes by; keeps none of it, so one endless line costs no memory. */
export class TextCounter {
  #lines = 0;
  #words = 0;
  #characters = 0;
  #longestLine = 0;
  #lineLength = 0;
  #inWord = false;
  #afterCarriageReturn = false;

  /** Adds the next part of the text. */
  write(text: string): void {
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      // The second half of a pair belongs to the character already counted.
      if ((code & 0xfc00) === 0xdc00) continue;
      this.#characters += 1;
      if (code === LINE_FEED || code === CARRIAGE_RETURN) {
        this.#inWord = false;
        if (code === CARRIAGE_RETURN || !this.#afterCarriageReturn) this.#endLine();
        this.#afterCarriageReturn = code === CARRIAGE_RETURN;
        continue;
      }
      this.#afterCarriageReturn = false;
      this.#lineLength += 1;
      if (isSpace(code)) {
        this.#inWord = false;
      } else if (!this.#inWord) {
        this.#inWord = true;
        this.#words += 1;
      }
    }
  }

  /** The counts, after the last part. */
  end(encoding: Encoding, bytes: number): TextSummary {
    if (this.#lineLength > 0) this.#endLine();
    return {
      encoding,
      bytes,
      lines: this.#lines,
      words: this.#words,
      characters: this.#characters,
      longestLine: this.#longestLine,
    };
  }

  #endLine(): void {
    this.#lines += 1;
    if (this.#lineLength > this.#longestLine) this.#longestLine = this.#lineLength;
    this.#lineLength = 0;
  }
}

/** The white space of `\s`, the common ones first. */
function isSpace(code: number): boolean {
  if (code <= SPACE) return code === SPACE || (code >= 9 && code <= 13);
  if (code < 0xa0) return false;
  return (
    code === 0xa0 ||
    code === 0x1680 ||
    (code >= 0x2000 && code <= 0x200a) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000 ||
    code === 0xfeff
  );
}
