/** Time zones: the offset of a zone at an instant, and when it changes. Pure, but for a memory of what was asked. */

import { InvalidScheduleError } from "../errors.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How far a zone is ahead of UTC, in milliseconds, at an instant. */
export interface Zone {
  offset(instant: number): number;
  /** Changes of the clock after `from` and up to `to`, oldest first. */
  changes(from: number, to: number): readonly ClockChange[];
}

/** At `at` the clock goes from one offset to another. Forward it leaves out `[at + before, at + after)`; backward it shows a time twice. */
interface ClockChange {
  at: number;
  before: number;
  after: number;
}

const UTC: Zone = { offset: () => 0, changes: () => [] };

/** Making a formatter costs 50 times what using it does. */
const zones = new Map<string, Zone>();

/** No zone has changed its clock twice within three days since 1970. */
const PROBE = 3 * DAY;

/** @throws InvalidScheduleError for what is no name of the IANA database */
export function zoneOf(timezone: string): Zone {
  const known = zones.get(timezone);
  if (known !== undefined) return known;
  checkTimezone(timezone);
  if (timezone === "UTC") {
    zones.set(timezone, UTC);
    return UTC;
  }
  // Made when it is needed: the first formatter of a process takes as long as half of a cold start.
  let format: Intl.DateTimeFormat | undefined;
  const years = new Map<number, readonly ClockChange[]>();
  const offset = (instant: number): number => {
    format ??= new Intl.DateTimeFormat("en-US", { timeZone: timezone, timeZoneName: "longOffset" });
    const [, sign, hours, minutes, seconds = 0] =
      /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(format.format(instant)) ?? [];
    if (sign === undefined) return 0;
    const size = Number(hours) * HOUR + Number(minutes) * MINUTE + Number(seconds) * SECOND;
    return sign === "-" ? -size : size;
  };
  const changesOf = (year: number): readonly ClockChange[] => {
    const kept = years.get(year);
    if (kept !== undefined) return kept;
    const found: ClockChange[] = [];
    const end = Date.UTC(year + 1, 0);
    // Stryker disable next-line ArithmeticOperator,EqualityOperator: no zone changes its clock within 2 ms of the turn of a year in UTC.
    for (let low = Date.UTC(year, 0) - 1; low < end - 1; low += PROBE) {
      const high = Math.min(low + PROBE, end - 1);
      const [before, after] = [offset(low), offset(high)];
      if (before !== after) found.push({ at: changeBetween(low, high, offset), before, after });
    }
    years.set(year, found);
    return found;
  };
  const zone: Zone = {
    offset,
    changes(from, to) {
      const found: ClockChange[] = [];
      for (let year = new Date(from).getUTCFullYear(); year <= new Date(to).getUTCFullYear(); year += 1) {
        found.push(...changesOf(year).filter(({ at }) => at > from && at <= to));
      }
      return found;
    },
  };
  zones.set(timezone, zone);
  return zone;
}

/** @throws InvalidScheduleError for what is no name of the IANA database */
export function checkTimezone(timezone: string): void {
  if (isTimezone(timezone)) return;
  const expected = "a name of the IANA time zone database, such as 'Europe/Berlin' or 'UTC'";
  throw new InvalidScheduleError(`time zone '${timezone}'`, `${expected}${alike(timezone)}`);
}

function isTimezone(name: string): boolean {
  // The list is a few times cheaper than the first formatter of a process, and lacks other names of the same zones.
  if (name === "UTC" || Intl.supportedValuesOf("timeZone").includes(name)) return true;
  // Intl also takes '+05:30', which AWS does not.
  if (name === "" || /^[+-]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** The name that may have been meant. */
function alike(timezone: string): string {
  const wanted = timezone.toLowerCase();
  const city = wanted.split("/").at(-1);
  const near = Intl.supportedValuesOf("timeZone").find((name) => name.toLowerCase().split("/").at(-1) === city);
  return near === undefined ? "" : `; perhaps '${near}'`;
}

/** When the offset changes between two instants. Since 1972 clocks everywhere change on a whole minute. */
export function changeBetween(low: number, high: number, offset: (instant: number) => number): number {
  const before = offset(low);
  let [same, changed] = [low, high];
  // Stryker disable next-line EqualityOperator: one step more finds the same minute.
  while (changed - same > MINUTE) {
    const middle = Math.floor((same + changed) / 2);
    if (offset(middle) === before) same = middle;
    else changed = middle;
  }
  return Math.floor(changed / MINUTE) * MINUTE;
}
