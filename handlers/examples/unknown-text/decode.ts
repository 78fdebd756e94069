import { TextDecoder } from "node:util";
import { getDecoder } from "iconv-lite";
import { iconvName } from "./encoding-names.ts";

/** Turns the bytes of a text into strings, block by block. A byte order mark is dropped. */
export class Decoder {
  /** Characters that could not be read, and stand as `\ufffd`; one that the file writes so counts, too. */
  unreadable = 0;
  readonly #read: (block?: Buffer) => string;

  /** @param encoding a name that `encodingName` gives */
  constructor(encoding: string) {
    this.#read = createReader(encoding);
  }

  /** Decodes a whole text. */
  async *decode(blocks: AsyncIterable<Buffer>): AsyncGenerator<string, void> {
    for await (const block of blocks) yield this.#count(this.#read(block));
    yield this.#count(this.#read());
  }

  #count(text: string): string {
    for (let at = text.indexOf("\ufffd"); at >= 0; at = text.indexOf("\ufffd", at + 1)) this.unreadable += 1;
    return text;
  }
}

/** The text of these bytes. One that is not `complete` may end within a character. */
export function decodeBytes(bytes: Buffer, encoding: string, complete = true): string {
  const read = createReader(encoding);
  return read(bytes) + (complete ? read() : "");
}

/** Reads a block, or the end if there is none. */
function createReader(encoding: string): (block?: Buffer) => string {
  const name = iconvName(encoding);
  if (name !== undefined) {
    const decoder = getDecoder(name);
    return (block) => (block === undefined ? decoder.end() : decoder.write(block)) ?? "";
  }
  const decoder = new TextDecoder(encoding);
  return (block) => (block === undefined ? decoder.decode() : decoder.decode(block, { stream: true }));
}
