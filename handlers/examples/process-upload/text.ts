import { Decoder, type DetectedEncoding } from "../unknown-text/index.ts";
import { readBlocks, type Upload } from "./upload.ts";

/** The description of a text. */
export interface TextSummary {
  /** As the WHATWG's standard names it, or iconv-lite. */
  encoding: string;
  encodingCertainty: DetectedEncoding["certainty"];
  /** Characters that are none in this encoding. */
  unreadable: number;
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

const SPACE = /\s/;

/** Counts a text as it passes by; keeps none of it, so one endless line costs no memory. */
export async function summariseText(
  { encoding: { encoding, certainty } }: { encoding: DetectedEncoding },
  upload: Upload,
): Promise<TextSummary> {
  const decoder = new Decoder(encoding);
  let [lines, words, characters, longestLine, lineLength] = [0, 0, 0, 0, 0];
  let previous = "\n";
  for await (const text of decoder.decode(readBlocks(upload))) {
    for (const character of text) {
      characters += 1;
      if (character === "\n" || character === "\r") {
        if (character === "\r" || previous !== "\r") lines += 1;
        lineLength = 0;
      } else {
        lineLength += 1;
        if (lineLength > longestLine) longestLine = lineLength;
        if (SPACE.test(previous) && !SPACE.test(character)) words += 1;
      }
      previous = character;
    }
  }
  if (lineLength > 0) lines += 1;
  return {
    encoding,
    encodingCertainty: certainty,
    unreadable: decoder.unreadable,
    bytes: upload.sizeBytes,
    lines,
    words,
    characters,
    longestLine,
  };
}
