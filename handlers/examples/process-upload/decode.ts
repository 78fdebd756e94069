import { TextDecoder } from "node:util";

/** Turns the bytes of a text into strings, block by block. A byte order mark is dropped. */
export class Decoder {
  readonly encoding: string;
  /** Bytes decoded so far. */
  seenBytes = 0;
  /** Characters that could not be read, and stand as `\ufffd`; one that the file writes so counts, too. */
  unreadable = 0;
  readonly #decoder: TextDecoder;

  /** @param encoding a name that `TextDecoder` knows */
  constructor(encoding: string) {
    this.#decoder = new TextDecoder(encoding);
    this.encoding = encoding;
  }

  /** Decodes a whole text. */
  async *decode(blocks: AsyncIterable<Buffer>): AsyncGenerator<string, void> {
    for await (const block of blocks) {
      this.seenBytes += block.length;
      yield this.#count(this.#decoder.decode(block, { stream: true }));
    }
    yield this.#count(this.#decoder.decode());
  }

  #count(text: string): string {
    for (let at = text.indexOf("\ufffd"); at >= 0; at = text.indexOf("\ufffd", at + 1)) this.unreadable += 1;
    return text;
  }
}
