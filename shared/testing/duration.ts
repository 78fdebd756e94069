import { InvalidOptionError } from "../errors.ts";

const SECONDS = { second: 1, minute: 60, hour: 3600, day: 86_400, week: 604_800 } as const;

/** The milliseconds of a duration: seconds, or a text such as `1 day`. @throws InvalidOptionError */
export function readDuration(duration: number | string): number {
  if (typeof duration === "number" && duration >= 0 && Number.isFinite(duration)) return duration * 1000;
  const [, count = "", word = ""] = /^(\d+(?:\.\d+)?) ([a-z]+?)s?$/.exec(String(duration)) ?? [];
  const unit = Object.entries(SECONDS).find(([name]) => name === word);
  if (unit === undefined) {
    const expected = "seconds, or a text such as '1 day', '90 minutes': a number and second, minute, hour, day or week";
    throw new InvalidOptionError("duration", duration, expected);
  }
  return Number(count) * unit[1] * 1000;
}
