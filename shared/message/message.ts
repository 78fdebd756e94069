import { InvalidMessageError } from "../errors.ts";
import { isId } from "./id.ts";
import { byteLength, type Json, parseJson } from "./json.ts";

/**
 * Largest payload and result in bytes of JSON: one record holds both, and a DynamoDB item ends at 400 KB
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html).
 */
export const MAX_PAYLOAD_BYTES = 200 * 1_024;
export const MAX_RESULT_BYTES = 128 * 1_024;

/**
 * The SQS message that asks for one attempt of one task: envelope version 1.
 * Times are ISO-8601 in UTC. The page docs/protocol.md describes it for other writers.
 */
export interface Message {
  v: 1;
  id: string;
  task: string;
  /** 1 for the first run; each retry sends a new message with the next number. */
  attempt: number;
  payload: Json;
  queue: string;
  sentAt: string;
  /** Not to be started before. */
  eta?: string;
  /** Not to be started after. */
  expires?: string;
  /** The task at the top of the tree that this one belongs to; its own id for a task sent from outside. */
  rootId: string;
  /** The task whose run sent this one. */
  parentId?: string;
  groupId?: string;
  /** The task whose payload this one runs again. */
  replayOf?: string;
  /** Run it alone: its worker died before, and perhaps because of it. */
  suspect?: true;
}

/**
 * The message as the body of an SQS message. JSON already escapes what SQS refuses, but for two characters.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
 */
export function encodeMessage(message: Message): string {
  return JSON.stringify(message).replaceAll(
    /[\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16)}`,
  );
}

/**
 * Reads a body back.
 * @throws InvalidMessageError if Lovage did not write it: not JSON, another version, a field missing or of a wrong type.
 */
export function decodeMessage(body: string): Message {
  let value: Json;
  try {
    value = parseJson(body);
  } catch {
    throw new InvalidMessageError(`its body of ${byteLength(body)} bytes is not JSON`);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new InvalidMessageError("its body is JSON but not an object");
  }
  if (value.v !== 1) {
    throw new InvalidMessageError(
      `its version is ${JSON.stringify(value.v) ?? "missing"}, this worker reads version 1`,
    );
  }
  const fail = (field: string, expected: string): never => {
    const found = Object.hasOwn(value, field) ? JSON.stringify(value[field])?.slice(0, 80) : "missing";
    throw new InvalidMessageError(`its field '${field}' is ${found}, expected ${expected}`);
  };
  const string = (field: string): string => {
    const found = value[field];
    return typeof found === "string" && found !== "" ? found : fail(field, "text");
  };
  const time = (field: string): string => {
    const found = string(field);
    return Number.isNaN(Date.parse(found)) ? fail(field, "an ISO-8601 time") : found;
  };
  const id = (field: string): string => {
    const found = string(field);
    return isId(found) ? found : fail(field, "a UUID");
  };
  const attempt = value.attempt;
  const payload = value.payload;

  return {
    v: 1,
    id: id("id"),
    task: string("task"),
    attempt: Number.isSafeInteger(attempt) && Number(attempt) >= 1 ? Number(attempt) : fail("attempt", "1 or more"),
    payload: payload === undefined ? fail("payload", "a JSON value") : payload,
    queue: string("queue"),
    sentAt: time("sentAt"),
    rootId: id("rootId"),
    ...(value.eta !== undefined && { eta: time("eta") }),
    ...(value.expires !== undefined && { expires: time("expires") }),
    ...(value.parentId !== undefined && { parentId: id("parentId") }),
    ...(value.groupId !== undefined && { groupId: id("groupId") }),
    ...(value.replayOf !== undefined && { replayOf: id("replayOf") }),
    ...(value.suspect === true && { suspect: true }),
  };
}
