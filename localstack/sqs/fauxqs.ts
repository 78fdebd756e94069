/**
 * The parts of fauxqs that the local SQS is built from.
 *
 * fauxqs exports `buildApp` but neither the store that it serves nor the one way to keep that store on disk, so the store's
 * module is imported by its file. The version is pinned; should its insides move, `loadFauxqs` says so in one sentence.
 */
import { findPackageJSON } from "node:module";
import { pathToFileURL } from "node:url";
import type { BuildAppOptions, buildApp } from "fauxqs";
import { isObject, type JsonObject } from "../json.ts";

type Stores = NonNullable<BuildAppOptions["stores"]>;

type FauxqsApp = ReturnType<typeof buildApp>;
export type QueueStore = Stores["sqsStore"];
export type Queue = ReturnType<QueueStore["createQueue"]>;
export type Message = Queue["messages"][number];

export interface Fauxqs {
  /** A Fastify app that is served by no listener of its own: fauxqs's `startFauxqs` would listen on 0.0.0.0. */
  readonly app: FauxqsApp;
  readonly queues: QueueStore;
  /** The digest of a message's attributes; empty for none. */
  readonly md5OfMessageAttributes: (attributes: JsonObject) => string;
}

/** An app with an empty store. Only its SQS is to be routed to: its S3 and SNS come with the package and stay unreachable. */
export async function loadFauxqs(): Promise<Fauxqs> {
  const { buildApp } = await import("fauxqs");
  const [sqsStore, snsStore, s3Store] = await Promise.all([
    construct("sqs/sqsStore.js", "SqsStore", isQueueStore),
    construct("sns/snsStore.js", "SnsStore", isTopicStore),
    construct("s3/s3Store.js", "S3Store", isObjectStore),
  ]);
  await allowAllUnicode();
  await allowFifoAttributes();
  const digest = (await importInside("common/md5.js")).md5OfMessageAttributes;
  if (typeof digest !== "function") throw movedInsides("md5OfMessageAttributes");
  return {
    app: buildApp({ logger: false, stores: { sqsStore, snsStore, s3Store } }),
    queues: sqsStore,
    md5OfMessageAttributes: (attributes) => String(Reflect.apply(digest, undefined, [attributes])),
  };
}

/**
 * fauxqs refuses every character beyond U+FFFF (an emoji, say), which SQS accepts; a lone surrogate is refused by both.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
 */
async function allowAllUnicode(): Promise<void> {
  const refused = (await importInside("sqs/sqsTypes.js")).INVALID_MESSAGE_BODY_CHAR;
  if (!(refused instanceof RegExp)) throw movedInsides("INVALID_MESSAGE_BODY_CHAR");
  refused.test = hasInvalidCharacters;
}

/** A character that no text of a message may have. */
export function hasInvalidCharacters(text: string): boolean {
  return /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u.test(text);
}

/** fauxqs sets these two when a queue is created, and refuses to change them later. */
async function allowFifoAttributes(): Promise<void> {
  const settable = (await importInside("sqs/sqsTypes.js")).SETTABLE_ATTRIBUTES;
  if (!(settable instanceof Set)) throw movedInsides("SETTABLE_ATTRIBUTES");
  settable.add("DeduplicationScope").add("FifoThroughputLimit");
}

async function construct<T>(file: string, name: string, accepts: (value: unknown) => value is T): Promise<T> {
  const storeClass = (await importInside(file))[name];
  const instance: unknown = typeof storeClass === "function" ? Reflect.construct(storeClass, []) : undefined;
  if (!accepts(instance)) throw movedInsides(name);
  return instance;
}

async function importInside(file: string): Promise<Record<string, unknown>> {
  const manifest = findPackageJSON("fauxqs", import.meta.url);
  if (manifest === undefined) {
    throw new Error("Package 'fauxqs' was not found: expected it among the dev dependencies. Run `npm ci`.");
  }
  const module: unknown = await import(new URL(`dist/${file}`, pathToFileURL(manifest)).href);
  return isObject(module) ? module : {};
}

function movedInsides(name: string): Error {
  return new Error(
    `Package 'fauxqs' has no usable '${name}': expected version 2.4.1, which package-lock.json pins. Run \`npm ci\`.`,
  );
}

function hasMethods(value: unknown, ...names: string[]): boolean {
  return (
    typeof value === "object" && value !== null && names.every((name) => typeof Reflect.get(value, name) === "function")
  );
}

function isQueueStore(value: unknown): value is Stores["sqsStore"] {
  return hasMethods(
    value,
    "createQueue",
    "getQueue",
    "getQueueByArn",
    "getQueueByName",
    "allQueues",
    "buildQueueUrl",
    "shutdown",
  );
}

function isTopicStore(value: unknown): value is Stores["snsStore"] {
  return hasMethods(value, "createTopic");
}

function isObjectStore(value: unknown): value is Stores["s3Store"] {
  return hasMethods(value, "createBucket");
}
