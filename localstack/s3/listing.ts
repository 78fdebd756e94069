/** ListObjects and ListObjectsV2. https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
import { ACCOUNT_ID } from "../account.ts";
import { S3Error } from "./error.ts";
import type { S3Answer, S3Request } from "./request.ts";
import type { S3Store, StoredObject } from "./store.ts";
import { toXml } from "./xml.ts";

const MAX_KEYS = 1000;
export const OWNER = { ID: ACCOUNT_ID, DisplayName: "lovage" };

interface Page {
  readonly objects: StoredObject[];
  readonly prefixes: string[];
  /** The last key or common prefix of this page, if there is more after it. */
  readonly next: string | undefined;
}

export async function listObjects({ bucket, query }: S3Request, store: S3Store): Promise<S3Answer> {
  const type = query.get("list-type");
  if (type !== null && type !== "2") throw S3Error.notImplemented(`List type '${type}'`);
  const second = type === "2";
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const maxKeys = parseMaxKeys(query.get("max-keys"));
  const token = query.get("continuation-token");
  const marker = second ? (query.get("start-after") ?? "") : (query.get("marker") ?? "");
  const after = token === null ? marker : parseToken(token);
  const { objects, prefixes, next } = selectPage(store, { bucket, prefix, delimiter, after, maxKeys });
  const show = shownBy(query);

  return {
    status: 200,
    body: toXml("ListBucketResult", {
      Name: bucket,
      Prefix: show(prefix),
      Delimiter: delimiter === "" ? undefined : show(delimiter),
      MaxKeys: maxKeys,
      EncodingType: query.get("encoding-type") ?? undefined,
      IsTruncated: next !== undefined,
      ...(second
        ? {
            KeyCount: objects.length + prefixes.length,
            StartAfter: query.has("start-after") && token === null ? show(marker) : undefined,
            ContinuationToken: token ?? undefined,
            NextContinuationToken: next === undefined ? undefined : Buffer.from(next).toString("base64url"),
          }
        : { Marker: show(marker), NextMarker: next === undefined || delimiter === "" ? undefined : show(next) }),
      Contents: objects.map((object) => ({
        Key: show(object.key),
        LastModified: new Date(object.modifiedAt).toISOString(),
        ETag: object.etag,
        Size: object.size,
        StorageClass: object.headers["x-amz-storage-class"] ?? "STANDARD",
        Owner: !second || query.get("fetch-owner") === "true" ? OWNER : undefined,
      })),
      CommonPrefixes: prefixes.map((common) => ({ Prefix: show(common) })),
    }),
  };
}

interface Selection {
  readonly bucket: string;
  readonly prefix: string;
  readonly delimiter: string;
  readonly after: string;
  readonly maxKeys: number;
}

function selectPage(store: S3Store, { bucket, prefix, delimiter, after, maxKeys }: Selection): Page {
  const objects: StoredObject[] = [];
  const prefixes: string[] = [];
  let last = after;
  const startsAfter = Buffer.compare(Buffer.from(after), Buffer.from(prefix)) >= 0;
  for (const object of store.objectsFrom(bucket, startsAfter ? after : prefix, startsAfter)) {
    if (!object.key.startsWith(prefix)) break;
    const end = delimiter === "" ? -1 : object.key.indexOf(delimiter, prefix.length);
    const common = end === -1 ? undefined : object.key.slice(0, end + delimiter.length);
    if (common !== undefined && (common === last || common === prefixes.at(-1))) continue;
    if (objects.length + prefixes.length >= maxKeys) {
      return { objects, prefixes, next: maxKeys === 0 ? undefined : last };
    }
    if (common === undefined) {
      objects.push(object);
    } else {
      prefixes.push(common);
    }
    last = common ?? object.key;
  }
  return { objects, prefixes, next: undefined };
}

function parseMaxKeys(text: string | null): number {
  const value = text === null || text === "" ? MAX_KEYS : Number(text);
  if (!Number.isInteger(value) || value < 0) {
    throw new S3Error("InvalidArgument", "Argument max-keys must be an integer between 0 and 2147483647");
  }
  return Math.min(value, MAX_KEYS);
}

/** The name after which a list goes on. @throws S3Error InvalidArgument for a token that no list has given */
export function parseToken(token: string): string {
  const name = Buffer.from(token, "base64url").toString();
  if (name === "" || Buffer.from(name).toString("base64url") !== token) {
    throw new S3Error("InvalidArgument", "The continuation token provided is incorrect");
  }
  return name;
}

/** How names are shown in a list. @throws S3Error InvalidArgument for another encoding than that of URLs */
export function shownBy(query: URLSearchParams): (text: string) => string {
  const encoding = query.get("encoding-type");
  if (encoding !== null && encoding !== "url") {
    throw new S3Error("InvalidArgument", "Invalid Encoding Method specified in Request", {
      ArgumentName: "encoding-type",
      ArgumentValue: encoding,
    });
  }
  return encoding === "url" ? encodeUrl : (text) => text;
}

function encodeUrl(text: string): string {
  return encodeURIComponent(text).replaceAll("%2F", "/");
}
