/** The service's clock, by the `Date` of its answers: that of a local stage may have been turned, and a browser's may be wrong. */

/** A `Date` has whole seconds, and an answer takes a moment: a smaller difference is none. */
const WORTH_MILLISECONDS = 3000;

let ahead = 0;

/** Notes the `Date` of an answer that has just come. */
export function noteDate(date: string | null): void {
  const found = Date.parse(date ?? "") - Date.now();
  if (Math.abs(found - ahead) > WORTH_MILLISECONDS) ahead = found;
}

/** Milliseconds since 1970, as the service has them. */
export function serviceNow(): number {
  return Date.now() + ahead;
}
