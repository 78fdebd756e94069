/**
 * Bucket settings that are kept and given back: encryption, lifecycle, policy and their like. Those with an effect, or with rules of their
 * own, are checked by their own modules before they are kept here.
 */
import { readDocument } from "./checksums.ts";
import { parseCors } from "./cors.ts";
import { DEFAULT_ENCRYPTION, readEncryption } from "./encryption.ts";
import { S3Error, type S3ErrorCode } from "./error.ts";
import { readLifecycle } from "./lifecycle.ts";
import type { Notifications } from "./notifications.ts";
import type { S3Answer, S3Request } from "./request.ts";
import type { S3Store } from "./store.ts";
import { readBucketTags } from "./tags.ts";
import { parseXml, textOf, toXml } from "./xml.ts";

interface Setting {
  /** The root element of its document; absent: JSON. */
  readonly root?: string;
  /** The answer to a read while nothing was put: an error, or a document. */
  readonly missing: { readonly code: S3ErrorCode; readonly message: string } | string;
  /** The document as it is kept; undefined takes the setting away. @throws S3Error for one that S3 refuses */
  readonly read?: (body: string) => string | undefined;
}

const SETTINGS: Readonly<Record<string, Setting>> = {
  cors: {
    root: "CORSConfiguration",
    missing: { code: "NoSuchCORSConfiguration", message: "The CORS configuration does not exist" },
    read(body) {
      parseCors(body);
      return body;
    },
  },
  notification: { root: "NotificationConfiguration", missing: toXml("NotificationConfiguration", {}) },
  encryption: {
    root: "ServerSideEncryptionConfiguration",
    missing: DEFAULT_ENCRYPTION,
    read: readEncryption,
  },
  publicAccessBlock: {
    root: "PublicAccessBlockConfiguration",
    missing: {
      code: "NoSuchPublicAccessBlockConfiguration",
      message: "The public access block configuration was not found",
    },
    read: readPublicAccessBlock,
  },
  lifecycle: {
    root: "LifecycleConfiguration",
    missing: { code: "NoSuchLifecycleConfiguration", message: "The lifecycle configuration does not exist" },
    read: readLifecycle,
  },
  ownershipControls: {
    root: "OwnershipControls",
    missing: { code: "OwnershipControlsNotFoundError", message: "The bucket ownership controls were not found" },
  },
  policy: { missing: { code: "NoSuchBucketPolicy", message: "The bucket policy does not exist" } },
  tagging: {
    root: "Tagging",
    missing: { code: "NoSuchTagSet", message: "The TagSet does not exist" },
    read: readBucketTags,
  },
};

/** The names that `handleSetting` knows. */
export const SETTING_NAMES = Object.keys(SETTINGS);

/** GET, PUT or DELETE of `?{name}` on a bucket. */
export async function handleSetting(
  name: string,
  request: S3Request,
  store: S3Store,
  notifications: Notifications,
): Promise<S3Answer> {
  const setting = SETTINGS[name];
  if (setting === undefined) throw S3Error.notImplemented(`Bucket setting '${name}'`);
  const { bucket, method } = request;
  if (method === "GET") return read(name, setting, bucket, store);
  if (method === "DELETE" && name !== "notification") {
    store.deleteSetting(bucket, name);
    return { status: 204 };
  }
  if (method !== "PUT") throw S3Error.notImplemented(`${method} of bucket setting '${name}'`);
  const body = await readDocument(request);
  requireDocument(setting, body);
  const kept = setting.read === undefined ? body : setting.read(body);
  if (name === "notification") await notifications.put(bucket, body);
  else if (kept === undefined) store.deleteSetting(bucket, name);
  else store.putSetting(bucket, name, kept);
  return { status: name === "policy" || name === "tagging" ? 204 : 200 };
}

function read(name: string, { root, missing }: Setting, bucket: string, store: S3Store): S3Answer {
  const body = store.setting(bucket, name);
  if (body !== undefined) {
    return { status: 200, headers: root === undefined ? { "content-type": "application/json" } : {}, body };
  }
  if (typeof missing === "string") return { status: 200, body: missing };
  throw new S3Error(missing.code, missing.message, { BucketName: bucket });
}

const BLOCKS = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];

/** A block that is not named is off. */
function readPublicAccessBlock(body: string): string {
  const root = parseXml(body);
  const given = BLOCKS.map((name) => [name, root && textOf(root, name)] as const);
  if (given.every(([, value]) => value === undefined)) {
    throw new S3Error("InvalidRequest", "Must specify at least one configuration.");
  }
  return toXml(
    "PublicAccessBlockConfiguration",
    Object.fromEntries(given.map(([name, value = "false"]) => [name, value.toLowerCase()])),
  );
}

function requireDocument({ root }: Setting, body: string): void {
  if (root !== undefined && parseXml(body)?.name !== root) throw S3Error.malformedXml();
  if (root === undefined) {
    try {
      JSON.parse(body);
    } catch {
      throw new S3Error("MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'");
    }
  }
}
