/**
 * Takes in the bytes of an upload: undoes the `aws-chunked` encoding that SDKs use for streams, checks every length and
 * checksum that came along, and only then says that they are there.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 *
 * The signatures of single chunks are not checked.
 */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { type ByteReader, UnexpectedEndError } from "./byte-reader.ts";
import { checksumOf, requireChecksum, requireMd5, requireSha256, trailerAlgorithm } from "./checksums.ts";
import { createDigester } from "./digests.ts";
import { S3Error } from "./error.ts";
import type { S3Request } from "./request.ts";
import type { Checksum, S3Store } from "./store.ts";

export interface ReceivedBody {
  readonly blob: string;
  readonly size: number;
  /** Hexadecimal. */
  readonly md5: string;
  readonly checksum: Checksum | undefined;
}

/** The most that S3 takes in one request. */
export const MAX_PUT_BYTES = 5 * 1024 ** 3;

/** Stores a request's body as a blob. @throws S3Error, and nothing is left of the body */
export async function receiveBody(request: S3Request, store: S3Store): Promise<ReceivedBody> {
  const { headers } = request;
  const chunked = (headers["x-amz-content-sha256"] ?? "").startsWith("STREAMING-");
  const length = chunked ? headers["x-amz-decoded-content-length"] : headers["content-length"];
  if (length === undefined) {
    throw new S3Error("MissingContentLength", "You must provide the Content-Length HTTP header.");
  }
  if (Number(length) > MAX_PUT_BYTES) {
    throw new S3Error("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size");
  }
  const trailers = new Map<string, string>();
  const bytes = chunked ? decodeChunks(request.body, trailers) : request.body.rest();
  const sent = checksumOf(Object.entries(headers)) ?? { algorithm: trailerAlgorithm(headers), value: "" };
  const { blob, size, md5, digests } = await storeBytes(bytes, store, ["sha256", sent.algorithm]);
  try {
    const checksum = checksumOf(trailers) ?? (sent.value === "" ? undefined : sent);
    if (size !== Number(length)) throw incomplete();
    requireMd5(headers["content-md5"], md5);
    requireSha256(headers["x-amz-content-sha256"] ?? "", digests.get("sha256") ?? "");
    requireChecksum(checksum, checksum && digests.get(checksum.algorithm));
    return { blob, size, md5, checksum };
  } catch (error) {
    store.removeBlobs(blob);
    throw error;
  }
}

/** Writes bytes to a new blob and digests them on the way; base64 digests by name. */
export async function storeBytes(
  bytes: AsyncIterable<Buffer>,
  store: S3Store,
  algorithms: readonly string[] = [],
): Promise<{ blob: string; size: number; md5: string; digests: Map<string, string> }> {
  const blob = store.newBlob();
  const md5 = createHash("md5");
  const digesters = new Map(algorithms.map((algorithm) => [algorithm, createDigester(algorithm)]));
  let size = 0;
  async function* digest() {
    for await (const piece of bytes) {
      size += piece.length;
      md5.update(piece);
      for (const digester of digesters.values()) digester?.update(piece);
      yield piece;
    }
  }
  try {
    await pipeline(digest(), createWriteStream(store.blobPath(blob)));
  } catch (error) {
    store.removeBlobs(blob);
    throw error instanceof UnexpectedEndError ? incomplete() : error;
  }
  const digests = new Map<string, string>();
  for (const [algorithm, digester] of digesters) {
    if (digester !== undefined) digests.set(algorithm, digester.base64());
  }
  return { blob, size, md5: md5.digest("hex"), digests };
}

/** `<size in hex>[;chunk-signature=…]` and its bytes, again and again, until size 0; then trailing headers. */
async function* decodeChunks(body: ByteReader, trailers: Map<string, string>): AsyncGenerator<Buffer> {
  for (;;) {
    const [size = ""] = (await body.line()).split(";");
    if (!/^[\da-f]{1,8}$/i.test(size)) throw incomplete();
    if (Number.parseInt(size, 16) === 0) break;
    yield* body.bytes(Number.parseInt(size, 16));
    if ((await body.line()) !== "") throw incomplete();
  }
  for (let line = await body.line(); line !== ""; line = await body.line()) {
    const colon = line.indexOf(":");
    trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
}

function incomplete(): S3Error {
  return new S3Error(
    "IncompleteBody",
    "You did not provide the number of bytes specified by the Content-Length HTTP header",
  );
}
