import { expect, it } from "vitest";
import { RecentMessages } from "../../../../localstack/sqs/deduplication.ts";

const FIVE_MINUTES = 300_000;
const sent = (messageId: string, sentAt: number) => ({ messageId, sequenceNumber: undefined, sentAt });

it("a message is a duplicate for five minutes from the first one, whatever came between", () => {
  const recent = new RecentMessages();
  recent.add("d", sent("first", 0), 0);

  const found = [0, FIVE_MINUTES - 1, FIVE_MINUTES].map((now) => recent.find("d", now)?.messageId);

  expect(found).toEqual(["first", "first", undefined]);
});

it("after five minutes the id is free for another message, which holds it as long", () => {
  const recent = new RecentMessages();
  recent.add("d", sent("first", 0), 0);
  recent.add("d", sent("second", FIVE_MINUTES), FIVE_MINUTES);

  expect(recent.find("d", 2 * FIVE_MINUTES - 1)?.messageId).toBe("second");
});

it("however many messages are sent in five minutes, each is remembered", () => {
  const recent = new RecentMessages();
  const keys = Array.from({ length: 20_000 }, (_, index) => String(index));

  for (const [index, key] of keys.entries()) recent.add(key, sent(key, index), index);

  expect(keys.filter((key) => recent.find(key, 20_000) === undefined)).toEqual([]);
});
