/** Keeps what was used last, up to a number of entries. */
export class BoundedCache<T> {
  readonly #entries = new Map<string, T>();
  readonly #maxEntries: number;
  readonly #maxKeyLength: number;

  /** @param maxKeyLength longer keys are not kept, so that the memory is bounded, too */
  constructor(maxEntries: number, maxKeyLength: number) {
    this.#maxEntries = maxEntries;
    this.#maxKeyLength = maxKeyLength;
  }

  get(key: string): T | undefined {
    const value = this.#entries.get(key);
    // The order of a Map is the order of its last uses, so its first is the one to forget; before it is half full, none soon is.
    if (value !== undefined && this.#entries.size * 2 > this.#maxEntries) {
      this.#entries.delete(key);
      this.#entries.set(key, value);
    }
    return value;
  }

  set(key: string, value: T): void {
    if (key.length > this.#maxKeyLength) return;
    this.#entries.set(key, value);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxEntries) break;
      this.#entries.delete(oldest);
    }
  }
}
