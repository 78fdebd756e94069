/** The first questions of the page that is opened, asked before the page's own script has come. */

/** Where the tab keeps its API key, in `sessionStorage`. */
export const KEPT_KEY = "lovage-key";

/** Milliseconds since 1970 at which the page was opened, by the browser's clock. */
const openedAt = Date.now();

/** An early answer is taken this soon, or not at all. */
const SOON_MILLISECONDS = 5000;

const isSoon = (time: number): boolean => Math.abs(time - openedAt) < SOON_MILLISECONDS;

/** Addresses that the page itself has asked: an early question would come late. */
const taken = new Set<string>();
const asked = new Map<string, { authorization: string | undefined; answer: Promise<Response> }>();

/** Where a call goes: addresses are relative to the page, which may stand behind a prefix. */
export function serviceUrl(path: string): string {
  return new URL(path, `${location.origin}${location.pathname}`).href;
}

/** A time that bounds a list: the same for all that is asked when the page is opened. @param now milliseconds since 1970 */
export function boundNow(now: number): number {
  return isSoon(now) ? openedAt : now;
}

/** Asks for what the page will want. */
export function askEarly(path: string): void {
  if (taken.has(serviceUrl(path))) return;
  const key = sessionStorage.getItem(KEPT_KEY);
  const authorization = key === null ? undefined : `Bearer ${key}`;
  const headers = { Accept: "application/json", ...(authorization !== undefined && { Authorization: authorization }) };
  const answer = fetch(serviceUrl(path), { headers, cache: "no-store" });
  // It is told to whoever takes it.
  answer.catch(() => {});
  asked.set(serviceUrl(path), { authorization, answer });
}

/** The answer that is on its way, once; none for another key. */
export function takeEarly(
  url: string,
  { Authorization }: Readonly<Record<string, string>>,
): Promise<Response> | undefined {
  const found = asked.get(url);
  asked.delete(url);
  if (isSoon(Date.now())) taken.add(url);
  return found && found.authorization === Authorization && isSoon(Date.now()) ? found.answer : undefined;
}
