import { describe, expect, it } from "vitest";
import { changeBetween, zoneOf } from "../../../shared/schedules/zone.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const time = (text: string) => Date.parse(text);

describe("a zone's offset", () => {
  it.each([
    ["UTC", "2026-07-01T00:00:00Z", 0],
    ["Europe/Berlin", "2026-07-01T00:00:00Z", 2 * HOUR],
    ["America/St_Johns", "2026-01-01T00:00:00Z", -(3 * HOUR + 30 * MINUTE)],
    // Monrovia's clocks had seconds of their own until 1972.
    ["Africa/Monrovia", "1971-01-01T00:00:00Z", -(44 * MINUTE + 30_000)],
  ])("%s at %s", (timezone, at, offset) => {
    expect(zoneOf(timezone).offset(time(at))).toBe(offset);
  });

  it("is asked of one formatter, however many entries are in the zone", () => {
    expect(zoneOf("Europe/Berlin")).toBe(zoneOf("Europe/Berlin"));
  });
});

describe("a zone's clock changes", () => {
  const [spring, autumn] = [time("2026-03-29T01:00:00Z"), time("2026-10-25T01:00:00Z")];
  const berlin = zoneOf("Europe/Berlin");

  it("are those after the beginning and up to the end", () => {
    const both = [
      { at: spring, before: HOUR, after: 2 * HOUR },
      { at: autumn, before: 2 * HOUR, after: HOUR },
    ];
    expect(berlin.changes(spring - 1, autumn)).toEqual(both);
    expect(berlin.changes(spring, autumn - 1)).toEqual([]);
    expect(berlin.changes(spring - 1, autumn - 1)).toEqual(both.slice(0, 1));
  });

  it("are found once a year", () => {
    // A zone that no other test has asked.
    const vienna = zoneOf("Europe/Vienna");
    const [first] = vienna.changes(spring - 1, spring);

    expect(first).toBeDefined();
    expect(vienna.changes(spring - 1, spring)[0]).toBe(first);
  });

  it("are none where the clock stays", () => {
    expect(zoneOf("UTC").changes(time("2000-01-01"), time("2040-01-01"))).toEqual([]);
  });

  it.each([
    ["Asia/Singapore", "1981-12-31T16:00:00Z", 7.5 * HOUR, 8 * HOUR],
    ["Africa/Sao_Tome", "2019-01-01T01:00:00Z", HOUR, 0],
    ["Pacific/Apia", "2011-12-30T10:00:00Z", -10 * HOUR, 14 * HOUR],
  ])("are found at the turn of the year, too: %s at %s", (timezone, text, before, after) => {
    const at = time(text);

    expect(zoneOf(timezone).changes(at - HOUR, at + HOUR)).toEqual([{ at, before, after }]);
    expect(zoneOf(timezone).changes(at - 40 * 24 * HOUR, at + 40 * 24 * HOUR)).toEqual([{ at, before, after }]);
  });

  it("lie on the whole minute from which the other offset holds", () => {
    const change = 1_000_000 * MINUTE;
    const offset = (instant: number) => (instant < change ? 0 : HOUR);

    for (const around of [1, MINUTE, MINUTE + 1, HOUR]) {
      expect(changeBetween(change - around, change + around, offset)).toBe(change);
    }
  });
});

describe("a zone that nobody knows", () => {
  it.each([
    ["Asia/Berlin", "; perhaps 'Europe/Berlin'"],
    ["BERLIN", "; perhaps 'Europe/Berlin'"],
    ["Knox", "; perhaps 'America/Indiana/Knox'"],
    ["America/Buenos-Aires", ""],
  ])("'%s' is refused, and told what may have been meant", (timezone, meant) => {
    expect(() => zoneOf(timezone)).toThrow(
      `Invalid time zone '${timezone}': expected a name of the IANA time zone database, such as 'Europe/Berlin' or 'UTC'${meant}.`,
    );
  });

  it("may have a hyphen or a plus in its name, but not before it", () => {
    expect(zoneOf("Etc/GMT+5").offset(0)).toBe(-5 * HOUR);
    expect(zoneOf("Etc/GMT-5").offset(0)).toBe(5 * HOUR);
    expect(() => zoneOf("-05:00")).toThrow("Invalid time zone '-05:00'");
  });
});
