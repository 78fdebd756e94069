/**
 * Presigned POST: a form whose signed policy says what may be uploaded: by when, under which key, how large.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 */

import { isObject, parseObject } from "../json.ts";
import { MAX_PUT_BYTES, storeBytes } from "./body.ts";
import { requireHeaders } from "./door.ts";
import { encryptionOf } from "./encryption.ts";
import { S3Error } from "./error.ts";
import { readForm } from "./form.ts";
import { requireKey, type S3Answer, type S3Request } from "./request.ts";
import { type Keyring, parseScope, requireSigned } from "./signature.ts";
import type { S3Store } from "./store.ts";
import { keptHeaders } from "./stored-object.ts";
import { tagsOf } from "./tags.ts";
import { toXml } from "./xml.ts";

/** Stands in a key for what the browser calls the file. */
const FILENAME = /\$\{filename\}/g;

interface SizeRange {
  readonly min: number;
  readonly max: number;
}

/** POST to a bucket: stores the form's file if its policy allows it. */
export async function postObject(request: S3Request, store: S3Store, keyring: Keyring, now: number): Promise<S3Answer> {
  const { bucket, sourceIp } = request;
  const form = await readForm(request.body, request.headers["content-type"] ?? "");
  const fields = new Map(form.fields);
  const key = (fields.get("key") ?? "").replaceAll(FILENAME, () => form.filename);
  if (key === "") {
    throw new S3Error("InvalidArgument", "Bucket POST must contain a field named 'key', before the file.");
  }
  requireKey(key);
  fields.set("bucket", bucket);
  fields.set("key", key);
  const range = requirePolicy(fields, keyring, now);
  const headers = Object.fromEntries(fields);
  requireHeaders(headers);
  const encryption = encryptionOf(headers, store, bucket);
  const kept = { ...keptHeaders(headers), ...encryption };
  const { blob, size, md5 } = await storeBytes(atMost(form.content, range.max), store);
  if (size < range.min) {
    store.removeBlobs(blob);
    throw new S3Error("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", {
      ProposedSize: `${size}`,
      MinSizeAllowed: `${range.min}`,
    });
  }
  const etag = `"${md5}"`;
  const object = { bucket, key, blob, size, etag, modifiedAt: now, headers: kept, checksum: undefined };
  store.put({ ...object, tags: tagsOf(headers) }, "ObjectCreated:Post", sourceIp);
  return answer(fields, {
    bucket,
    key,
    etag,
    location: `http://${request.headers.host}/${bucket}/${encodeURIComponent(key)}`,
  });
}

/** Checks signature, expiry and every condition; answers the sizes that are allowed. @throws S3Error */
function requirePolicy(fields: ReadonlyMap<string, string>, keyring: Keyring, now: number): SizeRange {
  const encoded = fields.get("policy");
  if (encoded === undefined) {
    throw new S3Error("AccessDenied", "Anonymous access is forbidden for this operation: the form has no policy.");
  }
  const scope = parseScope(fields.get("x-amz-credential") ?? "");
  requireSigned(encoded, scope, fields.get("x-amz-signature") ?? "", keyring);
  const policy = parseObject(Buffer.from(encoded, "base64").toString("utf8"));
  const expiration = Date.parse(String(policy?.expiration));
  const conditions = policy?.conditions;
  if (Number.isNaN(expiration) || !Array.isArray(conditions)) {
    throw new S3Error("InvalidPolicyDocument", "The policy must have an 'expiration' and 'conditions'.");
  }
  if (expiration < now) throw denied("Policy expired.");
  let range: SizeRange = { min: 0, max: MAX_PUT_BYTES };
  const named = new Set(["x-amz-signature", "policy", "bucket"]);
  for (const condition of conditions.flatMap(normalize)) {
    const [operator, operand, value] = condition;
    if (operator === "content-length-range") {
      range = { min: Math.max(range.min, Number(operand)), max: Math.min(range.max, Number(value)) };
      continue;
    }
    const name = String(operand).replace(/^\$/, "").toLowerCase();
    named.add(name);
    if (!holds(String(operator), fields.get(name) ?? "", String(value))) {
      throw denied(`Policy Condition failed: ${JSON.stringify(condition)}`);
    }
  }
  const extra = [...fields.keys()].filter((name) => !named.has(name) && !name.startsWith("x-ignore-"));
  if (extra.length > 0) throw denied(`Extra input fields: ${extra.join(", ")}`);
  return range;
}

/** `{ "acl": "private" }` is short for `["eq", "$acl", "private"]`. */
function normalize(condition: unknown): unknown[][] {
  if (Array.isArray(condition) && condition.length === 3) return [condition];
  if (isObject(condition)) return Object.entries(condition).map(([name, value]) => ["eq", `$${name}`, value]);
  throw new S3Error("InvalidPolicyDocument", `Invalid Policy: Invalid Condition ${JSON.stringify(condition)}`);
}

function holds(operator: string, field: string, value: string): boolean {
  switch (operator.toLowerCase()) {
    case "eq":
      return field === value;
    case "starts-with":
      return field.startsWith(value);
    default:
      throw new S3Error("InvalidPolicyDocument", `Invalid Policy: Invalid Condition operator '${operator}'`);
  }
}

/** Stops as soon as there is a byte too many. */
async function* atMost(content: AsyncIterable<Buffer>, max: number): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const piece of content) {
    size += piece.length;
    if (size > max) {
      throw new S3Error("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", {
        MaxSizeAllowed: `${max}`,
      });
    }
    yield piece;
  }
}

interface Stored {
  readonly bucket: string;
  readonly key: string;
  readonly etag: string;
  readonly location: string;
}

function answer(fields: ReadonlyMap<string, string>, { bucket, key, etag, location }: Stored): S3Answer {
  const redirect = fields.get("success_action_redirect") ?? fields.get("redirect") ?? "";
  if (URL.canParse(redirect)) {
    const target = new URL(redirect);
    for (const [name, value] of Object.entries({ bucket, key, etag })) target.searchParams.append(name, value);
    return { status: 303, headers: { location: target.href, etag } };
  }
  const status = fields.get("success_action_status");
  if (status === "201") {
    const body = toXml("PostResponse", { Location: location, Bucket: bucket, Key: key, ETag: etag });
    return { status: 201, headers: { location, etag }, body };
  }
  return { status: status === "200" ? 200 : 204, headers: { location, etag } };
}

function denied(reason: string): S3Error {
  return new S3Error("AccessDenied", `Invalid according to Policy: ${reason}`);
}
