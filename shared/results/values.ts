/** Results and errors as a record keeps them: the value, or where it lies. */

import { randomUUID } from "node:crypto";
import type { Item } from "../aws/change.ts";
import { head } from "../echo.ts";
import { type StoredError, ValueExpiredError } from "../errors.ts";
import { byteLength, type Json, toJsonText } from "../message/json.ts";
import { type LargeValues, loadJson, MAX_INLINE_BYTES, MAX_VALUE_BYTES } from "../message/large-values.ts";
import type { Message } from "../message/message.ts";
import { type StoredRecord, valueRefText } from "./record.ts";

type Part = "payload" | "result" | "error";

const PARTS: readonly Part[] = ["payload", "result", "error"];

/** The change that stores one value in a record: in itself, or as a reference. */
export interface Packed {
  set: Item;
  remove: readonly string[];
}

export interface Values {
  /** Stored at least until `until`. */
  result(message: Pick<Message, "id">, json: string, until: Date): Promise<Packed>;
  error(message: Pick<Message, "id">, error: StoredError, until: Date): Promise<Packed>;
  /** Stores large values again that would be gone before `until`; answers with what changes in the record. */
  renew(record: StoredRecord, until: Date): Promise<Item>;
  /** Fetches a record's large values: of these parts, and of at most `maxBytes`. A value that is gone from S3, or damaged, is said to be. */
  complete(record: StoredRecord, wanted?: { parts?: readonly Part[]; maxBytes?: number }): Promise<StoredRecord>;
}

export function createValues({ largeValues }: { largeValues: LargeValues }): Values {
  const pack = async (
    message: Pick<Message, "id">,
    part: "result" | "error",
    text: string,
    until: Date,
  ): Promise<Packed> => {
    // It is stored before the record is asked whether it may be: so never where another's value lies.
    const name = { id: message.id, part, version: randomUUID() };
    const stored = await largeValues.store(name, text, until);
    return "text" in stored
      ? { set: { [part]: stored.text }, remove: [`${part}Ref`] }
      : { set: { [`${part}Ref`]: valueRefText(stored.ref) }, remove: [part] };
  };
  return {
    result: (message, json, until) => pack(message, "result", json, until),
    error: (message, error, until) => pack(message, "error", errorText(error), until),
    async renew({ id, refs }, until) {
      const renewed = PARTS.map(async (part): Promise<Item> => {
        const ref = refs[part];
        if (ref === undefined) return {};
        try {
          const stored = await largeValues.renew({ id, part, version: randomUUID() }, ref, until);
          return stored === ref ? {} : { [`${part}Ref`]: valueRefText(stored) };
        } catch (error) {
          if (error instanceof ValueExpiredError) return {};
          throw error;
        }
      });
      return Object.assign({}, ...(await Promise.all(renewed)));
    },
    async complete(record, { parts = PARTS, maxBytes = MAX_VALUE_BYTES } = {}) {
      const { large, ...rest } = record;
      const left = { ...large };
      const loaded: Partial<Record<Part, Json>> = {};
      const load = async (part: Part): Promise<void> => {
        const ref = record.refs[part];
        if (ref === undefined || ref.sizeBytes > maxBytes) return;
        try {
          loaded[part] = await loadJson(largeValues, ref);
          delete left[part];
        } catch (error) {
          if (!(error instanceof ValueExpiredError)) throw error;
          left[part] = { sizeBytes: ref.sizeBytes, ...(error.isDamaged ? { damaged: true } : { gone: true }) };
        }
      };
      await Promise.all(parts.map(load));
      return { ...rest, ...(Object.keys(left).length > 0 && { large: left }), ...withoutType(loaded) };
    },
  };
}

/** Values that JSON.parse made of our own text: their types are those with which they were stored. */
function withoutType(values: Partial<Record<Part, Json>>): object {
  return values;
}

/** An error as text; one that is larger than anything Lovage keeps is cut, and says so. */
function errorText(error: StoredError): string {
  const text = toJsonText(error);
  const sizeBytes = byteLength(text);
  if (sizeBytes <= MAX_VALUE_BYTES) return text;
  const note = `… (this error is ${sizeBytes} bytes: at most ${MAX_VALUE_BYTES} bytes are kept)`;
  return toJsonText({ ...error, message: head(error.message, MAX_INLINE_BYTES / 4) + note });
}
