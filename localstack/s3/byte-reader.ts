/** Reads a byte stream piece by piece: a line, so many bytes, all up to a delimiter. Holds no more than one piece in memory. */

const CRLF = Buffer.from("\r\n");
const MAX_LINE_BYTES = 64 * 1024;

/** The stream ended in the middle of a piece. */
export class UnexpectedEndError extends Error {
  constructor() {
    super("The data ended too early.");
    this.name = "UnexpectedEndError";
  }
}

export class ByteReader {
  readonly #source: AsyncIterator<unknown>;
  #buffer: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<unknown>) {
    // Advanced by hand: leaving a `for await` early would destroy a request before its answer is sent.
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The text up to the next CRLF, without it. @throws UnexpectedEndError */
  async line(): Promise<string> {
    const pieces: Buffer[] = [];
    let size = 0;
    for await (const piece of this.until(CRLF)) {
      size += piece.length;
      if (size > MAX_LINE_BYTES) throw new UnexpectedEndError();
      pieces.push(piece);
    }
    return Buffer.concat(pieces).toString("utf8");
  }

  /** The next `count` bytes. @throws UnexpectedEndError */
  async *bytes(count: number): AsyncGenerator<Buffer> {
    let missing = count;
    while (missing > 0) {
      if (this.#buffer.length === 0) await this.#fill();
      const piece = this.#take(Math.min(missing, this.#buffer.length));
      missing -= piece.length;
      yield piece;
    }
  }

  /** The bytes up to the delimiter, which is read too but not given. @throws UnexpectedEndError */
  async *until(delimiter: Buffer): AsyncGenerator<Buffer> {
    for (;;) {
      const found = this.#buffer.indexOf(delimiter);
      if (found !== -1) {
        const piece = this.#take(found);
        this.#take(delimiter.length);
        yield piece;
        return;
      }
      // The last bytes may be the beginning of the delimiter.
      const safe = this.#buffer.length - delimiter.length + 1;
      if (safe > 0) yield this.#take(safe);
      await this.#fill();
    }
  }

  /** Everything that is left. */
  async *rest(): AsyncGenerator<Buffer> {
    do {
      if (this.#buffer.length > 0) yield this.#take(this.#buffer.length);
    } while (await this.#more());
  }

  /** Reads on to the end and forgets it. */
  async drain(): Promise<void> {
    do {
      this.#buffer = Buffer.alloc(0);
    } while (await this.#more());
  }

  #take(count: number): Buffer {
    const piece = this.#buffer.subarray(0, count);
    this.#buffer = this.#buffer.subarray(count);
    return piece;
  }

  async #fill(): Promise<void> {
    if (!(await this.#more())) throw new UnexpectedEndError();
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#source.next();
    if (done === true || !Buffer.isBuffer(value)) return false;
    this.#buffer = this.#buffer.length === 0 ? value : Buffer.concat([this.#buffer, value]);
    return true;
  }
}
