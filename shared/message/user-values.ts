/** Values that users hand to Lovage to be kept, as JSON text: each kind with its limit, and the error for a value that cannot be kept. */

import {
  InvalidOnceResultError,
  InvalidOptionError,
  InvalidPayloadError,
  InvalidResultError,
  PayloadTooLargeError,
  ResultTooLargeError,
} from "../errors.ts";
import { byteLength, toJsonText, unfitText } from "./json.ts";
import { MAX_VALUE_BYTES } from "./large-values.ts";

/** Of a result of `ctx.once`, which lies in an item of the table. */
const MAX_ONCE_BYTES = 128 * 1024;

/** Of `ctx.progress`, which lies in the record and is written with each of its changes. */
const MAX_PROGRESS_BYTES = 16 * 1024;

/** @throws InvalidPayloadError with the place of what is no JSON, PayloadTooLargeError */
export function payloadText(task: string, payload: unknown): string {
  const text = toJsonText(payload, ({ reason, path }) => new InvalidPayloadError(task, [{ message: reason, path }]));
  const sizeBytes = byteLength(text);
  if (sizeBytes > MAX_VALUE_BYTES) throw new PayloadTooLargeError(task, sizeBytes, MAX_VALUE_BYTES);
  return text;
}

/** @throws InvalidResultError with the place of what is no JSON, ResultTooLargeError */
export function resultText(task: string, result: unknown): string {
  const text = toJsonText(result, (unfit) => new InvalidResultError(task, unfitText(unfit)));
  const sizeBytes = byteLength(text);
  if (sizeBytes > MAX_VALUE_BYTES) throw new ResultTooLargeError(task, sizeBytes, MAX_VALUE_BYTES);
  return text;
}

/** @throws InvalidOnceResultError */
export function onceResultText(task: string, key: string, result: unknown): string {
  const text = toJsonText(result, (unfit) => new InvalidOnceResultError(task, key, unfitText(unfit)));
  const sizeBytes = byteLength(text);
  if (sizeBytes <= MAX_ONCE_BYTES) return text;
  throw new InvalidOnceResultError(task, key, `it is ${sizeBytes} bytes, and at most ${MAX_ONCE_BYTES} are accepted`);
}

/** @throws InvalidOptionError */
export function progressText(meta: unknown): string {
  const text = toJsonText(meta, (unfit) => new InvalidOptionError("progress", meta, `JSON, but ${unfitText(unfit)}`));
  const sizeBytes = byteLength(text);
  if (sizeBytes <= MAX_PROGRESS_BYTES) return text;
  throw new InvalidOptionError("progress", `${sizeBytes} bytes`, `at most ${MAX_PROGRESS_BYTES} bytes of JSON`);
}
