import type { Item } from "../aws/change.ts";
import { otherFields } from "../message/fields.ts";
import { toJsonText } from "../message/json.ts";
import type { Message } from "../message/message.ts";
import { valueRefText } from "./record.ts";

const AS_THEY_ARE = [
  "task",
  "queue",
  "rootId",
  "expires",
  "parentId",
  "replayOf",
  "messageGroupId",
  "contentHash",
] as const;

/** Attributes that a record has from its message. They are set once, by whoever comes first: the sender, or a worker that was faster. */
export function birth(message: Message): Item {
  const others = otherFields(message);
  const { payload, payloadRef, payloadVersion, tags, headers, schedule, workflow } = message;
  return {
    ...Object.fromEntries(AS_THEY_ARE.map((name) => [name, message[name]])),
    createdAt: message.sentAt,
    // Each claim adds to it, and no statement adds to what is not there.
    fence: 0,
    ...(payloadRef === undefined ? { payload: toJsonText(payload) } : { payloadRef: valueRefText(payloadRef) }),
    ...(payloadVersion !== undefined && { payloadVersion }),
    ...(Object.keys(others).length > 0 && { others: toJsonText(others) }),
    ...(tags !== undefined && { tags: toJsonText(tags) }),
    ...(headers !== undefined && { headers: toJsonText(headers) }),
    ...(workflow !== undefined &&
      workflow.callback === undefined && {
        workflow: toJsonText({ id: workflow.id, place: workflow.place, input: workflow.input }),
      }),
    ...(schedule !== undefined && { schedule: toJsonText({ ...schedule, edition: undefined }) }),
  };
}
