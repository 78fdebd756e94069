/**
 * The wishes of a request beyond its operation. Each header and parameter that changes its meaning is done, or known to change nothing
 * here, or refused: one that was dropped would do something else than what was asked for.
 */
import { ACCOUNT_ID } from "../account.ts";
import { isKnownDigest } from "./digests.ts";
import { S3Error } from "./error.ts";
import { requireValues } from "./header-values.ts";
import type { S3Request } from "./request.ts";

/** Headers that this S3 does, or that change nothing: they belong to signatures, checksums and the way of the bytes. */
const DONE = new RegExp(
  `^x-amz-(?:${[
    ...[
      "date",
      "content-sha256",
      "security-token",
      "user-agent",
      "algorithm",
      "credential",
      "expires",
      "signedheaders",
    ],
    ...[
      "signature",
      "trailer",
      "decoded-content-length",
      "checksum-(?:algorithm|type|mode)",
      "sdk-[a-z0-9-]+",
      "meta-.*",
    ],
    ...["tagging", "tagging-directive", "metadata-directive", "storage-class", "object-attributes"],
    ...["max-parts", "part-number-marker", "expected-bucket-owner", "source-expected-bucket-owner", "acl"],
    ...["copy-source", "copy-source-range", "copy-source-if-(?:none-)?match", "copy-source-if-(?:un)?modified-since"],
    // Kept with the object and given back; encryption has no other effect here.
    ...["server-side-encryption", "server-side-encryption-aws-kms-key-id", "server-side-encryption-bucket-key-enabled"],
    // Nobody pays.
    "request-payer",
  ].join("|")})$`,
);

/** Parameters of each operation; of all of them, `x-id`, which names it once more, and those that stand for headers. */
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  "account GET": ["prefix", "max-buckets", "continuation-token", "bucket-region"],
  "bucket GET": [
    ...["list-type", "prefix", "delimiter", "max-keys", "start-after", "continuation-token", "marker"],
    ...["encoding-type", "fetch-owner"],
  ],
  "bucket GET ?uploads": ["prefix", "delimiter", "max-uploads", "key-marker", "upload-id-marker", "encoding-type"],
  "object GET": ["partNumber"],
  "object HEAD": ["partNumber"],
  "object PUT ?uploadId": ["partNumber"],
  "object GET ?uploadId": ["max-parts", "part-number-marker"],
};
const REFINEMENTS = new Set(Object.values(PARAMETERS).flat());

/** `GET`, or `GET ?tagging`: the parameter that makes another operation of it is part of its name. */
export function operationOf({ method, query }: S3Request): string {
  if (query.has("versionId")) throw S3Error.notImplemented("Parameter 'versionId', for there are no versions,");
  const [parameter, second] = [...query.keys()].filter((name) => !isRefinement(name));
  if (second !== undefined) throw S3Error.notImplemented(`'${method} ?${parameter}&${second}'`);
  return parameter === undefined ? method : `${method} ?${parameter}`;
}

function isRefinement(name: string): boolean {
  return REFINEMENTS.has(name) || /^(?:x-amz-.*|response-.*|x-id)$/i.test(name);
}

/** @throws S3Error for what is asked for and not done */
export function requireDone(request: S3Request, operation: string): void {
  const { headers, query, bucket, key } = request;
  const level = bucket === "" ? "account" : key === "" ? "bucket" : "object";
  for (const name of query.keys()) {
    if (!isRefinement(name) || /^(?:x-amz-|x-id$)/i.test(name)) continue;
    const isShown = name.startsWith("response-") && level === "object" && /^(?:GET|HEAD)$/.test(operation);
    if (!isShown && !PARAMETERS[`${level} ${operation}`]?.includes(name)) {
      throw S3Error.notImplemented(`Parameter '${name}' of ${operation} on this ${level}`);
    }
  }
  requireHeaders(headers);
}

function isChecksum(name: string): boolean {
  const prefix = "x-amz-checksum-";
  return name.startsWith(prefix) && isKnownDigest(name.slice(prefix.length));
}

/** The same for headers alone, which the fields of a form stand for. @throws S3Error */
export function requireHeaders(headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith("x-amz-") && value !== "" && !DONE.test(name) && !isChecksum(name)) {
      throw S3Error.notImplemented(`Header '${name}'`);
    }
    for (const trailer of name === "x-amz-trailer" ? value.split(",") : []) {
      if (!isChecksum(trailer.trim().toLowerCase())) throw S3Error.notImplemented(`Trailer '${trailer.trim()}'`);
    }
  }
  for (const name of ["x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner"]) {
    if ((headers[name] ?? ACCOUNT_ID) !== ACCOUNT_ID) throw new S3Error("AccessDenied", "Access Denied");
  }
  requireValues(headers);
}

/**
 * AWS has signature version 2 off for buckets that were made since June 2020.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingAWSSDK.html#UsingAWSSDK-sig2-deprecation
 */
export function refuseSignatureVersion2({ headers, query }: S3Request): void {
  if ((query.has("AWSAccessKeyId") && query.has("Signature")) || headers.authorization?.startsWith("AWS ")) {
    throw new S3Error(
      "InvalidRequest",
      "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
    );
  }
}
