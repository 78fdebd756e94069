/**
 * Encryption at rest, which is only told here: each object has the one that its request asks for, or its bucket, or else S3's own.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
 */
import { S3Error } from "./error.ts";
import type { S3Store } from "./store.ts";
import { childrenOf, parseXml, textOf, toXml, type XmlElement } from "./xml.ts";

type Headers = Readonly<Record<string, string>>;

const ALGORITHM = "x-amz-server-side-encryption";
const KEY_ID = "x-amz-server-side-encryption-aws-kms-key-id";
const BUCKET_KEY = "x-amz-server-side-encryption-bucket-key-enabled";
const NAMES = [ALGORITHM, KEY_ID, BUCKET_KEY];

export const ALGORITHMS = ["AES256", "aws:kms", "aws:kms:dsse"];

/** The configuration of a bucket that nobody has given one. */
export const DEFAULT_ENCRYPTION = documentOf([{ algorithm: "AES256", keyId: undefined, bucketKey: "false" }]);

interface Rule {
  algorithm: string;
  keyId: string | undefined;
  bucketKey: string;
}

/** The encryption of a new object. */
export function encryptionOf(headers: Headers, store: S3Store, bucket: string): Record<string, string> {
  const asked = encryptionHeaders(headers);
  if (asked[ALGORITHM] !== undefined) return asked;
  const [rule] = rulesOf(store.setting(bucket, "encryption") ?? DEFAULT_ENCRYPTION);
  return {
    [ALGORITHM]: rule?.algorithm ?? "AES256",
    ...(rule?.keyId !== undefined && { [KEY_ID]: rule.keyId }),
    ...(rule?.bucketKey === "true" && { [BUCKET_KEY]: "true" }),
  };
}

/** The headers among these that are about encryption, as answers tell them. */
export function encryptionHeaders(headers: Headers): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name, value]) => NAMES.includes(name) && value !== ""));
}

/** The headers without those. */
export function withoutEncryption(headers: Headers): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !NAMES.includes(name)));
}

/** The document of PutBucketEncryption, as GetBucketEncryption gives it back. @throws S3Error MalformedXML */
export function readEncryption(xml: string): string {
  const rules = rulesOf(xml);
  if (rules.length === 0 || !rules.every(({ algorithm }) => ALGORITHMS.includes(algorithm)))
    throw S3Error.malformedXml();
  return documentOf(rules);
}

function rulesOf(xml: string): Rule[] {
  const root = parseXml(xml);
  return root === undefined ? [] : childrenOf(root, "Rule").map(ruleOf);
}

function ruleOf(element: XmlElement): Rule {
  const [apply] = childrenOf(element, "ApplyServerSideEncryptionByDefault");
  return {
    algorithm: (apply && textOf(apply, "SSEAlgorithm")) ?? "AES256",
    keyId: apply && textOf(apply, "KMSMasterKeyID"),
    bucketKey: textOf(element, "BucketKeyEnabled") ?? "false",
  };
}

function documentOf(rules: readonly Rule[]): string {
  return toXml("ServerSideEncryptionConfiguration", {
    Rule: rules.map(({ algorithm, keyId, bucketKey }) => ({
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: algorithm, KMSMasterKeyID: keyId },
      BucketKeyEnabled: bucketKey,
    })),
  });
}
