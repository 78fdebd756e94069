import { describe, expect, it } from "vitest";
import { contentHashOf, isSameContent } from "../../../shared/results/content.ts";
import { type StoredRecord, toRecord } from "../../../shared/results/record.ts";

const PAYLOAD = { x: 4, y: 6 };
const HASH = contentHashOf("add", PAYLOAD);

const record = (more: Partial<StoredRecord> = {}): StoredRecord => ({
  ...toRecord({
    sk: "0198c0de-1234-7abc-8def-0123456789ab",
    state: "PENDING",
    task: "add",
    payload: JSON.stringify(PAYLOAD),
  }),
  ...more,
});

describe("the hash of a task's content", () => {
  it("has 128 bits, of its name and its payload in whatever order the fields stand", () => {
    expect(HASH).toMatch(/^[0-9a-f]{32}$/);
    expect(contentHashOf("add", { y: 6, x: 4 })).toBe(HASH);
    expect(contentHashOf("sum", PAYLOAD)).not.toBe(HASH);
    expect(contentHashOf("add", { x: 4, y: 7 })).not.toBe(HASH);
  });
});

describe("a message", () => {
  it("without a caller's id is of the record that has its id", () => {
    expect(isSameContent({}, record({ contentHash: "other" }))).toBe(true);
  });

  it("with one is of a record with the same hash, and of no other", () => {
    expect(isSameContent({ contentHash: HASH }, record({ contentHash: HASH }))).toBe(true);
    expect(isSameContent({ contentHash: HASH }, record({ contentHash: "other" }))).toBe(false);
  });

  it("is known by name and payload where an older version has written the record", () => {
    expect(isSameContent({ contentHash: HASH }, record())).toBe(true);
    expect(isSameContent({ contentHash: HASH }, record({ payload: { x: 5 } }))).toBe(false);
    expect(isSameContent({ contentHash: HASH }, record({ task: "sum" }))).toBe(false);
  });

  it("is known by the object of a large payload, whose name ends with the hash", () => {
    const large = (key: string) =>
      record({ payload: null, refs: { payload: { key, sizeBytes: 1, until: "2026-05-14T08:00:00.000Z" } } });
    expect(isSameContent({ contentHash: HASH }, large(`values/id/payload-${HASH}`))).toBe(true);
    expect(isSameContent({ contentHash: HASH }, large(`values/id/payload-other`))).toBe(false);
  });
});
