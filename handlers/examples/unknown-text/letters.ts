import { decodeBytes } from "./decode.ts";
import { encodingName } from "./encoding-names.ts";

/** A text's encoding, under its name in the WHATWG's standard or in iconv-lite, and how sure that is. */
export interface DetectedEncoding {
  encoding: string;
  /**
   * `certain`: all bytes are valid UTF-8, or a byte order mark or the uploader says so. `likely`: no other encoding fits nearly as well.
   * `guess`: others fit nearly as well, so letters may be wrong; the payload's `encoding` corrects it.
   */
  certainty: "certain" | "likely" | "guess";
}

/** An encoding of which half as much speaks as of the best makes that one a guess. */
const GUESS_RATIO = 0.5;
/** The commonest encoding is taken where one tenth less speaks for it. */
const NEARLY = 0.9;
const COMMONEST = "windows-1252";
/** Fewer letters beyond ASCII show nothing. */
const FEW_LETTERS = 8;
/** Of encodings that read a text alike, those that most texts have. */
const COMMON: readonly string[] = [COMMONEST, "koi8-r", "windows-1255", "ibm866", "cp850"];
const LETTERS = /\p{L}[\s\S]*\p{L}/u;

/** No text has them: characters that are none, controls, and places that the standard leaves to everyone's own use. */
const NO_TEXT = /[\ufffd\u0080-\u0084\u0086-\u009f\ue000-\uf8ff]/;
/** Control characters that texts do not have: all but bell to carriage return, and the escape of coloured logs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
export const CONTROL = /[\0-\x06\x0e-\x1a\x1c-\x1f\x7f]/;
const NO_TEXT_OR_CONTROL = new RegExp(`${NO_TEXT.source}|${CONTROL.source}`, "g");
const SCRIPTS = ["Latin", "Cyrillic", "Greek", "Hebrew", "Arabic", "Thai"];
/** Wrong letters: two scripts in one word, a capital behind a small letter, a symbol between letters. */
const FLAWS = [
  ...SCRIPTS.map((script) => `(?<=\\p{Script=${script}})(?!\\p{Script=${script}})[${inClass(SCRIPTS)}]`),
  "(?<=\\p{Ll})(?![A-Z])\\p{Lu}|(?<=(?![a-z])\\p{Ll})[A-Z]",
  "(?<=\\p{L})(?![\\0-\\x7f’·\\p{Pd}])[\\p{S}\\p{No}\\p{P}](?=\\p{L})",
];
const FLAW = new RegExp(FLAWS.join("|"), "gu");
/** Of the letters beyond ASCII, so many are wrong in bytes that are no text. */
const MAX_FLAWS = 0.1;

interface Candidate {
  encoding: string;
  text: string;
  /** The detector's confidence, less what its flaws take away. */
  score: number;
}

/** Encodings in which a Latin letter has zero bytes. */
const WIDE = ["utf-16le", "utf-16be", "utf-32le", "utf-32be"];
/** Of their characters, that many are Latin letters; or as many are spaces, digits and line ends, unless those are few. */
const LATIN_SHARE = 0.3;
const LEAST_ASCII_SHARE = 0.05;
const FEW_ASCII = 4;

/** The one of them in which the bytes have ASCII, without a mark; undefined if they are no text. */
export function detectWide(sample: Buffer): DetectedEncoding | undefined {
  const [best, other] = WIDE.map((encoding) => {
    const text = decodeBytes(sample, encoding, false);
    const ascii = text.replace(/[^\t\n\r -~]+/g, "").length;
    return { encoding, length: text.length, ascii, damaged: text.match(NO_TEXT_OR_CONTROL)?.length ?? 0 };
  })
    // One damaged byte takes no text away.
    .filter(({ ascii, damaged }) => damaged * 10 <= ascii)
    .toSorted((a, b) => b.ascii - a.ascii);
  if (best === undefined) return undefined;
  const { encoding, length, ascii } = best;
  const least = length * (ascii < FEW_ASCII ? LATIN_SHARE : LEAST_ASCII_SHARE);
  // The wrong order of bytes makes none, but by chance.
  return ascii > least && ascii > 10 * (other?.ascii ?? 0) ? { encoding, certainty: "likely" } : undefined;
}

/**
 * The encoding of bytes that are not UTF-8, by the letters that they would be in each; undefined if they are no text.
 * @param isWhole no byte beyond ASCII is left out, so that the last character is no cut one
 */
export async function detectByLetters(sample: Buffer, isWhole: boolean): Promise<DetectedEncoding | undefined> {
  // Loaded when the first such file comes: its models are a megabyte.
  const { detectAll } = await import("jschardet");
  const letters = sample.reduce((count, byte) => count + (byte > 0x7f ? 1 : 0), 0);
  const found = detectAll(sample);
  const candidates = found
    .flatMap(({ encoding, confidence }): Candidate[] => {
      const name = encoding === null ? undefined : encodingName(encoding);
      if (name === undefined) return [];
      const text = decodeBytes(sample, name, isWhole);
      const flaws = (text.match(FLAW)?.length ?? 0) / letters;
      if (flaws > MAX_FLAWS || NO_TEXT.test(text) || !LETTERS.test(text)) return [];
      return [{ encoding: name, text, score: confidence * (1 - 2 * flaws) }];
    })
    .toSorted((a, b) => b.score - a.score);
  const [first] = candidates;
  if (first === undefined) return undefined;
  const isShort = letters < FEW_LETTERS;
  const enough = isShort ? 0 : first.score * NEARLY;
  const best = candidates.find(({ encoding, score }) => encoding === COMMONEST && score >= enough) ?? first;
  const alike = candidates.filter(({ text }) => text === best.text);
  const { encoding } = alike.find((one) => COMMON.includes(one.encoding)) ?? best;
  const isRivalled = candidates.some(({ text, score }) => text !== best.text && score > best.score * GUESS_RATIO);
  // One that cannot be read here, as EBCDIC, may be the right one.
  const isUnread = (found[0]?.confidence ?? 0) * GUESS_RATIO > best.score;
  return { encoding, certainty: isShort || isRivalled || isUnread ? "guess" : "likely" };
}

function inClass(scripts: readonly string[]): string {
  return scripts.map((script) => `\\p{Script=${script}}`).join("");
}
