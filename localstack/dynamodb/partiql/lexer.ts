/** PartiQL's words: names, values and signs, each with its place in the text. */
import { malformed } from "./refusals.ts";

export interface Token {
  readonly kind: "name" | "quoted" | "text" | "number" | "sign" | "end";
  /** Without quotes. */
  readonly text: string;
  /** Characters before it. */
  readonly at: number;
}

const PATTERNS = [
  ["space", /(?:\s+|--[^\n]*|\/\*[\s\S]*?\*\/)+/y],
  ["name", /[A-Za-z_$][A-Za-z0-9_$]*/y],
  ["quoted", /"(?:[^"]|"")*"/y],
  ["text", /'(?:[^']|'')*'/y],
  ["number", /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y],
  ["sign", /<<|>>|<=|>=|<>|!=|[=<>+\-*?,.;()[\]{}:]/y],
] as const;

/** @throws DynamoDbError for a sign that PartiQL does not know, or a quote that is not closed */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const [kind, word] = wordAt(text, at);
    if (kind === "quoted" || kind === "text") {
      const quote = word.charAt(0);
      tokens.push({ kind, text: word.slice(1, -1).replaceAll(quote + quote, quote), at });
    } else if (kind !== "space") {
      tokens.push({ kind, text: word, at });
    }
    at += word.length;
  }
  tokens.push({ kind: "end", text: "", at });
  return tokens;
}

function wordAt(text: string, at: number): [(typeof PATTERNS)[number][0], string] {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at;
    const word = pattern.exec(text)?.[0];
    if (word !== undefined) return [kind, word];
  }
  throw malformed(`'${text.slice(at, at + 20)}' at character ${at + 1} begins nothing that PartiQL knows`);
}
