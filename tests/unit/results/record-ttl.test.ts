import { describe, expect, it } from "vitest";
import { neededUntil, UNFINISHED_SECONDS } from "../../../shared/lifetimes.ts";
import { createLifetime } from "../../../shared/results/record-ttl.ts";

const NOW = new Date("2026-05-13T08:00:00.900Z");
const SECOND = Math.floor(NOW.getTime() / 1000);
const YEAR = 365 * 86_400;

const lifetime = (resultExpires: number) => createLifetime({ clock: () => NOW, resultExpires: () => resultExpires });
const keepUntil = (seconds: number) => ({ keepUntil: new Date((SECOND + seconds) * 1000 + 100).toISOString() });

describe("a record", () => {
  it("is shown for the time that results are kept, or longer for the sake of a key", () => {
    expect(lifetime(3600).shown({})).toBe(SECOND + 3600);
    expect(lifetime(3600).shown(keepUntil(7200))).toBe(SECOND + 7201);
    expect(lifetime(3600).shown(keepUntil(60))).toBe(SECOND + 3600);
  });

  it("stays for as long as a copy of its message may be on its way, also where it is shown for less", () => {
    expect(lifetime(3600).final({})).toBe(SECOND + UNFINISHED_SECONDS);
    expect(lifetime(YEAR).final({})).toBe(SECOND + YEAR);
    expect(lifetime(3600).final(keepUntil(YEAR))).toBe(SECOND + YEAR + 1);
  });

  it("of a task that waits stays from its start on, or longer for the sake of a key", () => {
    const eta = new Date(NOW.getTime() + 86_400_000);

    expect(lifetime(60).unfinished({})).toBe(Math.floor(neededUntil(NOW) / 1000));
    expect(lifetime(60).unfinished({}, eta.toISOString())).toBe(Math.floor(neededUntil(NOW, eta) / 1000));
    expect(lifetime(60).unfinished(keepUntil(YEAR), eta.toISOString())).toBe(SECOND + YEAR + 1);
  });
});
