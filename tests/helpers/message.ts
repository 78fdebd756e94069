import type { Message } from "../../shared/message/message.ts";

const id = "019aaaaa-0000-7000-8000-000000000000";

/** A message of the task `t`, at its first attempt. */
export function aMessage(more: Partial<Message> = {}): Message {
  return {
    v: 1,
    id,
    task: "t",
    attempt: 1,
    payload: null,
    queue: "default",
    sentAt: "2026-05-13T08:00:00.000Z",
    rootId: id,
    ...more,
  };
}
