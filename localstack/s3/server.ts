/**
 * S3: buckets and objects on disk behind the gateway, path style.
 *
 * Our own, because no package could be made safe: @20minutes/s3rver 5.0.0, the best on npm, follows `..` in keys, bucket names,
 * upload ids and copy sources out of its directory, ends its process when a listed part is missing, fails on any list that is
 * cut at its limit (its DES cipher is gone from OpenSSL 3), gives the whole object for `bytes=0-0`, refuses streamed uploads,
 * and lets an interrupted upload destroy the object that it was to replace.
 *
 * Still different from AWS: no versions, object lock, ACLs, website or SelectObject (501, never ignored);
 * lifecycle and policy are kept but have no effect; encryption and storage classes are only words.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import * as buckets from "./buckets.ts";
import { corsHeaders, preflight } from "./cors.ts";
import { operationOf, refuseSignatureVersion2, requireDone } from "./door.ts";
import { S3Error } from "./error.ts";
import { listObjects } from "./listing.ts";
import * as multipart from "./multipart.ts";
import { NoticeDelivery } from "./notification-delivery.ts";
import { Notifications } from "./notifications.ts";
import * as objects from "./objects.ts";
import { postObject } from "./post-policy.ts";
import { parseRequest, type S3Answer, type S3Request } from "./request.ts";
import { handleSetting, SETTING_NAMES } from "./settings.ts";
import { createKeyring, type Keyring, requireSignature } from "./signature.ts";
import { S3Store } from "./store.ts";
import { toXml } from "./xml.ts";

export interface S3Options {
  /** Where SQS is, for notifications. */
  readonly endpoint: string;
  /** Keeps buckets here; absent: in a temporary directory, removed by `close`. */
  readonly dataDir?: string | undefined;
  /** Milliseconds since the epoch. @defaultValue Date.now */
  readonly now?: (() => number) | undefined;
  readonly log: (line: string) => void;
}

export interface S3 {
  handle(message: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Sends the event notifications that the last run had not sent. */
  startNotifying(): void;
  /** Sends no more event notifications; what is not sent waits in the data directory. */
  stopNotifying(): Promise<void>;
  close(): Promise<void>;
}

type Operation = (request: S3Request, store: S3Store, now: number) => Promise<S3Answer>;
type Operations = Readonly<Record<string, Operation>>;

interface Service {
  readonly store: S3Store;
  readonly notifications: Notifications;
  readonly keyring: Keyring;
  readonly now: () => number;
}

const ACCOUNT_OPERATIONS: Operations = { GET: buckets.listBuckets };
const BUCKET_OPERATIONS: Operations = {
  GET: listObjects,
  HEAD: buckets.headBucket,
  DELETE: buckets.deleteBucket,
  "GET ?location": buckets.getBucketLocation,
  "GET ?versioning": async () => ({ status: 200, body: toXml("VersioningConfiguration", {}) }),
  "GET ?uploads": multipart.listMultipartUploads,
  "POST ?delete": buckets.deleteObjects,
};
const OBJECT_OPERATIONS: Operations = {
  GET: objects.getObject,
  HEAD: objects.getObject,
  PUT: objects.putObject,
  DELETE: objects.deleteObject,
  "GET ?attributes": objects.getObjectAttributes,
  "GET ?tagging": objects.getObjectTagging,
  "PUT ?tagging": objects.putObjectTagging,
  "DELETE ?tagging": objects.deleteObjectTagging,
  "POST ?uploads": multipart.createMultipartUpload,
  "PUT ?uploadId": multipart.uploadPart,
  "GET ?uploadId": multipart.listParts,
  "POST ?uploadId": multipart.completeMultipartUpload,
  "DELETE ?uploadId": multipart.abortMultipartUpload,
};
/** Opens S3: with a `dataDir`, with the buckets that an earlier run left there. */
export async function openS3(options: S3Options): Promise<S3> {
  const { endpoint, log, now = Date.now } = options;
  const temporary = options.dataDir === undefined ? mkdtempSync(join(tmpdir(), "lovage-s3-")) : undefined;
  const directory = temporary ?? join(options.dataDir ?? "", "s3");
  mkdirSync(directory, { recursive: true });
  const store = new S3Store(directory, temporary === undefined ? join(directory, "s3.db") : ":memory:");
  const delivery = new NoticeDelivery({ store, endpoint, now, log });
  const notifications = new Notifications(store, delivery, now);
  const service = { store, notifications, keyring: createKeyring(process.env), now };

  return {
    async handle(message, response) {
      const requestId = randomBytes(8).toString("hex").toUpperCase();
      let request: S3Request | undefined;
      let shared: Record<string, string> = {};
      let answer: S3Answer;
      try {
        request = parseRequest(message);
        shared = request.method === "OPTIONS" ? {} : corsHeaders(request, store);
        answer = await perform(request, service);
      } catch (error) {
        answer = answerError(error, requestId, message.method === "HEAD", log);
      }
      await send(response, answer, { ...shared, "x-amz-request-id": requestId });
      // The rest of a refused upload is taken in, so that its client can read why.
      await request?.body.drain().catch(() => {});
    },
    startNotifying: () => delivery.wake(),
    stopNotifying: () => delivery.close(),
    async close() {
      await delivery.close();
      store.close();
      if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
    },
  };
}

async function perform(request: S3Request, service: Service): Promise<S3Answer> {
  const { store, notifications, keyring, now } = service;
  const { method, bucket, key } = request;
  if (method === "OPTIONS") return preflight(request, store);
  refuseSignatureVersion2(request);
  const operation = operationOf(request);
  if (operation === "POST" && bucket !== "" && key === "") {
    buckets.requireBucket(store, bucket);
    return postObject(request, store, keyring, now());
  }
  requireSignature(request, keyring, now());
  requireDone(request, operation);
  if (bucket === "") return run(ACCOUNT_OPERATIONS, operation, request, service);
  if (operation === "PUT" && key === "") {
    notifications.forget(bucket);
    return buckets.createBucket(request, store, now());
  }
  // The list is read before its bucket is looked for.
  if (operation !== "POST ?delete") buckets.requireBucket(store, bucket);
  const setting = SETTING_NAMES.find((name) => key === "" && operation.endsWith(` ?${name}`));
  if (setting !== undefined) return handleSetting(setting, request, store, notifications);
  return run(key === "" ? BUCKET_OPERATIONS : OBJECT_OPERATIONS, operation, request, service);
}

function run(operations: Operations, name: string, request: S3Request, { store, now }: Service): Promise<S3Answer> {
  const operation = operations[name];
  if (operation === undefined) throw S3Error.notImplemented(`'${name}' of ${request.rawPath}`);
  return operation(request, store, now());
}

async function send(
  response: ServerResponse,
  { status, headers = {}, body }: S3Answer,
  shared: Record<string, string>,
): Promise<void> {
  const all = { ...shared, ...headers };
  if (typeof body === "string") {
    const length = Buffer.byteLength(body);
    response.writeHead(status, { "content-type": "application/xml", ...all, "content-length": length }).end(body);
  } else if (body === undefined) {
    response.writeHead(status, status === 204 || status === 304 ? all : { "content-length": 0, ...all }).end();
  } else {
    response.writeHead(status, all);
    await pipeline(body, response);
  }
}

function answerError(error: unknown, requestId: string, withoutBody: boolean, log: (line: string) => void): S3Answer {
  if (!(error instanceof S3Error)) log(`s3: a request failed: ${error instanceof Error ? error.stack : error}`);
  const known = error instanceof S3Error ? error : new S3Error("InternalError", "The local S3 failed; see its log.");
  return withoutBody ? { status: known.status } : { status: known.status, body: known.toXml(requestId) };
}
