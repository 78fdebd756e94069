/**
 * The parts of fauxqs that the local SQS is built from: its store of queues and the operations on it, without the app around
 * them, whose hooks and routes cost more than an operation.
 *
 * fauxqs exports neither, so their modules are imported by their files. The version is pinned; should its insides move,
 * `loadFauxqs` says so in one sentence.
 */
import { findPackageJSON } from "node:module";
import { pathToFileURL } from "node:url";
import type { BuildAppOptions } from "fauxqs";
import { isObject, type JsonObject } from "../json.ts";
import type { SqsRefusal } from "./errors.ts";
import { OPERATION_NAMES } from "./model.ts";

type Stores = NonNullable<BuildAppOptions["stores"]>;

export type QueueStore = Stores["sqsStore"];
export type Queue = ReturnType<QueueStore["createQueue"]>;
export type Message = Queue["messages"][number];

/** The request that brought a call. fauxqs takes a queue's region from its signature. */
export interface Caller {
  readonly headers: { readonly authorization?: string | undefined; readonly host?: string | undefined };
}

export interface Fauxqs {
  readonly queues: QueueStore;
  /** Carries out an operation, or says why not. @throws TypeError for a value of a wrong type */
  run(action: string, request: JsonObject, caller: Caller): Promise<{ readonly body: JsonObject } | SqsRefusal>;
  /** The digest of a message's attributes; empty for none. */
  md5OfMessageAttributes(attributes: JsonObject): string;
}

/** Those that fauxqs does not have, or does in another way. */
const OWN_OPERATIONS = ["AddPermission", "ListDeadLetterSourceQueues", "ListQueues", "RemovePermission"];

type Operation = (request: JsonObject, queues: QueueStore, caller: Caller) => unknown;

/** An empty store, and what can be done with it. */
export async function loadFauxqs(): Promise<Fauxqs> {
  const queues = await construct("sqs/sqsStore.js", "SqsStore", isQueueStore);
  await allowAllUnicode();
  await allowFifoAttributes();
  const digest = (await importInside("common/md5.js")).md5OfMessageAttributes;
  if (typeof digest !== "function") throw movedInsides("md5OfMessageAttributes");
  const operations = new Map(await Promise.all(OPERATION_NAMES.filter(isOfFauxqs).map(importOperation)));
  return {
    queues,
    async run(action, request, caller) {
      const operation = operations.get(action);
      if (operation === undefined) throw new Error(`fauxqs has no operation ${action}.`);
      try {
        const body = await operation(request, queues, caller);
        return { body: isObject(body) ? body : {} };
      } catch (error) {
        if (error instanceof Error && error.name === "SqsError" && "code" in error) {
          return { code: String(error.code), message: error.message };
        }
        throw error;
      }
    },
    md5OfMessageAttributes: (attributes) => String(Reflect.apply(digest, undefined, [attributes])),
  };
}

function isOfFauxqs(name: string): boolean {
  return !OWN_OPERATIONS.includes(name);
}

async function importOperation(name: string): Promise<[string, Operation]> {
  const own = name.charAt(0).toLowerCase() + name.slice(1);
  const operation = (await importInside(`sqs/actions/${own}.js`))[own];
  if (typeof operation !== "function") throw movedInsides(own);
  return [name, (...parts) => Reflect.apply(operation, undefined, parts)];
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
