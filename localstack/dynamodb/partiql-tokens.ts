/** Words, names, signs and literals of a PartiQL statement, one after another. */

import type { JsonObject } from "../json.ts";

const TOKEN =
  /\s*(?:(?<quoted>"(?:[^"]|"")*")|(?<text>'(?:[^']|'')*')|(?<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<word>[A-Za-z_]\w*)|(?<sign><<|>>|<=|>=|<>|!=|[?{}[\](),.:=<>+*-]))/y;

/** Words that cannot be the name of an attribute unless they are quoted. */
const KEYWORDS = new Set([
  ...["AND", "OR", "NOT", "IN", "IS", "BETWEEN", "MISSING", "NULL", "WHERE", "SET", "REMOVE", "RETURNING", "FROM"],
  ...["VALUE", "INTO", "TRUE", "FALSE"],
]);

interface Token {
  kind: "quoted" | "text" | "number" | "word" | "sign" | "end";
  text: string;
}

export interface Reader {
  /** The next word must be one of these, in whatever case. */
  word(...words: readonly string[]): string;
  takesWord(word: string): boolean;
  symbol(sign: string): void;
  takes(sign: string): boolean;
  /** Whether one of these functions is called next; its name and the parenthesis are then read. */
  takesCall(...names: readonly string[]): string | undefined;
  /** Whether a name comes next. */
  isPath(): boolean;
  /** A name, quoted or not. */
  name(): string;
  /** A text in single quotation marks. */
  text(): string;
  index(): number;
  /** A value that is written out, as an attribute value. */
  literal(): JsonObject;
  end(): void;
  refusal(): Error;
}

/** @param refuse makes the error for a statement that is not well formed */
export function createReader(statement: string, refuse: () => Error): Reader {
  const tokens = tokensOf(statement, refuse);
  let position = 0;
  const peek = (ahead = 0): Token => tokens[position + ahead] ?? { kind: "end", text: "" };
  const next = (kind: Token["kind"]): string => {
    const token = peek();
    if (token.kind !== kind) throw refuse();
    position += 1;
    return token.text;
  };
  const isWord = (word: string): boolean => peek().kind === "word" && peek().text.toUpperCase() === word;
  const takes = (sign: string): boolean => {
    const found = peek().kind === "sign" && peek().text === sign;
    if (found) position += 1;
    return found;
  };
  const symbol = (sign: string): void => {
    if (!takes(sign)) throw refuse();
  };
  const text = (): string => next("text").slice(1, -1).replaceAll("''", "'");

  const literal = (): JsonObject => {
    if (peek().kind === "text") return { S: text() };
    if (peek().kind === "number") return { N: next("number") };
    for (const [word, value] of [
      ["TRUE", { BOOL: true }],
      ["FALSE", { BOOL: false }],
      ["NULL", { NULL: true }],
    ] as const) {
      if (isWord(word)) {
        position += 1;
        return value;
      }
    }
    if (takes("[")) return { L: values("]") };
    if (takes("<<")) return setOf(values(">>"), refuse);
    symbol("{");
    const fields: [string, JsonObject][] = [];
    while (!takes("}")) {
      if (fields.length > 0) symbol(",");
      const name = text();
      symbol(":");
      fields.push([name, literal()]);
    }
    return { M: Object.fromEntries(fields) };
  };
  const values = (close: string): JsonObject[] => {
    const found: JsonObject[] = [];
    while (!takes(close)) {
      if (found.length > 0) symbol(",");
      found.push(literal());
    }
    return found;
  };

  return {
    word(...words) {
      const found = words.find(isWord);
      if (found === undefined) throw refuse();
      position += 1;
      return found;
    },
    takesWord(word) {
      const found = isWord(word);
      if (found) position += 1;
      return found;
    },
    symbol,
    takes,
    takesCall(...names) {
      const { kind, text: called } = peek();
      const name = called.toLowerCase();
      if (kind !== "word" || !names.includes(name) || peek(1).text !== "(") return undefined;
      position += 2;
      return name;
    },
    isPath: () => peek().kind === "quoted" || (peek().kind === "word" && !KEYWORDS.has(peek().text.toUpperCase())),
    name() {
      if (peek().kind === "quoted") return next("quoted").slice(1, -1).replaceAll('""', '"');
      if (KEYWORDS.has(peek().text.toUpperCase())) throw refuse();
      return next("word");
    },
    text,
    index: () => Number(next("number")),
    literal,
    end() {
      if (peek().kind !== "end") throw refuse();
    },
    refusal: refuse,
  };
}

function tokensOf(statement: string, refuse: () => Error): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  const text = statement.trimEnd();
  while (TOKEN.lastIndex < text.length) {
    const found = TOKEN.exec(text);
    if (found?.groups === undefined) throw refuse();
    for (const kind of ["quoted", "text", "number", "word", "sign"] as const) {
      const value = found.groups[kind];
      if (value !== undefined) tokens.push({ kind, text: value });
    }
  }
  return tokens;
}

/** A set of texts or of numbers. */
function setOf(values: readonly JsonObject[], refuse: () => Error): JsonObject {
  const texts = values.flatMap(({ S }) => (typeof S === "string" ? [S] : []));
  const numbers = values.flatMap(({ N }) => (typeof N === "string" ? [N] : []));
  if (values.length === 0 || Math.max(texts.length, numbers.length) < values.length) throw refuse();
  return texts.length > 0 ? { SS: texts } : { NS: numbers };
}
