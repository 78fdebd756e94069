/** Events of the sun at a place: Celery's `solar`. */

import type { SunTimeName } from "suncalc";
import { echo } from "../echo.ts";
import { InvalidScheduleError } from "../errors.ts";

/** Celery's names, in suncalc's. https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html#solar-schedules */
export const EVENTS = {
  dawn_astronomical: "nightEnd",
  dawn_nautical: "nauticalDawn",
  dawn_civil: "dawn",
  sunrise: "sunrise",
  solar_noon: "solarNoon",
  sunset: "sunset",
  dusk_civil: "dusk",
  dusk_nautical: "nauticalDusk",
  dusk_astronomical: "night",
} as const satisfies Record<string, SunTimeName | "solarNoon">;

export type SolarEvent = keyof typeof EVENTS;

/** An event at a place: degrees north and east, those of the south and west below 0. */
export interface SolarTime {
  readonly event: SolarEvent;
  readonly latitude: number;
  readonly longitude: number;
}

const EXPECTED = `solar(event latitude longitude) with one of ${Object.keys(EVENTS).join(", ")}, -90 to 90 degrees north and -180 to 180 degrees east`;

/**
 * The schedule of an event of the sun, once on each date on which it comes. Days without it, in polar night and polar day, are passed over.
 * @throws InvalidScheduleError for another event, or no place on Earth
 * @example solar("sunset", { latitude: 52.52, longitude: 13.4 }) // "solar(sunset 52.52 13.4)"
 */
export function solar(event: SolarEvent, { latitude, longitude }: { latitude: number; longitude: number }): string {
  const text = `solar(${event} ${latitude} ${longitude})`;
  parseSolar(`${event} ${latitude} ${longitude}`, text);
  return text;
}

/** Reads what stands between the brackets of `solar(…)`. @throws InvalidScheduleError */
export function parseSolar(content: string, schedule: string): SolarTime {
  const [event = "", north = "", east = "", ...rest] = content.trim().split(/[ \t]*,[ \t]*|[ \t]+/);
  const degrees = /^-?\d{1,3}(?:\.\d{1,10})?$/;
  const [latitude, longitude] = [Number(north), Number(east)];
  const isPlace = degrees.test(north) && degrees.test(east) && Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180;
  if (!isEvent(event) || !isPlace || rest.length > 0) {
    throw new InvalidScheduleError(`schedule ${echo(schedule)}`, EXPECTED);
  }
  return { event, latitude, longitude };
}

function isEvent(text: string): text is SolarEvent {
  return Object.hasOwn(EVENTS, text);
}
