/**
 * The meaning of a function's answer for its batch. Pure.
 *
 * The rules are https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting;
 * what they leave open is read as failure, because a message kept too long is delivered again and a message deleted is lost.
 */

import { isObject } from "../json.ts";

/** Delete these messages, or none of them. */
export type BatchVerdict =
  | { readonly kind: "delete"; readonly messageIds: readonly string[] }
  | { readonly kind: "keep-all"; readonly reason: string };

const keepAll = (reason: string): BatchVerdict => ({ kind: "keep-all", reason });
const quote = (value: unknown): string => `'${JSON.stringify(value)?.slice(0, 100)}'`;

function parse(payload: string): { value: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(payload);
    return { value };
  } catch {
    return undefined;
  }
}

/** Reads the answer of a function whose mapping has `ReportBatchItemFailures`. Without that, any answer deletes the whole batch. */
export function readBatchResponse(payload: string, messageIds: readonly string[]): BatchVerdict {
  const response = parse(payload);
  if (response === undefined) return keepAll("the response is not JSON");
  const everything: BatchVerdict = { kind: "delete", messageIds };
  if (response.value === null) return everything;
  if (!isObject(response.value)) return keepAll(`the response is ${quote(response.value)}: expected an object or null`);

  // An object without the key is AWS's "empty EventResponse", whatever else it holds.
  const failures = response.value.batchItemFailures;
  if (failures === undefined || failures === null) return everything;
  if (!Array.isArray(failures)) return keepAll(`batchItemFailures is ${quote(failures)}: expected a list`);

  const known = new Set(messageIds);
  const failed = new Set<string>();
  for (const entry of failures) {
    const id = isObject(entry) ? entry.itemIdentifier : undefined;
    if (typeof id !== "string" || id === "")
      return keepAll(`an entry is ${quote(entry)}: expected a non-empty itemIdentifier`);
    if (!known.has(id)) return keepAll(`itemIdentifier '${id}' is not a messageId of the batch`);
    failed.add(id);
  }
  return { kind: "delete", messageIds: messageIds.filter((id) => !failed.has(id)) };
}
