/** What a record keeps of results and errors: the value, or where it lies. */

import { randomUUID } from "node:crypto";
import type { Item } from "../aws/dynamodb.ts";
import type { ErrorRecord } from "../errors.ts";
import { type ClaimChecks, MAX_INLINE_BYTES, MAX_VALUE_BYTES } from "../message/claim-check.ts";
import { byteLength, parseJson, toJsonText } from "../message/json.ts";
import type { Message } from "../message/message.ts";
import { type StoredRecord, valueRefText } from "./record.ts";

/** What stores one value in a record: in itself, or as a reference. */
export interface Packed {
  set: string;
  remove: string;
  values: Item;
}

export interface Values {
  result(message: Message, json: string): Promise<Packed>;
  error(message: Message, error: ErrorRecord): Promise<Packed>;
  /** Fetches a record's large values, those of at most `maxBytes`. */
  complete(record: StoredRecord, maxBytes?: number): Promise<StoredRecord>;
}

export function createValues(options: { claimChecks: ClaimChecks; keptUntil: (message: Message) => Date }): Values {
  const { claimChecks, keptUntil } = options;
  const pack = async (message: Message, part: "result" | "error", text: string): Promise<Packed> => {
    // It is stored before the record is asked whether it may be: so never where another's value lies.
    const name = { id: message.id, part, version: randomUUID() };
    const stored = await claimChecks.store(name, text, keptUntil(message));
    return "text" in stored
      ? { set: `@${part} = :${part}`, remove: `@${part}Ref`, values: { [part]: stored.text } }
      : { set: `@${part}Ref = :${part}`, remove: `@${part}`, values: { [part]: valueRefText(stored.ref) } };
  };
  return {
    result: (message, json) => pack(message, "result", json),
    error: (message, error) => pack(message, "error", errorText(error)),
    async complete(record, maxBytes = MAX_VALUE_BYTES) {
      const { refs, large, ...rest } = record;
      const wanted = Object.entries(refs).filter(([, ref]) => ref.sizeBytes <= maxBytes);
      const loaded = await Promise.all(
        wanted.map(async ([part, ref]) => [part, parseJson(await claimChecks.load(ref))] as const),
      );
      const left = Object.entries(large ?? {}).filter(([part]) => !wanted.some(([one]) => one === part));
      return {
        ...rest,
        refs,
        ...(left.length > 0 && { large: Object.fromEntries(left) }),
        ...Object.fromEntries(loaded),
      };
    },
  };
}

/** An error as text; one that is larger than anything Lovage keeps is cut, and says so. */
function errorText(error: ErrorRecord): string {
  const text = toJsonText(error);
  const sizeBytes = byteLength(text);
  if (sizeBytes <= MAX_VALUE_BYTES) return text;
  const note = `… (this error is ${sizeBytes} bytes: at most ${MAX_VALUE_BYTES} bytes are kept)`;
  return toJsonText({ ...error, message: error.message.slice(0, MAX_INLINE_BYTES / 4) + note });
}
