import { echo } from "../echo.ts";
import { InvalidMessageError, NewerMessageError } from "../errors.ts";
import { optionalFields, readOtherFields, requiredFields } from "./fields.ts";
import { byteLength, type Json, unfitText } from "./json.ts";
import { readJson } from "./json-reader.ts";
import type { Message } from "./message.ts";

/**
 * The message as the body of an SQS message. JSON already escapes what SQS refuses, but for two characters.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
 */
export function encodeMessage(message: Message | NewerMessageError["fields"]): string {
  return JSON.stringify(message).replaceAll(
    /[\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16)}`,
  );
}

/**
 * Reads a body back.
 * @throws NewerMessageError for one of a newer version of Lovage
 * @throws InvalidMessageError if Lovage did not write it: not JSON, another version, a field missing or of a wrong type, a number that
 * JavaScript cannot hold, more than 1,000 levels.
 */
export function decodeMessage(body: string): Message {
  let value: Json;
  try {
    value = readJson(body, (unfit) => new InvalidMessageError(unfitText(unfit)));
  } catch (error) {
    if (error instanceof InvalidMessageError) throw error;
    throw new InvalidMessageError(`its body of ${byteLength(body)} bytes is not JSON`);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new InvalidMessageError("its body is JSON but not an object");
  }
  if (typeof value.v === "number" && Number.isSafeInteger(value.v) && value.v > 1) {
    throw new NewerMessageError(value.v, value);
  }
  if (value.v !== 1) {
    const version = value.v === undefined ? "missing" : echo(value.v);
    throw new InvalidMessageError(`its version is ${version}, this worker reads version 1`);
  }
  const message = { ...readOtherFields(value), ...requiredFields(value), ...optionalFields(value) };
  // A program that may write to the queue must not read another task's payload by it.
  const { id, payloadRef } = message;
  if (payloadRef && !payloadRef.key.includes(`/${id}/payload-`)) {
    throw new InvalidMessageError(`its field 'payloadRef' is '${payloadRef.key}', expected a payload of task ${id}`);
  }
  return message;
}
