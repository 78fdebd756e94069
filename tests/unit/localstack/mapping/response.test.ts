import { describe, expect, it } from "vitest";
import { readBatchResponse } from "../../../../localstack/mapping/response.ts";

const BATCH = ["id-1", "id-2", "id-3"];

describe("An answer that AWS reads as complete success deletes the whole batch", () => {
  it.each([
    ["an empty list", '{"batchItemFailures":[]}'],
    ["a null list", '{"batchItemFailures":null}'],
    ["an empty object", "{}"],
    ["null", "null"],
    ["an object of other keys only", '{"statusCode":200}'],
  ])("%s", (_shape, payload) => {
    const verdict = readBatchResponse(payload, BATCH);

    expect(verdict).toEqual({ kind: "delete", messageIds: BATCH });
  });
});

describe("An answer that AWS reads as complete failure deletes nothing", () => {
  it.each([
    ["no JSON", "oops", "not JSON"],
    ["an empty text", "", "not JSON"],
    ["an empty itemIdentifier", '{"batchItemFailures":[{"itemIdentifier":""}]}', "itemIdentifier"],
    ["a null itemIdentifier", '{"batchItemFailures":[{"itemIdentifier":null}]}', "itemIdentifier"],
    ["a wrong key name in an entry", '{"batchItemFailures":[{"messageId":"id-1"}]}', "itemIdentifier"],
    ["an unknown message id", '{"batchItemFailures":[{"itemIdentifier":"id-9"}]}', "'id-9' is not a messageId"],
    [
      "one unknown id among known ones",
      '{"batchItemFailures":[{"itemIdentifier":"id-1"},{"itemIdentifier":"x"}]}',
      "'x'",
    ],
    ["a number as itemIdentifier", '{"batchItemFailures":[{"itemIdentifier":1}]}', "itemIdentifier"],
    ["plain ids as entries", '{"batchItemFailures":["id-1"]}', "itemIdentifier"],
    ["a null entry", '{"batchItemFailures":[null]}', "itemIdentifier"],
    ["an object where the list belongs", '{"batchItemFailures":{"itemIdentifier":"id-1"}}', "expected a list"],
    ["a text where the list belongs", '{"batchItemFailures":"id-1"}', "expected a list"],
    ["a text", '"ok"', "expected an object or null"],
    ["a number", "200", "expected an object or null"],
    ["a list of ids", '["id-1"]', "expected an object or null"],
  ])("%s", (_shape, payload, reason) => {
    const verdict = readBatchResponse(payload, BATCH);

    expect(verdict).toEqual({ kind: "keep-all", reason: expect.stringContaining(reason) });
  });
});

it("listed messages stay and all others are deleted", () => {
  const payload = '{"batchItemFailures":[{"itemIdentifier":"id-2"},{"itemIdentifier":"id-2"}]}';

  const verdict = readBatchResponse(payload, BATCH);

  expect(verdict).toEqual({ kind: "delete", messageIds: ["id-1", "id-3"] });
});

it("a batch of which every message is listed deletes nothing and is no malformed answer", () => {
  const failures = BATCH.map((itemIdentifier) => ({ itemIdentifier }));

  const verdict = readBatchResponse(JSON.stringify({ batchItemFailures: failures }), BATCH);

  expect(verdict).toEqual({ kind: "delete", messageIds: [] });
});
