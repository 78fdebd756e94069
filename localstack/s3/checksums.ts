/** Digests and checksums that a request names, held against its bytes. */
import { createHash } from "node:crypto";
import { createDigester, isKnownDigest } from "./digests.ts";
import { S3Error } from "./error.ts";
import { readBytes, type S3Request } from "./request.ts";
import type { Checksum } from "./store.ts";

const PREFIX = "x-amz-checksum-";

/** The checksum among these headers; those that are not done here are refused at the door. @throws S3Error for several */
export function checksumOf(headers: Iterable<[string, string]>): Checksum | undefined {
  const [checksum, second] = [...headers].flatMap(([name, value]) => {
    const algorithm = name.slice(PREFIX.length);
    return name.startsWith(PREFIX) && isKnownDigest(algorithm) && value !== "" ? [{ algorithm, value }] : [];
  });
  if (second === undefined) return checksum;
  throw new S3Error(
    "InvalidRequest",
    "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
  );
}

/** Which checksum will follow the bytes. */
export function trailerAlgorithm(headers: S3Request["headers"]): string {
  return (headers["x-amz-trailer"] ?? "").toLowerCase().replace(PREFIX, "");
}

/** A document that a request brings. @throws S3Error BadDigest, XAmzContentSHA256Mismatch if it is not what was sent */
export async function readDocument(request: S3Request): Promise<string> {
  const { headers } = request;
  const bytes = await readBytes(request);
  const checksum = checksumOf(Object.entries(headers));
  requireMd5(headers["content-md5"], createHash("md5").update(bytes).digest("hex"));
  requireSha256(headers["x-amz-content-sha256"] ?? "", createHash("sha256").update(bytes).digest("base64"));
  const digester = checksum && createDigester(checksum.algorithm);
  digester?.update(bytes);
  requireChecksum(checksum, digester?.base64());
  return bytes.toString("utf8");
}

/** The bytes of a request that must not be taken for others. @throws S3Error InvalidRequest without a digest of them */
export function requireDigest({ headers }: S3Request): void {
  if (headers["content-md5"] !== undefined || checksumOf(Object.entries(headers)) !== undefined) return;
  throw new S3Error("InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
}

export function requireMd5(contentMd5: string | undefined, md5: string): void {
  if (contentMd5 === undefined) return;
  const sent = Buffer.from(contentMd5, "base64").toString("hex");
  if (sent.length !== md5.length) throw new S3Error("InvalidDigest", "The Content-MD5 you specified was invalid.");
  if (sent !== md5) {
    throw new S3Error("BadDigest", "The Content-MD5 you specified did not match what we received.");
  }
}

export function requireSha256(sent: string, computedBase64: string): void {
  if (/^[\da-f]{64}$/i.test(sent) && Buffer.from(sent, "hex").toString("base64") !== computedBase64) {
    throw new S3Error(
      "XAmzContentSHA256Mismatch",
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
    );
  }
}

export function requireChecksum(checksum: Checksum | undefined, computed: string | undefined): void {
  if (checksum !== undefined && computed !== undefined && computed !== checksum.value) {
    throw new S3Error(
      "BadDigest",
      `The ${checksum.algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
    );
  }
}
