import type { MultipartStore, MultipartUpload } from "../aws/s3-multipart.ts";
import { checkUpload, filenameMetadata, type UploadRequest, uploadKey } from "./files.ts";

/** Seconds that a link to a part can be used. */
export const PART_SECONDS = 3600;

/** S3 takes no smaller part but as the last, and at most so many. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const LEAST_PART_BYTES = 8 * 1_048_576;
const MAX_PARTS = 10_000;
const MEBIBYTE = 1_048_576;

/** Links that one answer has: enough to be busy for a while, and few enough for a slow line to use in time. */
const MAX_LINKS = 20;

/** A part of a file: bytes from `start`, up to and without `end`. */
interface Part {
  number: number;
  start: number;
  end: number;
}

/** How far a file has come. */
interface Parts {
  sentBytes: number;
  /** The next parts that are missing, at most 20, each with a link that takes it; none when all are there. */
  parts: (Part & { url: string })[];
}

/** Files that are sent to the bucket in parts, each by a link of its own. */
export interface FileParts {
  /** Begins the upload of a file that the task `id` will process. @throws InvalidOptionError */
  begin(id: string, request: UploadRequest & { size: number }): Promise<MultipartUpload>;
  /** Undefined if the parts are gone: they have become the file, were given up, or took too long. */
  missing(id: string, upload: MultipartUpload): Promise<Parts | undefined>;
  /**
   * Makes the file of its parts. Done again, it is done.
   * @returns the bytes that are missing, 0 if it is done; undefined if the parts are gone, and there is no such file
   */
  join(id: string, upload: MultipartUpload): Promise<number | undefined>;
  /** Whether the file is there, made of all its parts. */
  isJoined(id: string, upload: MultipartUpload): Promise<boolean>;
  /** Removes the parts. */
  giveUp(id: string, upload: MultipartUpload): Promise<void>;
}

export function createFileParts({ store, maxBytes }: { store: MultipartStore; maxBytes: () => number }): FileParts {
  /** The parts that S3 has whole, and those that it has not. */
  const look = async (id: string, upload: MultipartUpload) => {
    const stored = await store.parts(uploadKey(id), upload.uploadId);
    if (stored === undefined) return undefined;
    const known = new Map(stored.map((part) => [part.number, part]));
    const isThere = ({ number, start, end }: Part): boolean => known.get(number)?.sizeBytes === end - start;
    const all = partsOf(upload);
    return { stored, missing: all.filter((part) => !isThere(part)) };
  };

  const isJoined = async (id: string, { sizeBytes }: MultipartUpload): Promise<boolean> =>
    (await store.sizeOf(uploadKey(id))) === sizeBytes;

  return {
    async begin(id, request) {
      const { filename, contentType, size } = request;
      checkUpload(request, { least: 1, most: maxBytes() });
      const uploadId = await store.begin({ key: uploadKey(id), contentType, metadata: filenameMetadata(filename) });
      const needed = Math.ceil(size / MAX_PARTS / MEBIBYTE) * MEBIBYTE;
      return { uploadId, sizeBytes: size, partBytes: Math.max(LEAST_PART_BYTES, needed) };
    },

    async missing(id, upload) {
      const seen = await look(id, upload);
      if (seen === undefined) return undefined;
      const key = uploadKey(id);
      const parts = seen.missing.slice(0, MAX_LINKS).map(async (part) => {
        const { number, start, end } = part;
        const { uploadId } = upload;
        const link = { key, uploadId, number, sizeBytes: end - start, seconds: PART_SECONDS };
        return { ...part, url: await store.presignPart(link) };
      });
      return { sentBytes: upload.sizeBytes - bytesOf(seen.missing), parts: await Promise.all(parts) };
    },

    async join(id, upload) {
      const seen = await look(id, upload);
      if (seen === undefined) return (await isJoined(id, upload)) ? 0 : undefined;
      if (seen.missing.length > 0) return bytesOf(seen.missing);
      await store.complete(uploadKey(id), upload.uploadId, seen.stored);
      return 0;
    },

    isJoined,
    giveUp: (id, { uploadId }) => store.abort(uploadKey(id), uploadId),
  };
}

function partsOf({ sizeBytes, partBytes }: MultipartUpload): Part[] {
  return Array.from({ length: Math.ceil(sizeBytes / partBytes) }, (_, index) => ({
    number: index + 1,
    start: index * partBytes,
    end: Math.min(sizeBytes, (index + 1) * partBytes),
  }));
}

function bytesOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { start, end }) => sum + (end - start), 0);
}
