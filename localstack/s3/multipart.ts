/** Multipart uploads. https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html */
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { receiveBody, storeBytes } from "./body.ts";
import { requireIfMatch } from "./conditions.ts";
import { S3Error } from "./error.ts";
import { keptHeaders, tagsOf } from "./objects.ts";
import { readText, type S3Answer, type S3Request } from "./request.ts";
import type { S3Store } from "./store.ts";
import type { Part, Upload } from "./uploads.ts";
import { childrenOf, parseXml, textOf, toXml } from "./xml.ts";

const MAX_PART_NUMBER = 10_000;
/** All parts but the last. */
const MIN_PART_BYTES = 5 * 1024 * 1024;

export async function createMultipartUpload(request: S3Request, store: S3Store, now: number): Promise<S3Answer> {
  const { bucket, key, headers } = request;
  const id = randomBytes(32).toString("hex");
  store.uploads.add({ id, bucket, key, keptHeaders: keptHeaders(headers), tags: tagsOf(headers) }, now);
  const result = { Bucket: bucket, Key: key, UploadId: id };
  return { status: 200, body: toXml("InitiateMultipartUploadResult", result) };
}

export async function uploadPart(request: S3Request, store: S3Store, now: number): Promise<S3Answer> {
  const id = requireUpload(request, store).id;
  const number = Number(request.query.get("partNumber"));
  if (!Number.isInteger(number) || number < 1 || number > MAX_PART_NUMBER) {
    throw new S3Error("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive");
  }
  if (request.headers["x-amz-copy-source"] !== undefined) throw S3Error.notImplemented("UploadPartCopy");
  const { blob, size, md5, checksum } = await receiveBody(request, store);
  const part = { number, blob, size, md5, modifiedAt: now };
  const replaced = store.transaction(() => store.uploads.putPart(id, part));
  if (replaced !== undefined) store.removeBlobs(replaced.blob);
  const shown = checksum === undefined ? {} : { [`x-amz-checksum-${checksum.algorithm}`]: checksum.value };
  return { status: 200, headers: { etag: `"${md5}"`, ...shown } };
}

export async function listParts(request: S3Request, store: S3Store): Promise<S3Answer> {
  const { id, bucket, key } = requireUpload(request, store);
  const parts = store.uploads.parts(id).map(({ number, size, md5, modifiedAt }) => {
    return { PartNumber: number, LastModified: new Date(modifiedAt).toISOString(), ETag: `"${md5}"`, Size: size };
  });
  const result = { Bucket: bucket, Key: key, UploadId: id, IsTruncated: false, Part: parts };
  return { status: 200, body: toXml("ListPartsResult", result) };
}

export async function completeMultipartUpload(request: S3Request, store: S3Store, now: number): Promise<S3Answer> {
  const { id, bucket, key, keptHeaders: headers, tags } = requireUpload(request, store);
  const parts = selectParts(await readText(request), store.uploads.parts(id));
  const { blob, size } = await storeBytes(concatenate(store, parts), store);
  const digest = createHash("md5")
    .update(Buffer.from(parts.map((part) => part.md5).join(""), "hex"))
    .digest("hex");
  const etag = `"${digest}-${parts.length}"`;
  const object = { bucket, key, blob, size, etag, modifiedAt: now, headers, checksum: undefined, tags };
  let partBlobs: string[] = [];
  try {
    store.put(object, "ObjectCreated:CompleteMultipartUpload", request.sourceIp, (existing) => {
      // In the object's transaction: it may have been completed or aborted while its parts were joined.
      requireUpload(request, store);
      requireIfMatch(request.headers, existing);
      partBlobs = store.uploads.forget(id);
    });
  } catch (error) {
    store.removeBlobs(blob);
    throw error;
  }
  store.removeBlobs(...partBlobs);
  const result = { Location: `${request.rawPath}`, Bucket: bucket, Key: key, ETag: etag };
  return { status: 200, body: toXml("CompleteMultipartUploadResult", result) };
}

export async function abortMultipartUpload(request: S3Request, store: S3Store): Promise<S3Answer> {
  const { id } = requireUpload(request, store);
  store.removeBlobs(...store.transaction(() => store.uploads.forget(id)));
  return { status: 204 };
}

function requireUpload({ bucket, key, query }: S3Request, store: S3Store): Upload {
  const id = query.get("uploadId") ?? "";
  const upload = store.uploads.find(id, bucket, key);
  if (upload === undefined) {
    throw new S3Error("NoSuchUpload", "The specified multipart upload does not exist.", { UploadId: id });
  }
  return upload;
}

/** The parts that the request lists, in its order. @throws S3Error if one of them is not there, or too small */
function selectParts(xml: string, stored: readonly Part[]): Part[] {
  const root = parseXml(xml);
  const listed = root === undefined ? [] : childrenOf(root, "Part");
  if (root?.name !== "CompleteMultipartUpload" || listed.length === 0) throw S3Error.malformedXml();
  const parts = listed.map((element) => {
    const number = Number(textOf(element, "PartNumber"));
    const etag = (textOf(element, "ETag") ?? "").replaceAll('"', "");
    const part = stored.find((candidate) => candidate.number === number && candidate.md5 === etag);
    if (part === undefined) {
      throw new S3Error("InvalidPart", "One or more of the specified parts could not be found.", {
        PartNumber: `${number}`,
      });
    }
    return part;
  });
  parts.forEach((part, index) => {
    const next = parts[index + 1];
    if (next !== undefined && next.number <= part.number) {
      throw new S3Error("InvalidPartOrder", "The list of parts was not in ascending order.");
    }
    if (next !== undefined && part.size < MIN_PART_BYTES) {
      throw new S3Error("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", {
        PartNumber: `${part.number}`,
      });
    }
  });
  return parts;
}

async function* concatenate(store: S3Store, parts: readonly Part[]): AsyncGenerator<Buffer> {
  for (const part of parts) {
    for await (const piece of createReadStream(store.blobPath(part.blob))) {
      yield piece;
    }
  }
}
