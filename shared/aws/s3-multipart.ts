import type { S3Client } from "@aws-sdk/client-s3";
import { clientSettings } from "./settings.ts";

/** An upload in parts that S3 has begun, and the file that it is to become. */
export interface MultipartUpload {
  uploadId: string;
  sizeBytes: number;
  /** Of each part but the last, which is what remains. */
  partBytes: number;
}

/** A part that S3 has. */
interface StoredPart {
  number: number;
  sizeBytes: number;
  etag: string;
}

/** S3's uploads in parts. https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html */
export interface MultipartStore {
  /** Answers with the upload's id. */
  begin(object: { key: string; contentType: string; metadata: Readonly<Record<string, string>> }): Promise<string>;
  /** In the order of their numbers; undefined if S3 has no such upload, or no more. */
  parts(key: string, uploadId: string): Promise<StoredPart[] | undefined>;
  /** A link that takes one part of exactly this size, with PUT, for `seconds`. */
  presignPart(part: {
    key: string;
    uploadId: string;
    number: number;
    sizeBytes: number;
    seconds: number;
  }): Promise<string>;
  /** Makes the object. Done again after a lost answer, it is done. */
  complete(key: string, uploadId: string, parts: readonly StoredPart[]): Promise<void>;
  /** Removes the parts. An upload that is gone already is no error. */
  abort(key: string, uploadId: string): Promise<void>;
  /** Bytes of an object, from a list, which takes no right to read it; undefined if there is none. */
  sizeOf(key: string): Promise<number | undefined>;
}

/** The client is imported on first use: most calls never touch files. */
export function createMultipartStore(bucketName: () => string): MultipartStore {
  let client: Promise<S3Client> | undefined;
  const connect = (): Promise<S3Client> => {
    client ??= import("@aws-sdk/client-s3").then(
      // A checksum that the SDK added to a link would be that of no body at all.
      ({ S3Client }) => new S3Client({ ...clientSettings, requestChecksumCalculation: "WHEN_REQUIRED" }),
    );
    return client;
  };
  const place = (Key: string, UploadId: string) => ({ Bucket: bucketName(), Key, UploadId });

  return {
    async begin({ key, contentType, metadata }) {
      const { CreateMultipartUploadCommand } = await import("@aws-sdk/client-s3");
      const { UploadId } = await (await connect()).send(
        new CreateMultipartUploadCommand({
          Bucket: bucketName(),
          Key: key,
          ContentType: contentType,
          Metadata: { ...metadata },
        }),
      );
      if (UploadId === undefined) throw new Error(`S3 began an upload of '${key}' and did not name it.`);
      return UploadId;
    },
    async parts(key, uploadId) {
      const { ListPartsCommand } = await import("@aws-sdk/client-s3");
      const parts: StoredPart[] = [];
      try {
        // The SDK's own paginator never ends: S3 names a next part also where there is none.
        for (let PartNumberMarker: string | undefined, more = true; more; ) {
          const page = await (await connect()).send(
            new ListPartsCommand({ ...place(key, uploadId), ...(PartNumberMarker && { PartNumberMarker }) }),
          );
          for (const { PartNumber = 0, Size = 0, ETag = "" } of page.Parts ?? []) {
            parts.push({ number: PartNumber, sizeBytes: Size, etag: ETag });
          }
          PartNumberMarker = page.NextPartNumberMarker;
          more = page.IsTruncated === true && PartNumberMarker !== undefined;
        }
        return parts;
      } catch (error) {
        if (isNamed(error, "NoSuchUpload")) return undefined;
        throw error;
      }
    },
    async presignPart({ key, uploadId, number, sizeBytes, seconds }) {
      const { UploadPartCommand } = await import("@aws-sdk/client-s3");
      const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
      // The length is signed, so that no more is stored than was announced.
      const command = new UploadPartCommand({
        ...place(key, uploadId),
        PartNumber: number,
        ContentLength: sizeBytes,
      });
      return getSignedUrl(await connect(), command, { expiresIn: seconds });
    },
    async complete(key, uploadId, parts) {
      const { CompleteMultipartUploadCommand } = await import("@aws-sdk/client-s3");
      const Parts = parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag }));
      await (await connect()).send(
        new CompleteMultipartUploadCommand({ ...place(key, uploadId), MultipartUpload: { Parts } }),
      );
    },
    async abort(key, uploadId) {
      const { AbortMultipartUploadCommand } = await import("@aws-sdk/client-s3");
      try {
        await (await connect()).send(new AbortMultipartUploadCommand(place(key, uploadId)));
      } catch (error) {
        if (!isNamed(error, "NoSuchUpload")) throw error;
      }
    },
    async sizeOf(key) {
      const { ListObjectsV2Command } = await import("@aws-sdk/client-s3");
      const command = new ListObjectsV2Command({ Bucket: bucketName(), Prefix: key, MaxKeys: 1 });
      const { Contents = [] } = await (await connect()).send(command);
      return Contents.find(({ Key }) => Key === key)?.Size;
    },
  };
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}
