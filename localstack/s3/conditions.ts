/** Conditional requests and ranges. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html */
import { S3Error } from "./error.ts";
import type { StoredObject } from "./store.ts";

type Headers = Readonly<Record<string, string>>;

/** Conditions of a write: `If-None-Match: *` wants no object there, `If-Match` wants this very one. @throws S3Error */
export function requireIfMatch(headers: Headers, existing: StoredObject | undefined): void {
  const noneMatch = headers["if-none-match"];
  if (noneMatch !== undefined && noneMatch !== "*") {
    throw S3Error.notImplemented("A write with If-None-Match other than *");
  }
  if (noneMatch === "*" && existing !== undefined) throw preconditionFailed("If-None-Match");
  const match = headers["if-match"];
  if (match !== undefined && existing === undefined) {
    throw new S3Error("NoSuchKey", "The specified key does not exist.");
  }
  if (match !== undefined && existing !== undefined && !hasTag(match, existing.etag)) {
    throw preconditionFailed("If-Match");
  }
}

/**
 * The condition of a delete: an object with another ETag stays, and there has to be one.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html
 * @throws S3Error PreconditionFailed, NoSuchKey
 */
export function requireDeletable({ etag }: { etag: string | undefined }, existing: StoredObject | undefined): void {
  if (etag === undefined) return;
  if (existing === undefined) throw new S3Error("NoSuchKey", "The specified key does not exist.");
  if (!hasTag(etag, existing.etag)) throw preconditionFailed("If-Match");
}

/** Conditions of a copy, all of which fail with an error. @throws S3Error PreconditionFailed */
export function requireCopySource(headers: Headers, source: StoredObject): void {
  const prefix = "x-amz-copy-source-";
  const conditions = Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value] as const] : [],
    ),
  );
  requireUnmodified(conditions, source);
  if (unchangedSince(conditions, source)) {
    throw preconditionFailed(
      conditions["if-none-match"] === undefined
        ? "x-amz-copy-source-If-Modified-Since"
        : "x-amz-copy-source-If-None-Match",
    );
  }
}

/** Conditions of a read that fail with an error. @throws S3Error PreconditionFailed */
export function requireUnmodified(headers: Headers, object: StoredObject): void {
  const match = headers["if-match"];
  if (match !== undefined && !hasTag(match, object.etag)) throw preconditionFailed("If-Match");
  const since = headers["if-unmodified-since"];
  if (match === undefined && since !== undefined && wholeSeconds(object) > Date.parse(since)) {
    throw preconditionFailed("If-Unmodified-Since");
  }
}

/** Whether the reader has the object already: 304. */
export function unchangedSince(headers: Headers, object: StoredObject): boolean {
  const noneMatch = headers["if-none-match"];
  if (noneMatch !== undefined) return hasTag(noneMatch, object.etag);
  const since = headers["if-modified-since"];
  return since !== undefined && wholeSeconds(object) <= Date.parse(since);
}

/** Whether a range may be answered: with `If-Range` of another object all of it is. https://www.rfc-editor.org/rfc/rfc9110#name-if-range */
export function mayBeRange(headers: Headers, object: StoredObject): boolean {
  const sent = headers["if-range"];
  if (sent === undefined) return true;
  return sent.includes('"') ? sent === object.etag : Date.parse(sent) === wholeSeconds(object);
}

/**
 * The part that a Range header selects, both ends included; undefined for the whole. S3 gives the whole object too for a
 * header that it does not understand, several ranges among them. @throws S3Error InvalidRange
 */
export function selectRange(header: string | undefined, size: number): { start: number; end: number } | undefined {
  const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (from === "" && to === "") return undefined;
  const start = from === "" ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === "" || to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (from !== "" && to !== "" && Number(to) < Number(from)) return undefined;
  if (start > end) {
    throw new S3Error("InvalidRange", "The requested range is not satisfiable", {
      RangeRequested: header ?? "",
      ActualObjectSize: `${size}`,
    });
  }
  return { start, end };
}

function hasTag(header: string, etag: string): boolean {
  const unquoted = etag.replaceAll('"', "");
  return header
    .split(",")
    .some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "").replaceAll('"', "") === unquoted);
}

/** Times in headers have no milliseconds. */
function wholeSeconds(object: StoredObject): number {
  return Math.floor(object.modifiedAt / 1000) * 1000;
}

function preconditionFailed(condition: string): S3Error {
  return new S3Error("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", {
    Condition: condition,
  });
}
