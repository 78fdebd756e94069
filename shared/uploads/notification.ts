import { echo } from "../echo.ts";
import { InvalidMessageError } from "../errors.ts";
import { UPLOAD_PREFIX } from "../files/files.ts";
import { derivedId, idTime, isId } from "../message/id.ts";
import { type Json, parseJson } from "../message/json.ts";

/** An object that arrived in the bucket. */
export interface ArrivedObject {
  key: string;
  /** The task that processes it: named by the key of a presigned upload, else derived from the event. */
  taskId: string;
  /** When it arrived, as S3 says. */
  time: Date;
}

/** Whether a body claims to be a notification of S3; whether it can be read is another matter. */
export function isNotification(body: string): boolean {
  try {
    const event = parseJson(body);
    const records = field(event, "Records");
    return (
      field(event, "Event") === "s3:TestEvent" ||
      (Array.isArray(records) && records.some((record) => field(record, "s3") !== undefined))
    );
  } catch {
    return false;
  }
}

/**
 * Reads the body of an S3 notification. Keys come URL-encoded with `+` for a space; `s3:TestEvent`, which S3 sends once
 * when notifications are set up, names no object.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 * @throws InvalidMessageError if it is no S3 notification
 */
export function readNotification(body: string): ArrivedObject[] {
  let event: Json;
  try {
    event = parseJson(body);
  } catch {
    throw new InvalidMessageError("it is no S3 notification, for it is not JSON", "S3");
  }
  if (field(event, "Event") === "s3:TestEvent") return [];
  const records = field(event, "Records");
  if (!Array.isArray(records)) throw new InvalidMessageError("it is no S3 notification, for it has no 'Records'", "S3");
  return records.flatMap((record) => {
    if (!String(field(record, "eventName")).startsWith("ObjectCreated:")) return [];
    const object = field(field(record, "s3"), "object");
    const encoded = field(object, "key");
    if (typeof encoded !== "string") throw new InvalidMessageError("its S3 record has no 's3.object.key'", "S3");
    const key = decodeKey(encoded);
    const name = key.slice(UPLOAD_PREFIX.length);
    const eventTime = new Date(String(field(record, "eventTime")));
    const time = Number.isNaN(eventTime.getTime()) ? new Date(0) : eventTime;
    const version = String(field(object, "versionId") ?? field(object, "sequencer") ?? field(object, "eTag"));
    // A form names its key by the task's id; an id without a time is not ours, and its record could not be listed.
    const isOfForm = isId(name) && idTime(name) !== undefined;
    return [{ key, taskId: isOfForm ? name : derivedId(time, `s3/${key}/${version}`), time }];
  });
}

function field(value: Json | undefined, name: string): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.hasOwn(value, name)
    ? value[name]
    : undefined;
}

function decodeKey(encoded: string): string {
  try {
    return decodeURIComponent(encoded.replaceAll("+", " "));
  } catch {
    throw new InvalidMessageError(`its key ${echo(encoded)} is not URL-encoded`, "S3");
  }
}
