import type { Item } from "../aws/dynamodb.ts";
import { toJsonText } from "../message/json.ts";
import type { Message } from "../message/message.ts";
import { valueRefText } from "./record.ts";

const AS_THEY_ARE = ["task", "queue", "rootId", "expires", "parentId", "replayOf", "messageGroupId"] as const;

/** What a record has from its message. It is written once, by whoever comes first: the sender, or a worker that was faster. */
export function birth(message: Message): { set: string[]; values: Item } {
  const { payload, payloadRef, tags, headers } = message;
  const values: Item = {
    ...Object.fromEntries(AS_THEY_ARE.flatMap((name) => (message[name] === undefined ? [] : [[name, message[name]]]))),
    createdAt: message.sentAt,
    ...(payloadRef === undefined ? { payload: toJsonText(payload) } : { payloadRef: valueRefText(payloadRef) }),
    ...(tags !== undefined && { tags: toJsonText(tags) }),
    ...(headers !== undefined && { headers: toJsonText(headers) }),
  };
  return { set: Object.keys(values).map((name) => `@${name} = if_not_exists(@${name}, :${name})`), values };
}
