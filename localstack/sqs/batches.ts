/** Batches: what refuses them whole, and what refuses one entry of them. */

import { type JsonObject, objectsOf } from "../json.ts";
import { invalid, missing, type SqsRefusal } from "./errors.ts";
import type { Queue } from "./fauxqs.ts";
import { bytesOf, refuseFifoIds } from "./messages.ts";

export interface BatchRules {
  /** Beside the id, the parameter that no entry may lack. */
  readonly required: string;
  /** Why SQS would refuse one entry, which then fails while the others succeed. */
  readonly refuseOne: (entry: JsonObject, queue: Queue) => SqsRefusal | undefined;
}

/** An entry of a batch that fails while the others succeed. */
export interface FailedEntry {
  readonly Id: unknown;
  readonly SenderFault: boolean;
  readonly Code: string;
  readonly Message: string;
}

const MAX_ENTRIES = 10;
const MAX_BYTES = 1_048_576;
const ENTRY_ID = /^[\w-]{1,80}$/;

export function refuseBatch(
  action: string,
  request: JsonObject,
  queue: Queue,
  { required }: BatchRules,
): SqsRefusal | undefined {
  const entries = objectsOf(request.Entries);
  if (entries.length === 0) {
    const message = `There should be at least one ${action}RequestEntry in the request.`;
    return { code: "EmptyBatchRequest", message };
  }
  if (entries.length > MAX_ENTRIES) {
    const message = `Maximum number of entries per request are ${MAX_ENTRIES}. You have sent ${entries.length}.`;
    return { code: "TooManyEntriesInBatchRequest", message };
  }
  const refusal = refuseEntryIds(entries);
  if (refusal !== undefined) return refusal;
  if (entries.some((entry) => (entry[required] ?? "") === "")) return missing(required);
  return action === "SendMessageBatch" ? refuseMessages(entries, queue) : undefined;
}

/** Takes the entries out of a batch that SQS would refuse one by one. */
export function takeRefusedEntries(request: JsonObject, queue: Queue, { refuseOne }: BatchRules): FailedEntry[] {
  const failed: FailedEntry[] = [];
  request.Entries = objectsOf(request.Entries).filter((entry) => {
    const refusal = refuseOne(entry, queue);
    if (refusal === undefined) return true;
    failed.push({ Id: entry.Id, SenderFault: true, Code: refusal.code, Message: refusal.message });
    return false;
  });
  return failed;
}

function refuseEntryIds(entries: readonly JsonObject[]): SqsRefusal | undefined {
  const ids = new Set<unknown>();
  for (const { Id: id } of entries) {
    if (typeof id !== "string" || !ENTRY_ID.test(id)) {
      return {
        code: "InvalidBatchEntryId",
        message:
          "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
      };
    }
    if (ids.has(id)) return { code: "BatchEntryIdsNotDistinct", message: `Id ${id} repeated.` };
    ids.add(id);
  }
  return undefined;
}

/** One entry without a group or a deduplication id, and too many bytes, refuse the whole batch. */
function refuseMessages(entries: readonly JsonObject[], queue: Queue): SqsRefusal | undefined {
  const refusal = entries.map((entry) => refuseFifoIds(entry, queue)).find((one) => one !== undefined);
  if (refusal !== undefined) return invalid(refusal.message);
  const bytes = entries.reduce((sum, entry) => sum + bytesOf(entry), 0);
  if (bytes <= MAX_BYTES) return undefined;
  return {
    code: "BatchRequestTooLong",
    message: `Batch requests cannot be longer than ${MAX_BYTES} bytes. You have sent ${bytes} bytes.`,
  };
}
