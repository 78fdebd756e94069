import { request as httpRequest } from "node:http";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll } from "vitest";
import { type Cloud, openCloud, uniqueName } from "./cloud.ts";

let cloud: Cloud;

export let s3: S3Client;

beforeAll(async () => {
  cloud = await openCloud();
  s3 = cloud.s3;
});

afterAll(() => cloud.gateway.close());

export const MIB = 1024 * 1024;

export async function createBucket(client = s3): Promise<string> {
  const Bucket = uniqueName();
  await client.send(new CreateBucketCommand({ Bucket }));
  return Bucket;
}

export const put = (Bucket: string, Key: string, Body: string | Buffer | Readable, more = {}) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));

export async function read(Bucket: string, Key: string, more = {}, client = s3): Promise<string | undefined> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return Body?.transformToString();
}

export async function keysOf(Bucket: string, more = {}): Promise<(string | undefined)[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, ...more }));
  return Contents.map(({ Key }) => Key);
}

/** Sends a path as it is: `fetch` would normalise it. */
export function sendRaw(method: string, path: string, headers: Record<string, string> = {}, body = "") {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const { port } = cloud.gateway;
    const request = httpRequest({ host: "127.0.0.1", port, method, path, headers }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, text: body }), reject);
    });
    request.once("error", reject).end(body);
  });
}

/** Puts headers into a request that the SDK has no field for, or would make right; an empty one takes its own away. */
export async function sendWith<T>(headers: Record<string, string>, send: () => Promise<T>): Promise<T> {
  s3.middlewareStack.add(
    (next) => (args) => {
      const all: Record<string, string> = Object.assign(Object(args.request).headers, headers);
      for (const [name, value] of Object.entries(headers)) if (value === "") delete all[name];
      return next(args);
    },
    { name: "headers", step: "build", priority: "low" },
  );
  try {
    return await send();
  } finally {
    s3.middlewareStack.remove("headers");
  }
}
