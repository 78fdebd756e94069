/**
 * Ids of version 7 by a turned clock. A number stands where chance would, so that they keep their order while the clock stands still, and
 * are the same in each run. https://www.rfc-editor.org/rfc/rfc9562#name-monotonicity-and-counters
 */
export function createIds(clock: () => Date): () => string {
  let made = 0;
  return () => {
    const time = clock().getTime().toString(16).padStart(12, "0");
    const number = (made++).toString(16).padStart(18, "0");
    return `${time.slice(0, 8)}-${time.slice(8)}-7${number.slice(0, 3)}-8${number.slice(3, 6)}-${number.slice(6)}`;
  };
}
