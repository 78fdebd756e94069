import { TextDecoder } from "node:util";

/** Encodings that the WHATWG's standard has left out, and iconv-lite reads: those of DOS, of the Mac, and UTF-32. */
const OTHERS = [
  ...["cp437", "cp720", "cp737", "cp775", "cp850", "cp852", "cp855", "cp857", "cp858", "cp860", "cp861", "cp862"],
  ...["cp863", "cp864", "cp865", "cp869", "cp1125", "maccenteuro", "macgreek", "maciceland", "macturkish"],
  ...["utf-32le", "utf-32be"],
] as const;

/** Names of the detector for those that have another one here, or that are read as one with more letters. */
const ALIASES: Readonly<Record<string, string>> = {
  ascii: "utf-8",
  cp874: "windows-874",
  cp932: "shift_jis",
  shift_jis_2004: "shift_jis",
  "euc-jis-2004": "euc-jp",
  cp949: "euc-kr",
  big5hkscs: "big5",
  "koi8-t": "koi8-r",
  ibm855: "cp855",
  macroman: "macintosh",
  maccyrillic: "x-mac-cyrillic",
  maclatin2: "maccenteuro",
};

/**
 * The name in iconv-lite of an encoding that it reads in the platform's place; undefined for the others. Node's own decoders lack
 * 8,824 syllables of Windows' Korean and 4,900 characters of Hong Kong's Chinese, which the standard has.
 */
export function iconvName(name: string) {
  if (name === "euc-kr") return "cp949";
  if (name === "big5") return "big5-hkscs";
  return OTHERS.find((other) => other === name);
}

/** The name of an encoding here: the WHATWG's standard's, else iconv-lite's; undefined if it cannot be read. */
export function encodingName(label: string): string | undefined {
  const lower = label.trim().toLowerCase();
  const name = ALIASES[lower] ?? lower.replace(/^iso8859-/, "iso-8859-");
  try {
    return new TextDecoder(name).encoding;
  } catch {
    return iconvName(name);
  }
}
