/** Times, durations and sizes, as people write them. */

import { signal } from "@preact/signals";

const KEPT_ZONE = "lovage-zone";

/** Whether times are shown in UTC rather than in the browser's zone. */
export const isUtc = signal(typeof localStorage !== "undefined" && localStorage.getItem(KEPT_ZONE) === "utc");

export function showUtc(utc: boolean): void {
  isUtc.value = utc;
  localStorage.setItem(KEPT_ZONE, utc ? "utc" : "local");
}

/** The name of the zone that times are shown in. */
export function zoneName(utc: boolean): string {
  return utc ? "UTC" : clockOf(undefined).resolvedOptions().timeZone;
}

const clocks = new Map<string | undefined, Intl.DateTimeFormat>();

/** To make one takes longer than a row of a table. */
function clockOf(zone: string | undefined): Intl.DateTimeFormat {
  const clock =
    clocks.get(zone) ??
    new Intl.DateTimeFormat("en-CA", {
      timeZone: zone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      hourCycle: "h23",
    });
  clocks.set(zone, clock);
  return clock;
}

/** A moment with its date and seconds, such as `2026-11-27 16:40:03`. @param zone an IANA zone; undefined: the browser's */
export function moment(time: string | number, zone: string | undefined): string {
  const parts = clockOf(zone).formatToParts(new Date(time));
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.find((one) => one.type === type)?.value ?? "";
  return `${part("year")}-${part("month")}-${part("day")} ${part("hour")}:${part("minute")}:${part("second")}`;
}

const UNITS: readonly (readonly [string, number])[] = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
];

/** A duration in its two largest units: `850 ms`, `2.4 s`, `3 min 20 s`, `2 d 4 h`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.max(0, Math.round(milliseconds))} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 59.95) return `${seconds < 10 ? Number(seconds.toFixed(1)) : Math.round(seconds)} s`;
  const first = UNITS.findIndex(([, size]) => Math.round(seconds) >= size);
  let rest = Math.round(seconds);
  return UNITS.slice(first, first + 2)
    .flatMap(([unit, size]) => {
      const count = Math.floor(rest / size);
      rest -= count * size;
      return count > 0 ? [`${count} ${unit}`] : [];
    })
    .join(" ");
}

/** How long ago, or how soon: `3 min ago`, `in 2 h`, `now`. */
export function distance(time: string | number, now: number): string {
  const milliseconds = now - new Date(time).getTime();
  if (Math.abs(milliseconds) < 1000) return "now";
  const seconds = Math.abs(milliseconds) / 1000;
  const [unit, size] = UNITS.find(([, one]) => seconds >= one) ?? ["s", 1];
  const first = `${Math.floor(seconds / size)} ${unit}`;
  return milliseconds > 0 ? `${first} ago` : `in ${first}`;
}

/** `512 B`, `1.5 KB`, `20 MB`; a KB is 1,024 bytes. */
export function size(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power > 0 && value < 10 ? Number(value.toFixed(1)) : Math.round(value)} ${units[power]}`;
}

/** Digits in groups of three: `12,345`. */
export function count(number: number): string {
  return number.toLocaleString("en-US");
}
