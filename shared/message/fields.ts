import { echo } from "../echo.ts";
import { InvalidMessageError } from "../errors.ts";
import { isId } from "./id.ts";
import { byteLength, type Json } from "./json.ts";
import { isKey, isMessageGroupId, isTag, MAX_MESSAGE_TAGS, MESSAGE_GROUP_ID_EXPECTED } from "./labels.ts";
import { isValueKey, type ValueRef } from "./large-values.ts";
import type { Message, ScheduleMark, WorkflowMark } from "./message.ts";
import { isPayloadVersion, PAYLOAD_VERSION_EXPECTED } from "./payload-version.ts";
import { readTime } from "./time.ts";

type Fields = { [field: string]: Json };
type Read<T> = (value: Json | undefined) => T | undefined;

/** @throws InvalidMessageError naming the first field that is missing or of a wrong kind */
export function requiredFields(fields: Fields): Pick<Message, Required> {
  const need = <T>(field: string, read: Read<T>, expected: string): T =>
    readField(fields, field, read) ?? refuse(fields, field, expected);
  return {
    v: 1,
    id: need("id", id, "a UUID"),
    task: need("task", text, NAME_EXPECTED),
    attempt: need("attempt", positive, "1 or more"),
    payload: fields.payload === undefined ? refuse(fields, "payload", "a JSON value") : fields.payload,
    queue: need("queue", text, NAME_EXPECTED),
    sentAt: need("sentAt", time, "an ISO-8601 time with its zone"),
    rootId: need("rootId", id, "a UUID"),
  };
}

type Required = "v" | "id" | "task" | "attempt" | "payload" | "queue" | "sentAt" | "rootId";

/** Every field that may be absent: how it is read, and what is expected. */
const OPTIONAL: { [K in keyof Omit<Message, Required>]-?: [Read<Exclude<Message[K], undefined>>, string] } = {
  payloadRef: [valueRef, "the key, sizeBytes and until of this task's stored payload"],
  payloadVersion: [payloadVersion, PAYLOAD_VERSION_EXPECTED],
  eta: [time, "an ISO-8601 time with its zone"],
  expires: [time, "an ISO-8601 time with its zone"],
  parentId: [id, "a UUID"],
  replayOf: [id, "a UUID"],
  tags: [tags, "a list of short texts"],
  headers: [headers, "a small object of texts"],
  schedule: [schedule, "the name of an entry, and a fire time"],
  workflow: [workflow, "the id of a workflow and a place in it"],
  messageGroupId: [messageGroupId, MESSAGE_GROUP_ID_EXPECTED],
  concurrencyKey: [key, "text of up to 256 characters"],
  refreshedAt: [time, "an ISO-8601 time with its zone"],
  debounce: [debounce, "a key and a burst"],
  timeLimit: [seconds, "seconds above 0"],
  softTimeLimit: [seconds, "seconds above 0"],
  ignoreResult: [yes, "true"],
  trackStarted: [no, "false"],
  contentHash: [contentHash, "32 hexadecimal digits"],
  keepUntil: [time, "an ISO-8601 time with its zone"],
  slot: [slot, "a time and a rate limit"],
  deferrals: [positive, "1 or more"],
  seen: [positive, "1 or more"],
  suspect: [yes, "true"],
  crowded: [positive, "1 or more"],
  rescues: [positive, "1 or more"],
  crashed: [positive, "1 or more"],
  newerSince: [time, "an ISO-8601 time with its zone"],
};

const REQUIRED: readonly Required[] = ["v", "id", "task", "attempt", "payload", "queue", "sentAt", "rootId"];

/** In bytes, of all fields of one message that this version does not know: they travel with it, and lie in its timer and its record. */
const MAX_OTHERS_BYTES = 262_144;

/** The fields of a message that this version does not know. A newer one has written them: they are kept wherever the message is sent again. */
export function otherFields(message: object): Fields {
  return others(message, [...REQUIRED, ...Object.keys(OPTIONAL)]);
}

/** The same, of a message that is read. @throws InvalidMessageError for more than a timer or a record holds */
export function readOtherFields(fields: Fields): object {
  const found = otherFields(fields);
  const bytes = Object.keys(found).length === 0 ? 0 : byteLength(JSON.stringify(found));
  if (bytes <= MAX_OTHERS_BYTES) return found;
  throw new InvalidMessageError(
    `its fields that this version does not know have ${bytes} bytes, expected at most ${MAX_OTHERS_BYTES}`,
  );
}

/** The fields that are none of those known. By entries, for a field may have the name `__proto__`. */
function others(value: object, known: readonly string[]): Fields {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !known.includes(name)));
}

/** @throws InvalidMessageError naming the first field of a wrong kind */
export function optionalFields(fields: Fields): Omit<Message, Required> {
  const entries = Object.entries(OPTIONAL).flatMap(([field, [read, expected]]) => {
    if (fields[field] === undefined) return [];
    return [[field, readField<unknown>(fields, field, read) ?? refuse(fields, field, expected)] as const];
  });
  return Object.fromEntries(entries);
}

function readField<T>(fields: Fields, field: string, read: Read<T>): T | undefined {
  return Object.hasOwn(fields, field) ? read(fields[field]) : undefined;
}

function refuse(fields: Fields, field: string, expected: string): never {
  const found = Object.hasOwn(fields, field) ? echo(fields[field]) : "missing";
  throw new InvalidMessageError(`its field '${field}' is ${found}, expected ${expected}`);
}

/** No name, time, key of an object or rate of ours is longer; what is would not fit into the record, or travel with each copy. */
const MAX_TEXT_CHARS = 128;
const NAME_EXPECTED = `text of 1 to ${MAX_TEXT_CHARS} characters`;

function text(value: Json | undefined): string | undefined {
  return typeof value === "string" && value !== "" && value.length <= MAX_TEXT_CHARS ? value : undefined;
}

/** In UTC, as records and timers keep it: their texts are compared. */
function time(value: Json | undefined): string | undefined {
  return readTime(text(value) ?? "")?.toISOString();
}

function id(value: Json | undefined): string | undefined {
  const found = text(value);
  return found !== undefined && isId(found) ? found : undefined;
}

function contentHash(value: Json | undefined): string | undefined {
  return typeof value === "string" && /^[0-9a-f]{32}$/.test(value) ? value : undefined;
}

function positive(value: Json | undefined): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 1 ? value : undefined;
}

function payloadVersion(value: Json | undefined): number | undefined {
  return isPayloadVersion(value) ? value : undefined;
}

function seconds(value: Json | undefined): number | undefined {
  return typeof value === "number" && value > 0 ? value : undefined;
}

function yes(value: Json | undefined): true | undefined {
  return value === true ? true : undefined;
}

function no(value: Json | undefined): false | undefined {
  return value === false ? false : undefined;
}

/** More than a call may have; together with the others it must fit into a record. */
const MAX_HEADERS_BYTES = 8192;

function tags(value: Json | undefined): string[] | undefined {
  if (!Array.isArray(value) || value.length > MAX_MESSAGE_TAGS) return undefined;
  const found = value.filter(isTag);
  return found.length === value.length ? found : undefined;
}

function key(value: Json | undefined): string | undefined {
  return isKey(value) ? value : undefined;
}

function messageGroupId(value: Json | undefined): string | undefined {
  return isMessageGroupId(value) ? value : undefined;
}

function headers(value: Json | undefined): Record<string, string> | undefined {
  if (!isObject(value)) return undefined;
  const found = Object.entries(value).flatMap(([name, one]) => (typeof one === "string" ? [[name, one] as const] : []));
  const isWhole = found.length === Object.keys(value).length && byteLength(JSON.stringify(value)) <= MAX_HEADERS_BYTES;
  return isWhole ? Object.fromEntries(found) : undefined;
}

/** The tags and headers among options that nobody has checked: one that cannot be used is left out. */
export function readLabels(options: Readonly<Fields>): Pick<Message, "tags" | "headers"> {
  const [readTags, readHeaders] = [tags(options.tags), headers(options.headers)];
  return { ...(readTags && { tags: readTags }), ...(readHeaders && { headers: readHeaders }) };
}

/** Names of entries are longer than those of tasks. */
const MAX_ENTRY_CHARS = 200;

function schedule(value: Json | undefined): ScheduleMark | undefined {
  if (!isObject(value)) return undefined;
  const [name, at, edition, by] = [value.name, time(value.at), text(value.edition), text(value.by)];
  if (typeof name !== "string" || name === "" || name.length > MAX_ENTRY_CHARS || at === undefined) return undefined;
  return {
    ...unknownBeside(value, "name", "at", "edition", "manual", "by"),
    name,
    at,
    ...(edition !== undefined && { edition }),
    ...(value.manual === true && { manual: true as const }),
    ...(by !== undefined && { by }),
  };
}

/** Numbers of members and steps. */
const PLACE = /^(\d{1,6}(\.\d{1,6}){0,63})?$/;
const CALLBACK = /^(link|linkError)\/\d{1,3}$/;
const INPUT = /^(\d{1,6}(\.\d{1,6}){0,63})?(#\d{1,6})*$/;

function workflow(value: Json | undefined): WorkflowMark | undefined {
  if (!isObject(value)) return undefined;
  const { place, input, fanOut, keep, callback, ended } = value;
  const name = id(value.id);
  if (name === undefined || typeof place !== "string" || !PLACE.test(place)) return undefined;
  if (input !== undefined && !(typeof input === "string" && INPUT.test(input))) return undefined;
  const isCount = typeof fanOut === "number" && Number.isSafeInteger(fanOut) && fanOut >= 0;
  if (fanOut !== undefined && !isCount) return undefined;
  return {
    ...unknownBeside(value, "id", "place", "input", "fanOut", "keep", "callback", "ended"),
    id: name,
    place,
    ...(typeof input === "string" && { input }),
    ...(typeof fanOut === "number" && { fanOut }),
    ...(typeof keep === "string" && !Number.isNaN(Date.parse(keep)) && { keep }),
    ...(typeof callback === "string" && CALLBACK.test(callback) && { callback }),
    ...(ended === true && { ended: true as const }),
  };
}

function slot(value: Json | undefined): { at: string; rateLimit: string } | undefined {
  if (!isObject(value)) return undefined;
  const [at, rateLimit] = [time(value.at), text(value.rateLimit)];
  if (at === undefined || rateLimit === undefined) return undefined;
  return { ...unknownBeside(value, "at", "rateLimit"), at, rateLimit };
}

function debounce(value: Json | undefined): { key: string; burst: string } | undefined {
  if (!isObject(value)) return undefined;
  const [name, burst] = [key(value.key), id(value.burst)];
  if (name === undefined || burst === undefined) return undefined;
  return { ...unknownBeside(value, "key", "burst"), key: name, burst };
}

function valueRef(value: Json | undefined): ValueRef | undefined {
  if (!isObject(value)) return undefined;
  const [key, sizeBytes, until] = [text(value.key), positive(value.sizeBytes), time(value.until)];
  if (key === undefined || sizeBytes === undefined || until === undefined) return undefined;
  return isValueKey(key) ? { ...unknownBeside(value, "key", "sizeBytes", "until"), key, sizeBytes, until } : undefined;
}

/** Within a field, too, a newer version may have written more than this one knows. */
function unknownBeside(value: Fields, ...known: readonly string[]): object {
  return others(value, known);
}

function isObject(value: Json | undefined): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
