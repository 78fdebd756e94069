/** The one reader of times that come from outside: options of a call, queries over HTTP, messages of other writers. */

/** The times that `readTime` accepts, for a sentence. */
export const TIME_EXPECTED = "an ISO-8601 time with its zone, such as 2026-11-22T08:00:00Z, from 1970 to 9999";

/**
 * A full date, `T`, hours and minutes, and a zone; seconds and their fraction may be left out. RFC 3339, which OpenAPI's `date-time`
 * means, allows `t` and `z` and asks for a colon in the zone; ISO-8601's form without it (`+0545`) is taken, too.
 * https://www.rfc-editor.org/rfc/rfc3339#section-5.6
 */
const TIME =
  /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,9}))?)?(?:Z|([+-])([01]\d|2[0-3]):?([0-5]\d))$/i;

/**
 * The moment that a text names, to the millisecond; undefined if it names none. `Date.parse` alone takes `12-01-2027` and `1Z`, and
 * makes 1 December of 31 November. Hour 24 and leap seconds are no times here: neither has a place on the clock of a computer.
 */
export function readTime(text: string): Date | undefined {
  const [, year, month, day, hour, minute, second = "0", fraction = "", sign, zoneHour = "0", zoneMinute = "0"] =
    TIME.exec(text) ?? [];
  if (year === undefined) return undefined;
  const midnight = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  // Years below 100 are no years to Date.UTC, and a day that does not exist becomes one of the next month.
  if (midnight.toISOString().slice(0, 10) !== `${year}-${month}-${day}`) return undefined;
  const milliseconds = Number(fraction.padEnd(3, "0").slice(0, 3));
  const clock = ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000 + milliseconds;
  const zone = (Number(zoneHour) * 60 + Number(zoneMinute)) * 60_000 * (sign === "-" ? -1 : 1);
  const time = new Date(midnight.getTime() + clock - zone);
  return isKnownTime(time) ? time : undefined;
}

/** Whether it is a time that a message and a record can hold, as four digits of a year can say it. */
export function isKnownTime(time: Date): boolean {
  const year = time.getUTCFullYear();
  return year >= 1970 && year <= 9999;
}
