/** Times of the sun. */

import { getTimes } from "suncalc";
import { EVENTS, type SolarTime } from "./solar.ts";
import { zoneOf } from "./zone.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Days after which an event that has not come never will: at the poles there is one sunrise a year. */
const LONGEST_NIGHT_DAYS = 400;

/** The first time after `after`, to the second, of the event on a date of the zone; undefined if the place never has it. */
export function nextSolar(
  { event, latitude, longitude }: SolarTime,
  after: number,
  timezone: string,
): number | undefined {
  const zone = zoneOf(timezone);
  const today = Math.floor((after + zone.offset(after)) / DAY) * DAY;
  for (let date = today - DAY; date < today + LONGEST_NIGHT_DAYS * DAY; date += DAY) {
    const noon = date + 12 * HOUR;
    // The zone's noon may lie in another solar day than the place's: a place far from its zone is asked for its own noon.
    const time = getTimes(new Date(noon - Math.round(longitude / 15) * HOUR), latitude, longitude)[EVENTS[event]];
    const instant = time instanceof Date ? Math.floor(time.getTime() / 1000) * 1000 : Number.NaN;
    if (instant > after) return instant;
  }
  return undefined;
}
