/**
 * The entries of `custom.lovage` in a service's serverless.yml: a queue, a view or a bucket in one place
 * (docs/decisions/0067-one-entry.md). Here they are read and checked; entry-additions.ts has all that each stands for.
 */

import { isObject, type JsonObject } from "../localstack/json.ts";
import { ROLES, type Role } from "../shared/api-keys.ts";
import { echo } from "../shared/echo.ts";

export interface QueueEntry {
  fifo: boolean;
  /** The most workers at once. */
  workers: unknown;
}

export interface ViewEntry {
  handler: string;
  routes: readonly string[];
  /** The role that a key needs; the function may do what such a key may. */
  key: Role;
}

export interface BucketEntry {
  /** Its name, or a reference to it; undefined for one that Lovage declares. */
  bucket: unknown;
  keys: readonly string[];
  allow: readonly BucketRight[];
  /** The functions that may. */
  functions: readonly string[];
}

export interface OwnEntries {
  queues: ReadonlyMap<string, QueueEntry>;
  views: ReadonlyMap<string, ViewEntry>;
  buckets: ReadonlyMap<string, BucketEntry>;
}

const RIGHTS = ["read", "write", "delete"] as const;
export type BucketRight = (typeof RIGHTS)[number];

const PLACE = "custom.lovage";
const WORKERS = { default: 50, least: 2, most: 1000 };
/** Of queues and buckets: their variables and logical ids are made of it. */
const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const NAME_EXPECTED = "small letters and digits, with single hyphens between them, a letter first";
/** Of views: it is the function's, and begins the role's logical id. */
const KEY = /^[a-z][A-Za-z0-9]*$/;
const KEY_EXPECTED = "letters and digits, a small letter first";
const MAX_NAME_CHARS = 40;
const HANDLER = /^[^./][^.]*\.(?![cm]?[jt]sx?$)[A-Za-z_$][\w$]*$/;
const ROUTE = /^(\*|(GET|POST|PUT|PATCH|DELETE|OPTIONS|HEAD|ANY|\*) \/\S*)$/i;

/** Queues and buckets that every service has. */
const SHIPPED = {
  queues: ["default", "high", "low", "fifo", "dead-letter", "uploads"],
  buckets: ["uploads", "serverless-deployment"],
};

/**
 * Reads a block as it is written, before its variables are resolved: names, `fifo`, `key`, `allow` and `functions` decide what is
 * declared, and must be there literally.
 * @throws Error in one sentence, with the place of what is wrong
 */
export function readOwnEntries(block: unknown): OwnEntries {
  const { queues, views, buckets } = fieldsOf(block ?? {}, PLACE, ["queues", "views", "buckets"]);
  return {
    queues: entriesAt(queues, `${PLACE}.queues`, { form: NAME, expected: NAME_EXPECTED, read: readQueue }),
    views: entriesAt(views, `${PLACE}.views`, { form: KEY, expected: KEY_EXPECTED, read: readView }),
    buckets: entriesAt(buckets, `${PLACE}.buckets`, { form: NAME, expected: NAME_EXPECTED, read: readBucket }),
  };
}

interface Kind<Entry> {
  form: RegExp;
  expected: string;
  read(entry: unknown, place: string, name: string): Entry;
}

function entriesAt<Entry>(value: unknown, place: string, { form, expected, read }: Kind<Entry>): Map<string, Entry> {
  if (value === undefined || value === null) return new Map();
  if (!isObject(value)) throw refusal(place, value, "named entries", "Write one a line, each with its name.");
  return new Map(
    Object.entries(value).map(([name, entry]) => {
      if (!form.test(name) || name.length > MAX_NAME_CHARS) {
        throw refusal(place, name, `a name of ${expected}, at most ${MAX_NAME_CHARS}`, "Rename it.");
      }
      return [name, read(entry, `${place}.${name}`, name)] as const;
    }),
  );
}

function readQueue(entry: unknown, place: string, name: string): QueueEntry {
  if (SHIPPED.queues.includes(name)) {
    throw refusal(place, name, "a name that no queue of Lovage has", "Set its workers under custom.weights.");
  }
  const { fifo = false, workers = WORKERS.default } = fieldsOf(entry ?? {}, place, ["fifo", "workers"]);
  if (typeof fifo !== "boolean") throw refusal(`${place}.fifo`, fifo, "true or false", "Leave it out for false.");
  const isCount = Number.isInteger(workers) && Number(workers) >= WORKERS.least && Number(workers) <= WORKERS.most;
  if (!isCount && !isVariable(workers)) {
    const expected = `a whole number from ${WORKERS.least} to ${WORKERS.most}`;
    throw refusal(`${place}.workers`, workers, expected, `Leave it out for ${WORKERS.default}.`);
  }
  return { fifo, workers };
}

function readView(entry: unknown, place: string): ViewEntry {
  const { handler, route, key = "submit" } = fieldsOf(entry ?? {}, place, ["handler", "route", "key"]);
  if (typeof handler !== "string" || !HANDLER.test(handler)) {
    const expected = "a file without its ending and the name that it exports, such as 'handlers/home.handler'";
    throw refusal(`${place}.handler`, handler, expected, "Write it so.");
  }
  const routes = [route].flat();
  const strange = routes.find((one) => typeof one !== "string" || !(ROUTE.test(one) || isVariable(one)));
  if (routes.length === 0 || strange !== undefined || route === undefined) {
    const expected = "a method and a path, such as 'GET /home', or a list of these";
    throw refusal(`${place}.route`, strange ?? route, expected, "Write it so.");
  }
  const role = ROLES.find((one) => one === key);
  if (role === undefined) {
    throw refusal(`${place}.key`, key, `the role that a key needs: ${ROLES.join(", ")}`, "Leave it out for submit.");
  }
  return { handler, routes: routes.map(String), key: role };
}

function readBucket(entry: unknown, place: string, name: string): BucketEntry {
  if (SHIPPED.buckets.includes(name)) {
    throw refusal(place, name, "a name that no bucket of Lovage has", "Rename it.");
  }
  const fields = fieldsOf(entry ?? {}, place, ["bucket", "keys", "allow", "functions"]);
  const { bucket, keys = "*", allow = ["read", "write"], functions = ["worker"] } = fields;
  if (bucket !== undefined && typeof bucket !== "string" && !isObject(bucket)) {
    throw refusal(`${place}.bucket`, bucket, "the bucket's name, or a reference to it", "Leave it out for a new one.");
  }
  const rights = [allow].flat().map((right) => {
    const known = RIGHTS.find((one) => one === right);
    if (known) return known;
    throw refusal(`${place}.allow`, right, RIGHTS.join(", "), "Leave it out for read and write.");
  });
  if (rights.length === 0) throw refusal(`${place}.allow`, allow, `at least one of ${RIGHTS.join(", ")}`, "Add one.");
  return {
    bucket,
    keys: textsAt(keys, `${place}.keys`, "keys with * for any text, such as 'invoices/*'"),
    allow: rights,
    functions: textsAt(functions, `${place}.functions`, "names of functions"),
  };
}

function textsAt(value: unknown, place: string, expected: string): string[] {
  const texts = [value].flat();
  const strange = texts.find((one) => typeof one !== "string" || one === "");
  if (texts.length === 0 || strange !== undefined)
    throw refusal(place, strange ?? value, expected, "Write one or more.");
  return texts.map(String);
}

/** @throws Error for a value that is no object, and for a field that is not known */
function fieldsOf(value: unknown, place: string, known: readonly string[]): JsonObject {
  if (!isObject(value)) {
    throw refusal(place, value, `an entry with ${known.join(", ")}`, "Write its fields there, with variables in them.");
  }
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) throw refusal(place, unknown, known.join(", "), "Remove it, or mend its name.");
  return value;
}

function isVariable(value: unknown): boolean {
  return typeof value === "string" && value.includes("${");
}

function refusal(place: string, value: unknown, expected: string, remedy: string): Error {
  return new Error(`'${place}' in serverless.yml has ${echo(value)}: expected ${expected}. ${remedy}`);
}
