import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readTime } from "../../../shared/message/time.ts";

describe("a time from outside", () => {
  it.each([
    ["2026-11-22T08:00:00Z", "2026-11-22T08:00:00.000Z"],
    ["2026-11-22T08:00:00.5Z", "2026-11-22T08:00:00.500Z"],
    ["2026-11-22T08:00:00.123456789Z", "2026-11-22T08:00:00.123Z"],
    ["2026-11-22T08:00Z", "2026-11-22T08:00:00.000Z"],
    ["2026-11-22T08:00:00+05:45", "2026-11-22T02:15:00.000Z"],
    ["2026-11-22T08:00:00+0545", "2026-11-22T02:15:00.000Z"],
    ["2026-11-22T08:00:00-23:59", "2026-11-23T07:59:00.000Z"],
    ["2026-11-22T08:00:00-00:00", "2026-11-22T08:00:00.000Z"],
    ["2026-11-22t08:00:00z", "2026-11-22T08:00:00.000Z"],
    ["2028-02-29T23:59:59.999Z", "2028-02-29T23:59:59.999Z"],
    ["1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"],
    ["1969-12-31T23:30:00-01:00", "1970-01-01T00:30:00.000Z"],
    ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"],
  ])("is read: %s", (text, time) => {
    expect(readTime(text)?.toISOString()).toBe(time);
  });

  it.each([
    ...["", "now", "1Z", "12-01-2027", "12-01-2027Z", "2027Z", "2026-11-22", "2026-11-22Z", "20261122T080000Z"],
    ...["2026-11-22T08:00:00", "2026-11-22 08:00:00Z", "2026-11-22T08Z", "2026-11-22T8:00:00Z", "2026-1-2T08:00:00Z"],
    ...["2026-11-31T08:00:00Z", "2026-02-29T08:00:00Z", "2026-13-01T08:00:00Z", "2026-00-10T08:00:00Z"],
    ...["2026-11-00T08:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T25:00:00Z", "2026-11-22T08:60:00Z"],
    ...["2016-12-31T23:59:60Z", "2026-11-22T08:00:00.Z", "2026-11-22T08:00:00,5Z", "2026-11-22T08:00.5Z"],
    ...[
      "2026-11-22T08:00:00+99:99",
      "2026-11-22T08:00:00+24:00",
      "2026-11-22T08:00:00+01",
      "2026-11-22T08:00:00 01:00",
    ],
    ...["1969-12-31T23:59:59Z", "0026-11-22T08:00:00Z", "9999-12-31T23:59:59-01:00", "1970-01-01T00:00:00+01:00"],
    ...["+002026-11-22T08:00:00Z", "-000001-01-01T00:00:00Z", " 2026-11-22T08:00:00Z", "2026-11-22T08:00:00Z\n"],
    ...["2026-11-22T08:00:00ZZ", "2026-11-22T08:00:00Europe/Berlin", "２026-11-22T08:00:00Z"],
  ])("is refused: %j", (text) => {
    expect(readTime(text)).toBeUndefined();
  });

  it("is the same as its own text, whatever it is", () => {
    const known = fc.date({ min: new Date(0), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true });
    fc.assert(fc.property(known, (time) => void expect(readTime(time.toISOString())).toEqual(time)));
  });

  it("is never another one than Date has for it", () => {
    const two = (most: number) => fc.integer({ min: 0, max: most }).map((part) => String(part).padStart(2, "0"));
    const parts = fc.tuple(fc.integer({ min: 1900, max: 10_050 }), two(14), two(33), two(26), two(61), two(61));
    const texts = fc
      .tuple(parts, fc.constantFrom("Z", "+00:00", "-03:30", "+14:00", "+2500"))
      .map(
        ([[year, month, day, hour, minute, second], zone]) =>
          `${year}-${month}-${day}T${hour}:${minute}:${second}${zone}`,
      );
    fc.assert(
      fc.property(texts, (text) => {
        const time = readTime(text);
        if (time) expect(time).toEqual(new Date(text));
      }),
      { numRuns: 2000 },
    );
  });
});
