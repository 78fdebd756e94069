/**
 * Bucket settings that are kept and given back word for word, with no effect on the local S3: encryption, lifecycle, policy
 * and their like. Those with an effect, CORS and notifications, are checked by their own modules before they are kept here.
 */
import { parseCors } from "./cors.ts";
import { S3Error, type S3ErrorCode } from "./error.ts";
import type { Notifications } from "./notifications.ts";
import { readText, type S3Answer, type S3Request } from "./request.ts";
import type { S3Store } from "./store.ts";
import { parseXml, toXml } from "./xml.ts";

interface Setting {
  /** The root element of its document; absent: JSON. */
  readonly root?: string;
  /** The answer to a read while nothing was put: an error, or an empty document. */
  readonly missing: S3ErrorCode | "empty";
}

const SETTINGS: Readonly<Record<string, Setting>> = {
  cors: { root: "CORSConfiguration", missing: "NoSuchCORSConfiguration" },
  notification: { root: "NotificationConfiguration", missing: "empty" },
  encryption: {
    root: "ServerSideEncryptionConfiguration",
    missing: "ServerSideEncryptionConfigurationNotFoundError",
  },
  publicAccessBlock: {
    root: "PublicAccessBlockConfiguration",
    missing: "NoSuchPublicAccessBlockConfiguration",
  },
  lifecycle: { root: "LifecycleConfiguration", missing: "NoSuchLifecycleConfiguration" },
  ownershipControls: { root: "OwnershipControls", missing: "OwnershipControlsNotFoundError" },
  policy: { missing: "NoSuchBucketPolicy" },
  tagging: { root: "Tagging", missing: "NoSuchTagSet" },
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
  const body = await readText(request);
  requireDocument(setting, body);
  if (name === "cors") parseCors(body);
  if (name === "notification") {
    await notifications.put(bucket, body);
  } else {
    store.putSetting(bucket, name, body);
  }
  return { status: name === "policy" || name === "tagging" ? 204 : 200 };
}

function read(name: string, { root, missing }: Setting, bucket: string, store: S3Store): S3Answer {
  const body = store.setting(bucket, name);
  if (body !== undefined) {
    return { status: 200, headers: root === undefined ? { "content-type": "application/json" } : {}, body };
  }
  if (missing === "empty") return { status: 200, body: toXml(root ?? name, {}) };
  throw new S3Error(missing, `Bucket '${bucket}' has no setting '${name}'.`, { BucketName: bucket });
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
