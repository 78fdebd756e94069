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
  /** A link that anyone may read the object with for `seconds`. */
  presignGet(key: string, seconds: number): Promise<string>;
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
    async presignGet(key, seconds) {
      const { GetObjectCommand } = await import("@aws-sdk/client-s3");
      const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
      const command = new GetObjectCommand({ Bucket: bucketName(), Key: key });
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
