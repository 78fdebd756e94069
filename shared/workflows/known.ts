/** Entries that one process knows of one kind: workflows, or their groups. */
const MAX_KNOWN = 500;

/** Keeps the newest, and answers with the key of the one that it has forgotten. */
export function remember<T>(known: Map<string, T>, id: string, value: T): string | undefined {
  known.delete(id);
  known.set(id, value);
  const [oldest] = known.keys();
  if (known.size <= MAX_KNOWN || oldest === undefined) return undefined;
  known.delete(oldest);
  return oldest;
}
