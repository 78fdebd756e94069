/** A bounded memory: with more texts than this the oldest is forgotten, and is made anew if it comes again. */
const MAX_ENTRIES = 1000;

/** Remembers what was made of a text. A maker that throws leaves nothing behind. */
export function createMemo<Made>(maxEntries = MAX_ENTRIES): (text: string, make: () => Made) => Made {
  const made = new Map<string, Made>();
  return (text, make) => {
    const known = made.get(text);
    if (known !== undefined) return known;
    const fresh = make();
    made.set(text, fresh);
    const [oldest] = made.keys();
    if (made.size > maxEntries && oldest !== undefined) made.delete(oldest);
    return fresh;
  };
}
