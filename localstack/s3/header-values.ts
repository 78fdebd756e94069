/** Headers of which S3 knows all values: another one is refused, for it would be taken for none. */
import { isKnownDigest } from "./digests.ts";
import { ALGORITHMS } from "./encryption.ts";
import { S3Error } from "./error.ts";

type Headers = Readonly<Record<string, string>>;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html#API_PutObject_RequestSyntax */
const STORAGE_CLASSES = [
  ...["STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE"],
  ...["GLACIER_IR", "OUTPOSTS", "SNOW", "EXPRESS_ONEZONE", "FSX_OPENZFS"],
];

/** The owner's own rights, which is what an object has without an ACL. */
const ACLS = ["private", "bucket-owner-full-control", "bucket-owner-read"];

const DIRECTIVES = ["COPY", "REPLACE"];
const KMS = ALGORITHMS.filter((algorithm) => algorithm.startsWith("aws:kms"));

/** @throws S3Error */
export function requireValues(headers: Headers): void {
  const { "x-amz-storage-class": storageClass, "x-amz-acl": acl } = headers;
  if (storageClass !== undefined && !STORAGE_CLASSES.includes(storageClass)) {
    throw new S3Error("InvalidStorageClass", "The storage class you specified is not valid", {
      StorageClassRequested: storageClass,
    });
  }
  if (acl !== undefined && !ACLS.includes(acl)) throw S3Error.notImplemented(`ACL '${acl}'`);
  requireOneOf(headers, "x-amz-metadata-directive", DIRECTIVES, "Unknown metadata directive.");
  requireOneOf(headers, "x-amz-tagging-directive", DIRECTIVES, "Unknown tagging directive.");
  requireEncryption(headers);
  requireDigests(headers);
}

function requireEncryption(headers: Headers): void {
  const name = "x-amz-server-side-encryption";
  requireOneOf(headers, name, ALGORITHMS, "The encryption method specified is not supported");
  const key = `${name}-aws-kms-key-id`;
  const id = headers[key];
  if (id === undefined || KMS.includes(headers[name] ?? "")) return;
  const needed = `Server Side Encryption with KMS managed key requires HTTP header ${name} : aws:kms`;
  throw invalidArgument(key, id, needed);
}

function requireDigests(headers: Headers): void {
  const { "x-amz-content-sha256": hash = "UNSIGNED-PAYLOAD", "x-amz-sdk-checksum-algorithm": algorithm } = headers;
  if (!/^(?:[\da-f]{64}|UNSIGNED-PAYLOAD|STREAMING-[A-Z0-9-]+)$/i.test(hash)) {
    const accepted = "must be UNSIGNED-PAYLOAD, a STREAMING one, or a valid sha256 value.";
    throw invalidArgument("x-amz-content-sha256", hash, `x-amz-content-sha256 ${accepted}`);
  }
  if (algorithm === undefined) return;
  if (!isKnownDigest(algorithm.toLowerCase())) {
    throw new S3Error("InvalidRequest", "Value for x-amz-sdk-checksum-algorithm header is invalid.");
  }
  if (!Object.keys(headers).some((name) => /^x-amz-(?:checksum-(?!type$|mode$|algorithm$)|trailer$)/.test(name))) {
    throw new S3Error(
      "InvalidRequest",
      "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
    );
  }
}

function requireOneOf(headers: Headers, name: string, values: readonly string[], message: string): void {
  const value = headers[name];
  if (value !== undefined && !values.includes(value)) throw invalidArgument(name, value, message);
}

function invalidArgument(name: string, value: string, message: string): S3Error {
  return new S3Error("InvalidArgument", message, { ArgumentName: name, ArgumentValue: value });
}
