import { Readable } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import { clientSettings } from "./settings.ts";

interface StoredObject {
  sizeBytes: number;
  contentType: string;
  metadata: Readonly<Record<string, string>>;
}

/** A form that lets its holder upload one object: send `fields` and then the file as multipart/form-data to `url`. */
export interface PresignedPost {
  url: string;
  fields: Record<string, string>;
}

export interface Bucket {
  /** Undefined if there is no such object. */
  head(key: string): Promise<StoredObject | undefined>;
  /** The object's bytes as a stream. */
  get(key: string): Promise<Readable>;
  put(key: string, body: Uint8Array | string, contentType: string): Promise<void>;
  /** One that is gone already is no error. */
  remove(key: string): Promise<void>;
  /** A link that anyone may read the object with for `seconds`; as a file to be saved under the name `attachment`, if that is given. */
  presignGet(key: string, seconds: number, attachment?: string): Promise<string>;
  presignPost(form: {
    key: string;
    fields: Record<string, string>;
    minBytes: number;
    maxBytes: number;
    seconds: number;
  }): Promise<PresignedPost>;
}

/** The calls on one bucket that Lovage makes. The client is imported on first use: most functions never touch files. */
export function createBucket(bucketName: () => string): Bucket {
  let client: Promise<S3Client> | undefined;
  const connect = (): Promise<S3Client> => {
    client ??= import("@aws-sdk/client-s3").then(({ S3Client }) => new S3Client(clientSettings));
    return client;
  };

  return {
    async head(key) {
      const { HeadObjectCommand, NotFound } = await import("@aws-sdk/client-s3");
      try {
        const answer = await (await connect()).send(new HeadObjectCommand({ Bucket: bucketName(), Key: key }));
        return {
          sizeBytes: answer.ContentLength ?? 0,
          contentType: answer.ContentType ?? "application/octet-stream",
          metadata: answer.Metadata ?? {},
        };
      } catch (error) {
        if (error instanceof NotFound) return undefined;
        throw error;
      }
    },
    async get(key) {
      const { GetObjectCommand } = await import("@aws-sdk/client-s3");
      const answer = await (await connect()).send(new GetObjectCommand({ Bucket: bucketName(), Key: key }));
      if (!(answer.Body instanceof Readable)) throw new Error(`Object '${key}' came without a body stream.`);
      return answer.Body;
    },
    async put(key, body, contentType) {
      const { PutObjectCommand } = await import("@aws-sdk/client-s3");
      await (await connect()).send(
        new PutObjectCommand({ Bucket: bucketName(), Key: key, Body: body, ContentType: contentType }),
      );
    },
    async remove(key) {
      const { DeleteObjectCommand } = await import("@aws-sdk/client-s3");
      await (await connect()).send(new DeleteObjectCommand({ Bucket: bucketName(), Key: key }));
    },
    async presignGet(key, seconds, attachment) {
      const { GetObjectCommand } = await import("@aws-sdk/client-s3");
      const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
      const command = new GetObjectCommand({
        Bucket: bucketName(),
        Key: key,
        // A browser that showed it would run the page of a stranger.
        ...(attachment !== undefined && {
          ResponseContentType: "application/octet-stream",
          ResponseContentDisposition: `attachment; filename*=UTF-8''${encodeRfc5987(attachment)}`,
        }),
      });
      return getSignedUrl(await connect(), command, { expiresIn: seconds });
    },
    async presignPost({ key, fields, minBytes, maxBytes, seconds }) {
      const { createPresignedPost } = await import("@aws-sdk/s3-presigned-post");
      return createPresignedPost(await connect(), {
        Bucket: bucketName(),
        Key: key,
        Fields: fields,
        Conditions: [["content-length-range", minBytes, maxBytes]],
        Expires: seconds,
      });
    },
  };
}

/** https://www.rfc-editor.org/rfc/rfc5987#section-3.2 */
function encodeRfc5987(text: string): string {
  return encodeURIComponent(text).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
