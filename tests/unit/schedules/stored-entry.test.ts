import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Item } from "../../../shared/aws/change.ts";
import { toDefinition } from "../../../shared/schedules/definition.ts";
import { changed, created, dueAfter, erasOf, toEntry, toItem } from "../../../shared/schedules/entry.ts";
import { firingId } from "../../../shared/schedules/name.ts";
import { preview } from "../../../shared/schedules/preview.ts";
import { lastFireTimes } from "../../../shared/schedules/timing.ts";

const NOW = new Date("2026-03-01T00:00:00Z");
const LATER = new Date("2026-03-02T00:00:00Z");

const definition = toDefinition(
  {
    task: "report",
    payload: { id: 1 },
    schedule: "*/10 8-17 * * 1-5",
    timezone: "Europe/Berlin",
    options: { tags: ["a"], expires: 60 },
    start: "2026-01-01T00:00:00Z",
    end: "2027-01-01T00:00:00Z",
    jitter: 5,
    overlap: "skip",
    catchUp: "all",
    catchUpMax: 5,
    keepHistory: 9000,
    skippedTime: "runAfter",
  },
  "UTC",
);
let ids = 0;
const newId = (): string => `id-${ids++}`;
const first = created("nightly", definition, NOW, newId);
const entry = changed(first, { ...definition, schedule: "rate(20 seconds)" }, LATER, newId);
const item: Item = { ...toItem(entry), pk: "schedules#0", sk: "nightly" };
const body: unknown = JSON.parse(String(item.body));

/** Every place in a document. */
function places(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [[...path]];
  return [[...path], ...Object.entries(value).flatMap(([name, one]) => places(one, [...path, name]))];
}

/** A copy with another value at a place; undefined: without it. */
function withValue(value: unknown, [name, ...rest]: readonly string[], given: unknown): unknown {
  if (name === undefined) return given;
  if (typeof value !== "object" || value === null) return value;
  const inner = withValue(Reflect.get(value, name), rest, given);
  if (Array.isArray(value)) return value.with(Number(name), inner);
  return { ...value, [name]: inner };
}

/** All that an engine, a list and a history do with an entry. */
function use(stored: Item): void {
  const found = toEntry(stored);
  for (const { timing, since, until } of erasOf(found, LATER)) lastFireTimes(timing, since, until, 3);
  preview(found.timing, LATER, 2);
  dueAfter(found, LATER, LATER);
  firingId(found, LATER);
  toItem(found);
}

describe("a stored entry", () => {
  it("is read as it was written", () => {
    expect(toEntry(item)).toEqual(entry);
  });

  it("keeps a field of a newer version, and takes one that is absent for its default", () => {
    const newer = withValue(withValue(body, ["definition", "colour"], "red"), ["definition", "options"], undefined);
    const found = toEntry({ ...item, body: JSON.stringify(newer) });
    expect(found.definition).toMatchObject({ colour: "red", options: {}, payload: { id: 1 } });
  });

  it("is refused, or can be used, whatever stands in one of its places", () => {
    const damage = fc.oneof(
      fc.constantFrom<unknown>(undefined, null, "", "x", 0, -1, 1e300, true, false, [], {}, [{}], "9999-99-99"),
      fc.json().map((text): unknown => JSON.parse(text)),
    );
    let refused = 0;
    fc.assert(
      fc.property(fc.constantFrom(...places(body)), damage, (place, value) => {
        const damaged = JSON.stringify(withValue(body, place, value)) ?? "null";
        try {
          toEntry({ ...item, body: damaged });
        } catch {
          refused += 1;
          return;
        }
        use({ ...item, body: damaged });
      }),
      { numRuns: 5000 },
    );
    expect(refused).toBeGreaterThan(1000);
    for (const text of ["", "{", "null", "[]", "1", '"x"']) expect(() => toEntry({ ...item, body: text })).toThrow();
  });
});
