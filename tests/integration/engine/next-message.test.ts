import { describe, expect, it } from "vitest";
import * as z from "zod";
import { task } from "../../../shared/index.ts";
import { decodeMessage, encodeMessage } from "../../../shared/message/encoding.ts";
import type { Message } from "../../../shared/message/message.ts";
import { startVirtualBench } from "../../helpers/virtual-bench.ts";

const fails = task({
  name: "fails",
  payload: z.object({}),
  retry: { maxRetries: 1, backoff: { base: 10, jitter: false } },
  run: () => {
    throw new Error("fails");
  },
});
const tasks = { fails };

const { engine, bench, queues } = startVirtualBench(tasks);

const inSeconds = (seconds: number) => new Date(engine.clock.now.getTime() + seconds * 1000);

/** Kept for every attempt: what the caller and the task have said. */
const said = (): Partial<Message> => ({
  tags: ["a"],
  headers: { by: "ada" },
  messageGroupId: "tenant",
  concurrencyKey: "tenant",
  timeLimit: 5,
  softTimeLimit: 4,
  keepUntil: inSeconds(86_400).toISOString(),
  parentId: engine.app.newId(),
});
/** Marks of one attempt's way, which say nothing of the next. */
const onItsWay = (): Partial<Message> => ({
  slot: { at: inSeconds(-5).toISOString(), rateLimit: "1/s" },
  deferrals: 7,
  suspect: true,
  seen: 3,
  refreshedAt: inSeconds(-60).toISOString(),
});
const messageOf = (more: Partial<Message>): Message => {
  const id = engine.app.newId();
  const sentAt = engine.clock.now.toISOString();
  return { v: 1, id, task: "fails", attempt: 1, payload: {}, queue: "default", sentAt, rootId: id, ...more };
};

describe("the message of a next attempt", () => {
  it("says what the caller said, and nothing of what the one before has met on its way", async () => {
    const kept = said();
    const message = messageOf({ ...kept, ...onItsWay() });
    queues.put("default", encodeMessage(message));
    await queues.deliver();

    const [next] = queues.waiting.map(({ body }) => decodeMessage(body));
    expect(next).toMatchObject({ ...kept, id: message.id, attempt: 2 });
    for (const name of Object.keys(onItsWay())) expect(Object.keys(next ?? {}), name).not.toContain(name);
  });

  it("is the same if it is sent by the delivery after a crash", async () => {
    const message = messageOf({ ...said(), ...onItsWay() });
    const body = encodeMessage(message);
    queues.put("default", body);
    await queues.deliver();
    const [first] = queues.waiting.map(({ body }) => decodeMessage(body));
    queues.clear();
    queues.put("default", body);
    await queues.deliver();

    expect(queues.waiting.map(({ body }) => decodeMessage(body))).toEqual([first]);
  });

  it("of a replay is a new task's first: no time and no key of the old call, nothing of its way", async () => {
    const message = messageOf({ ...said(), ...onItsWay(), attempt: 2, expires: inSeconds(60).toISOString() });
    queues.put("default", encodeMessage(message));
    await queues.deliver();
    const { status } = await bench.call("POST", `/tasks/${message.id}/replay`);
    expect(status).toBe(202);

    const [again] = queues.waiting.map(({ body }) => decodeMessage(body));
    expect(again).toMatchObject({ attempt: 1, replayOf: message.id, tags: ["a"], headers: { by: "ada" } });
    const gone = ["expires", "keepUntil", "concurrencyKey", "eta", "debounce", ...Object.keys(onItsWay())];
    for (const name of gone) expect(Object.keys(again ?? {}), name).not.toContain(name);
  });
});
