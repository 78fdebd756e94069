/** Multipart uploads. https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html */
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { receiveBody, storeBytes } from "./body.ts";
import { checksumOf, requireChecksum } from "./checksums.ts";
import { requireIfMatch } from "./conditions.ts";
import { copySource } from "./copy.ts";
import { encryptionHeaders, encryptionOf } from "./encryption.ts";
import { S3Error } from "./error.ts";
import { shownBy } from "./listing.ts";
import { askedChecksum, askedFields, listedChecksums, PartDigests, splitKept } from "./part-checksums.ts";
import { readBytes, type S3Answer, type S3Request } from "./request.ts";
import type { Checksum, S3Store } from "./store.ts";
import { checksumFields, keptHeaders } from "./stored-object.ts";
import { tagsOf } from "./tags.ts";
import type { Part, Upload } from "./uploads.ts";
import { childrenOf, parseXml, textOf, toXml, type XmlElement } from "./xml.ts";

const MAX_PART_NUMBER = 10_000;
/** All parts but the last. */
const MIN_PART_BYTES = 5 * 1024 * 1024;

export async function createMultipartUpload(request: S3Request, store: S3Store, now: number): Promise<S3Answer> {
  const { bucket, key, headers } = request;
  const id = randomBytes(32).toString("hex");
  const encryption = encryptionOf(headers, store, bucket);
  const checksum = askedChecksum(headers);
  const kept = { ...keptHeaders(headers), ...encryption, ...checksum };
  store.uploads.add({ id, bucket, key, keptHeaders: kept, tags: tagsOf(headers) }, now);
  const result = { Bucket: bucket, Key: key, UploadId: id };
  return {
    status: 200,
    headers: { ...encryption, ...checksum },
    body: toXml("InitiateMultipartUploadResult", result),
  };
}

export async function uploadPart(request: S3Request, store: S3Store, now: number): Promise<S3Answer> {
  const { id, keptHeaders: kept } = requireUpload(request, store);
  const encryption = encryptionHeaders(kept);
  const number = Number(request.query.get("partNumber"));
  if (!Number.isInteger(number) || number < 1 || number > MAX_PART_NUMBER) {
    throw new S3Error("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive", {
      ArgumentName: "partNumber",
      ArgumentValue: request.query.get("partNumber") ?? "",
    });
  }
  const put = ({ blob, size, md5 }: { blob: string; size: number; md5: string }): void => {
    const part = { number, blob, size, md5, modifiedAt: now };
    const replaced = store.transaction(() => store.uploads.putPart(id, part));
    if (replaced !== undefined) store.removeBlobs(replaced.blob);
  };
  if (request.headers["x-amz-copy-source"] !== undefined) {
    const copied = await copyPart(request, store);
    put(copied);
    const result = { LastModified: new Date(now).toISOString(), ETag: `"${copied.md5}"` };
    return { status: 200, headers: encryption, body: toXml("CopyPartResult", result) };
  }
  const { checksum, ...received } = await receiveBody(request, store);
  put(received);
  const shown = checksum === undefined ? {} : { [`x-amz-checksum-${checksum.algorithm}`]: checksum.value };
  return { status: 200, headers: { etag: `"${received.md5}"`, ...encryption, ...shown } };
}

/** UploadPartCopy: a part that is another object, or a range of one. */
async function copyPart(request: S3Request, store: S3Store): Promise<{ blob: string; size: number; md5: string }> {
  const source = copySource(request, store);
  const text = request.headers["x-amz-copy-source-range"];
  const [, from = "", to = ""] = /^bytes=(\d+)-(\d+)$/.exec(text ?? "bytes=0-0") ?? [];
  if (from === "") {
    throw new S3Error("InvalidArgument", "The x-amz-copy-source-range value must be of the form bytes=first-last");
  }
  const range = text === undefined ? undefined : { start: Number(from), end: Number(to) };
  if (range !== undefined && (range.start > range.end || range.end >= source.size)) {
    throw new S3Error("InvalidArgument", `Range specified is not valid for source object of size: ${source.size}`, {
      ArgumentName: "x-amz-copy-source-range",
      ArgumentValue: text ?? "",
    });
  }
  return storeBytes(createReadStream(store.blobPath(source.blob), range), store);
}

const MAX_LISTED = 1000;

/** A bound of a list. @throws S3Error for what is no whole number from 0 */
function bound(query: URLSearchParams, name: string, most: number): number {
  const text = query.get(name);
  const value = text === null || text === "" ? most : Number(text);
  if (Number.isInteger(value) && value > 2_147_483_647) {
    throw new S3Error("InvalidArgument", `Provided ${name} not an integer or within integer range`, {
      ArgumentName: name,
      ArgumentValue: text ?? "",
    });
  }
  if (!Number.isInteger(value) || value < 0) {
    throw new S3Error("InvalidArgument", `Argument ${name} must be an integer between 0 and 2147483647`);
  }
  return Math.min(value, most);
}

export async function listParts(request: S3Request, store: S3Store): Promise<S3Answer> {
  const { id, bucket, key, keptHeaders: headers } = requireUpload(request, store);
  const max = bound(request.query, "max-parts", MAX_LISTED);
  const marker = bound(request.query, "part-number-marker", 2_147_483_647);
  const after = request.query.get("part-number-marker") ? marker : 0;
  const left = store.uploads.parts(id).filter(({ number }) => number > after);
  const page = left.slice(0, max);
  const parts = page.map(({ number, size, md5, modifiedAt }) => {
    return { PartNumber: number, LastModified: new Date(modifiedAt).toISOString(), ETag: `"${md5}"`, Size: size };
  });
  const isTruncated = left.length > page.length;
  const result = {
    Bucket: bucket,
    Key: key,
    UploadId: id,
    PartNumberMarker: after,
    NextPartNumberMarker: page.at(-1)?.number ?? 0,
    MaxParts: max,
    IsTruncated: isTruncated,
    StorageClass: headers["x-amz-storage-class"] ?? "STANDARD",
    ...askedFields(headers),
    Part: parts,
  };
  return { status: 200, body: toXml("ListPartsResult", result) };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html */
export async function listMultipartUploads({ bucket, query }: S3Request, store: S3Store): Promise<S3Answer> {
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const keyMarker = query.get("key-marker") ?? "";
  const idMarker = query.get("upload-id-marker") ?? "";
  const max = bound(query, "max-uploads", MAX_LISTED);
  const show = shownBy(query);
  const all = store.uploads.list(bucket).filter(({ key }) => key.startsWith(prefix));
  const begin = all.findIndex(({ key, id }) => key === keyMarker && id === idMarker);
  const left = begin >= 0 ? all.slice(begin + 1) : all.filter(({ key }) => keyMarker === "" || key > keyMarker);
  const commonOf = (key: string): string | undefined => {
    const end = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    return end < 0 ? undefined : key.slice(0, end + delimiter.length);
  };
  const page = left.slice(0, max);
  const last = page.at(-1);
  const isTruncated = left.length > page.length;
  const common = [...new Set(page.flatMap(({ key }) => commonOf(key) ?? []))];
  const Upload = page
    .filter(({ key }) => commonOf(key) === undefined)
    .map(({ id, key, keptHeaders: headers, createdAt }) => ({
      Key: show(key),
      UploadId: id,
      StorageClass: headers["x-amz-storage-class"] ?? "STANDARD",
      ...askedFields(headers),
      Initiated: new Date(createdAt).toISOString(),
    }));
  const result = {
    Bucket: bucket,
    KeyMarker: show(keyMarker),
    UploadIdMarker: idMarker,
    NextKeyMarker: isTruncated ? show(last?.key ?? "") : undefined,
    NextUploadIdMarker: isTruncated ? last?.id : undefined,
    Delimiter: delimiter === "" ? undefined : show(delimiter),
    Prefix: show(prefix),
    EncodingType: query.get("encoding-type") ?? undefined,
    MaxUploads: max,
    IsTruncated: isTruncated,
    Upload,
    CommonPrefixes: common.map((one) => ({ Prefix: show(one) })),
  };
  return { status: 200, body: toXml("ListMultipartUploadsResult", result) };
}

export async function completeMultipartUpload(request: S3Request, store: S3Store, now: number): Promise<S3Answer> {
  const again = completedBefore(request, store);
  if (again !== undefined) {
    listedParts((await readBytes(request)).toString());
    return completed(request, store, again);
  }
  const upload = requireUpload(request, store);
  const { id, bucket, key, tags } = upload;
  const { headers, asked } = splitKept(upload.keptHeaders);
  const parts = selectParts((await readBytes(request)).toString(), store.uploads.parts(id));
  const sent = checksumOf(Object.entries(request.headers));
  const algorithm = sent?.algorithm ?? asked["x-amz-checksum-algorithm"]?.toLowerCase();
  const digests = new PartDigests([
    ...parts.flatMap(({ checksums }) => checksums.map((checksum) => checksum.algorithm)),
    ...(algorithm === undefined ? [] : [algorithm]),
  ]);
  const { blob, size } = await storeBytes(concatenate(store, parts, digests), store);
  const digest = createHash("md5")
    .update(Buffer.from(parts.map((part) => part.md5).join(""), "hex"))
    .digest("hex");
  const etag = `"${digest}-${parts.length}"`;
  const sizes = parts.map((part) => part.size);
  let partBlobs: string[] = [];
  try {
    requireParts(parts, digests);
    const type = request.headers["x-amz-checksum-type"] ?? asked["x-amz-checksum-type"] ?? "FULL_OBJECT";
    const checksum = algorithm === undefined ? undefined : digests.ofObject(algorithm, type);
    requireChecksum(sent, checksum?.value);
    const object = { bucket, key, blob, size, etag, modifiedAt: now, headers, checksum, tags, parts: sizes };
    store.put(object, "ObjectCreated:CompleteMultipartUpload", request.sourceIp, (existing) => {
      // In the object's transaction: it may have been completed or aborted while its parts were joined.
      requireUpload(request, store);
      requireIfMatch(request.headers, existing);
      partBlobs = store.uploads.forget(id);
      store.uploads.complete(upload, etag, now);
    });
  } catch (error) {
    store.removeBlobs(blob);
    throw error;
  }
  store.removeBlobs(...partBlobs);
  return completed(request, store, etag);
}

/** The ETag that this upload has become, if its completion was answered before and nobody heard it. */
function completedBefore({ bucket, key, query }: S3Request, store: S3Store): string | undefined {
  return store.uploads.completed(query.get("uploadId") ?? "", bucket, key);
}

function completed({ rawPath, bucket, key }: S3Request, store: S3Store, etag: string): S3Answer {
  const object = store.object(bucket, key);
  const checksum = object?.etag === etag ? checksumFields(object) : {};
  const result = { Location: rawPath, Bucket: bucket, Key: key, ETag: etag, ...checksum };
  const headers = encryptionHeaders(object?.headers ?? {});
  return { status: 200, headers, body: toXml("CompleteMultipartUploadResult", result) };
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
    throw new S3Error(
      "NoSuchUpload",
      "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
      { UploadId: id },
    );
  }
  return upload;
}

/** A part that a completion lists, with the checksums that it lists for it. */
type ListedPart = Part & { readonly checksums: readonly Checksum[] };

/** @throws S3Error InvalidPart if a listed checksum is not that of the part */
function requireParts(parts: readonly ListedPart[], digests: PartDigests): void {
  for (const [index, { number, checksums }] of parts.entries()) {
    if (checksums.some(({ algorithm, value }) => digests.ofPart(index, algorithm) !== value)) throw invalidPart(number);
  }
}

function invalidPart(number: number): S3Error {
  return new S3Error("InvalidPart", "One or more of the specified parts could not be found.", {
    PartNumber: `${number}`,
  });
}

/** @throws S3Error MalformedXML if it lists none */
function listedParts(xml: string): XmlElement[] {
  const root = parseXml(xml);
  const listed = root === undefined ? [] : childrenOf(root, "Part");
  if (root?.name !== "CompleteMultipartUpload" || listed.length === 0) throw S3Error.malformedXml();
  return listed;
}

/** The parts that the request lists, in its order. @throws S3Error if one of them is not there, or too small */
function selectParts(xml: string, stored: readonly Part[]): ListedPart[] {
  const parts = listedParts(xml).map((element) => {
    const number = Number(textOf(element, "PartNumber"));
    const etag = (textOf(element, "ETag") ?? "").replaceAll('"', "");
    const part = stored.find((candidate) => candidate.number === number && candidate.md5 === etag);
    if (part === undefined) throw invalidPart(number);
    return { ...part, checksums: listedChecksums(element) };
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

async function* concatenate(store: S3Store, parts: readonly Part[], digests: PartDigests): AsyncGenerator<Buffer> {
  for (const part of parts) {
    yield* digests.add(createReadStream(store.blobPath(part.blob)));
  }
}
