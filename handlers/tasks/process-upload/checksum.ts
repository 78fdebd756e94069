import { createHash } from "node:crypto";

/** Size and SHA-256 of the bytes that pass by, so that no file is read a second time for them. */
export class Checksum {
  readonly #hash = createHash("sha256");
  #sizeBytes = 0;

  /** Bytes seen so far. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Adds the next bytes of the file. */
  update(chunk: Buffer): void {
    this.#hash.update(chunk);
    this.#sizeBytes += chunk.length;
  }

  /** The SHA-256 in hexadecimal. Call it once, after the last byte. */
  sha256(): string {
    return this.#hash.digest("hex");
  }
}
