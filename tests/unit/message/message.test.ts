import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvalidMessageError } from "../../../shared/errors.ts";
import { decodeMessage, encodeMessage } from "../../../shared/message/encoding.ts";
import { derivedId, idTime, isId, newId } from "../../../shared/message/id.ts";
import type { Message } from "../../../shared/message/message.ts";

const message: Message = {
  v: 1,
  id: newId(),
  task: "add",
  attempt: 1,
  payload: { x: 1, y: [null, true, "é\u0000😀"] },
  queue: "default",
  sentAt: "2026-11-22T08:00:00.000Z",
  rootId: newId(),
};

describe("the envelope", () => {
  it("comes back as it was sent, with and without its optional fields", () => {
    const full: Message = {
      ...message,
      eta: "2026-11-22T08:00:05.000Z",
      expires: "2026-11-22T09:00:00.000Z",
      parentId: newId(),
      replayOf: newId(),
      suspect: true,
    };

    expect(decodeMessage(encodeMessage(message))).toEqual(message);
    expect(decodeMessage(encodeMessage(full))).toEqual(full);
  });

  it("keeps the times of other writers in UTC, in the form that records and timers compare", () => {
    const foreign = { ...message, sentAt: "2026-11-22T08:00:00.123456+00:00", eta: "2026-11-22T13:45:00+05:45" };

    expect(decodeMessage(JSON.stringify(foreign))).toMatchObject({
      sentAt: "2026-11-22T08:00:00.123Z",
      eta: "2026-11-22T08:00:00.000Z",
    });
  });

  it.each([
    [JSON.stringify({ ...message, eta: "1Z" }), "its field 'eta' is '1Z', expected an ISO-8601 time with its zone"],
    [JSON.stringify({ ...message, sentAt: "2026-11-22T08:00:00" }), "its field 'sentAt'"],
    [JSON.stringify({ ...message, expires: "2026-11-31T08:00:00Z" }), "its field 'expires'"],
    [JSON.stringify({ ...message, keepUntil: "+010000-01-01T00:00:00.000Z" }), "its field 'keepUntil'"],
    [JSON.stringify({ ...message, tags: ["\ud800"] }), "its field 'tags'"],
    [JSON.stringify({ ...message, concurrencyKey: "\ud800" }), "its field 'concurrencyKey'"],
    [JSON.stringify({ ...message, debounce: { key: "\ud800", burst: newId() } }), "its field 'debounce'"],
    ["", "its body of 0 bytes is not JSON"],
    ["hello", "is not JSON"],
    ["[1]", "is JSON but not an object"],
    ["null", "is JSON but not an object"],
    ["{}", "its version is missing, this worker reads version 1"],
    ['{"v":2}', "Message of version 2 cannot be read here"],
    [JSON.stringify({ ...message, id: "7" }), "its field 'id' is '7', expected a UUID"],
    [JSON.stringify({ ...message, task: 5 }), "its field 'task' is 5, expected text"],
    [JSON.stringify({ ...message, attempt: 0 }), "its field 'attempt' is 0, expected 1 or more"],
    [JSON.stringify({ ...message, attempt: "1" }), "its field 'attempt'"],
    [JSON.stringify({ ...message, payload: undefined }), "its field 'payload' is missing"],
    [JSON.stringify({ ...message, sentAt: "yesterday" }), "its field 'sentAt'"],
    [JSON.stringify({ ...message, eta: 7 }), "its field 'eta'"],
    [JSON.stringify({ ...message, rootId: null }), "its field 'rootId'"],
  ])("refuses %j and says why", (body, reason) => {
    expect(() => decodeMessage(body)).toThrow(reason);
  });

  it("refuses any other text with an InvalidMessageError and nothing else", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
        expect(() => decodeMessage(body)).toThrow(InvalidMessageError);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("ids", () => {
  it("carry their time, whether new or derived", () => {
    const before = Date.now();

    expect(idTime(newId())?.getTime()).toBeGreaterThanOrEqual(before - 1);
    expect(idTime(derivedId(new Date(1_700_000_000_123), "a"))?.getTime()).toBe(1_700_000_000_123);
    expect(idTime("8c2f6ab0-6d9f-4c0e-9d4b-1f2a3b4c5d6e")).toBeUndefined();
  });

  it("are the same for the same cause and differ for any other", () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date(0), max: new Date("9999-01-01"), noInvalidDate: true }),
        fc.string(),
        fc.string(),
        (time, a, b) => {
          expect(isId(derivedId(time, a))).toBe(true);
          expect(derivedId(time, a) === derivedId(time, b)).toBe(a === b);
        },
      ),
    );
  });
});
