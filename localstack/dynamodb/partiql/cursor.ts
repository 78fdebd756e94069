/** Where the reading of a statement stands. */
import type { DynamoDbError } from "../error.ts";
import { KEYWORDS } from "./keywords.ts";
import { type Token, tokensOf } from "./lexer.ts";
import { malformed } from "./refusals.ts";

export class Cursor {
  readonly #tokens: readonly Token[];
  #next = 0;
  /** Question marks that were read. */
  parameterCount = 0;

  constructor(text: string) {
    this.#tokens = tokensOf(text);
  }

  get token(): Token {
    const token = this.#tokens[this.#next] ?? this.#tokens.at(-1);
    if (token === undefined) throw malformed("the statement is empty");
    return token;
  }

  /** The token that was passed. */
  pass(): Token {
    const { token } = this;
    this.#next += 1;
    return token;
  }

  /** Whether the next tokens are these words, in any case. */
  isAt(...words: readonly string[]): boolean {
    return words.every((word, index) => {
      const token = this.#tokens[this.#next + index];
      return token?.kind === "name" && token.text.toUpperCase() === word;
    });
  }

  /** Passes these words, if they come next. */
  take(...words: readonly string[]): boolean {
    const isThere = this.isAt(...words);
    if (isThere) this.#next += words.length;
    return isThere;
  }

  /** Passes this sign, if it comes next. */
  takeSign(sign: string): boolean {
    const isThere = this.token.kind === "sign" && this.token.text === sign;
    if (isThere) this.#next += 1;
    return isThere;
  }

  expect(word: string): void {
    if (!this.take(word)) throw this.unexpected(word);
  }

  expectSign(sign: string): void {
    if (!this.takeSign(sign)) throw this.unexpected(`'${sign}'`);
  }

  /** A name in double quotes, or one that is no reserved word. */
  isAtName(): boolean {
    const { kind, text } = this.token;
    return kind === "quoted" || (kind === "name" && !KEYWORDS.has(text.toUpperCase()));
  }

  name(): string {
    if (!this.isAtName()) {
      const isReserved = this.token.kind === "name";
      throw this.unexpected(isReserved ? "a name; a reserved word needs double quotes" : "a name");
    }
    return this.pass().text;
  }

  /** Whether the next token is a name with a parenthesis behind it. */
  isAtCall(): boolean {
    return this.token.kind === "name" && this.#tokens[this.#next + 1]?.text === "(";
  }

  /** Reads with `read`, as often as there are commas, up to the sign `end`. */
  list<T>(end: string, read: () => T): T[] {
    const items: T[] = [];
    if (this.takeSign(end)) return items;
    do {
      items.push(read());
    } while (this.takeSign(","));
    this.expectSign(end);
    return items;
  }

  unexpected(expected: string): DynamoDbError {
    const { kind, text, at } = this.token;
    const found = kind === "end" ? "the end" : `'${text.slice(0, 20)}'`;
    return malformed(`expected ${expected} at character ${at + 1}, found ${found}`);
  }
}
