/** An error as data: what a record keeps of whatever a task threw. */

import { types } from "node:util";
import { echo, head } from "./echo.ts";

/** An error as a record keeps it. */
export interface StoredError {
  /** The error's `name`; where that was left as it is in `Error`, the name of its class. */
  name: string;
  message: string;
  /** Of the outermost error alone. */
  stack?: string;
  code?: string;
  /** Why it came to this error: a chain of up to five. */
  cause?: StoredError;
  /** The first ten errors that an `AggregateError` holds. */
  errors?: StoredError[];
  /** How many more it holds. */
  moreErrors?: number;
}

/** Stands for the error of a record that has none. */
export const NO_REASON: StoredError = { name: "Error", message: "no reason was recorded" };

/** A message longer than this is not repeated in the stack, and is cut where it is that of an inner error. In characters. */
const LONG_MESSAGE_CHARS = 2048;
/** The frames of a stack are cut here. */
const MAX_FRAMES_CHARS = 4096;
const MAX_NAME_CHARS = 128;

const MAX_CAUSES = 5;
const MAX_ERRORS = 10;
/** Inner errors of one record, however they are nested; each has at most 2 KB of text. */
const MAX_INNER = 40;

/** Turns whatever was thrown, even `undefined`, into the form that a record keeps. Never throws. */
export function describeError(thrown: unknown): StoredError {
  return describe(thrown, { above: [], room: { left: MAX_INNER } });
}

/** Where in a tree of causes an error stands. */
interface Nesting {
  /** Those that it is an inner error of: a chain that comes back to one of them ends. */
  above: readonly unknown[];
  /** Of the whole record. */
  room: { left: number };
}

function describe(thrown: unknown, nesting: Nesting): StoredError {
  try {
    return isError(thrown) ? describeOne(thrown, nesting) : { name: "NonErrorThrown", message: picture(thrown) };
  } catch {
    // One of its getters throws, or it is a Proxy whose traps do.
    return { name: "UnreadableError", message: types.isProxy(thrown) ? picture(thrown) : "[object Error]" };
  }
}

function describeOne(error: Error, nesting: Nesting): StoredError {
  const isOutermost = nesting.above.length === 0;
  const message = text(error.message);
  const record: StoredError = {
    name: nameOf(error),
    message: isOutermost ? message : head(message, LONG_MESSAGE_CHARS),
  };
  if (isOutermost && typeof error.stack === "string") record.stack = shorten(error.stack, message);
  if ("code" in error && (typeof error.code === "string" || typeof error.code === "number")) {
    record.code = head(String(error.code), MAX_NAME_CHARS);
  }
  try {
    return { ...record, ...innerErrors(error, nesting) };
  } catch {
    return record;
  }
}

/** The causes of an error, as far as the record has room for it. */
function innerErrors(error: Error, { above, room }: Nesting): Pick<StoredError, "cause" | "errors" | "moreErrors"> {
  const path = [...above, error];
  /** Takes room for these all before any of them takes room for its own. */
  const describeAll = (wanted: readonly unknown[]): StoredError[] => {
    const fitting = path.length > MAX_CAUSES ? [] : wanted.filter((one) => !path.includes(one)).slice(0, room.left);
    room.left -= fitting.length;
    return fitting.map((one) => describe(one, { above: path, room }));
  };
  const [cause] = describeAll(error.cause === undefined || error.cause === null ? [] : [error.cause]);
  const held = heldBy(error);
  const errors = describeAll(held.slice(0, MAX_ERRORS));
  const moreErrors = held.length - errors.length;
  return { ...(cause && { cause }), ...(errors.length > 0 && { errors }), ...(moreErrors > 0 && { moreErrors }) };
}

/** The errors of an `AggregateError`, or both of a `SuppressedError`. */
function heldBy(error: Error): readonly unknown[] {
  if ("errors" in error && Array.isArray(error.errors)) return error.errors;
  return "suppressed" in error && "error" in error ? [error.error, error.suppressed] : [];
}

/** Of this realm or another: a `vm` context has an `Error` of its own. */
export function isError(value: unknown): value is Error {
  return types.isNativeError(value) || value instanceof Error;
}

const BUILT_IN =
  /^(Error|EvalError|RangeError|ReferenceError|SyntaxError|TypeError|URIError|AggregateError|SuppressedError)$/;

/** A text that looks like the name of a class; a minifier leaves a letter or two. */
const CLASS_NAME = /^\p{Lu}[\p{L}\p{N}_$]{2,127}$/u;

/** `class SmtpError extends Error` alone does not change `name`. */
function nameOf(error: Error): string {
  const name = head(text(error.name), MAX_NAME_CHARS) || "Error";
  if (!BUILT_IN.test(name)) return name;
  const type: unknown = error.constructor;
  return typeof type === "function" && CLASS_NAME.test(type.name) ? type.name : name;
}

const MAX_REASON_CHARS = 1024;

/** As much of an error as is worth saying while a task waits to be run again: always small enough for the record itself. */
export function shortened({ name, message, code }: StoredError): StoredError {
  return { name, message: head(message, MAX_REASON_CHARS), ...(code !== undefined && { code }) };
}

/** A stack begins with the message; a long one is not kept twice. */
function shorten(stack: string, message: string): string {
  const found = message.length > LONG_MESSAGE_CHARS ? stack.indexOf(message) : -1;
  const start = found < 0 ? 0 : found + message.length;
  return head(stack.slice(start), LONG_MESSAGE_CHARS + MAX_FRAMES_CHARS);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : picture(value);
}

/** Stands for a thrown value that is no error. */
function picture(value: unknown): string {
  return echo(value, LONG_MESSAGE_CHARS);
}

/** The error that a record was made of, to be thrown or shown on: with its causes, but as no class of its own. */
export function toError(record: StoredError): Error {
  const { name, message, stack, code, cause, errors } = record;
  const options = cause && { cause: toError(cause) };
  const error = errors ? new AggregateError(errors.map(toError), message, options) : new Error(message, options);
  const fields = { name, stack: stack ?? `${name}: ${message}`, ...(code !== undefined && { code }) };
  for (const [field, value] of Object.entries(fields)) {
    Object.defineProperty(error, field, { value, configurable: true, writable: true, enumerable: field === "code" });
  }
  return error;
}

/** An error's sentence, and that of the first of its causes: "fetch failed" alone helps nobody. */
export function reasonOf(record: StoredError): string {
  const root = rootOf(record);
  if (root === record) return record.message;
  return record.message === "" ? sentenceOf(root) : `${record.message} (${sentenceOf(root)})`;
}

function rootOf(record: StoredError): StoredError {
  const below = record.cause ?? record.errors?.[0];
  return below === undefined ? record : rootOf(below);
}

function sentenceOf({ name, code, message }: StoredError): string {
  return message === "" ? (code ?? name) : `${name}: ${message}`;
}
