/** An error as data: what a record keeps of whatever a task threw. */

/** An error as a record keeps it. */
export interface ErrorRecord {
  name: string;
  message: string;
  stack?: string;
  code?: string;
}

/** A message longer than this is not repeated in the stack; the frames of a stack are cut here. In characters. */
const LONG_MESSAGE_CHARS = 2_048;
const MAX_FRAMES_CHARS = 4_096;

/** Turns whatever was thrown, even `undefined`, into the form that a record keeps. Never throws. */
export function describeError(thrown: unknown): ErrorRecord {
  try {
    return describe(thrown);
  } catch {
    // One of its getters throws; a Proxy can refuse even to be named.
    try {
      return { name: "UnreadableError", message: Object.prototype.toString.call(thrown) };
    } catch {
      return { name: "UnreadableError", message: "What was thrown cannot be looked at." };
    }
  }
}

function describe(thrown: unknown): ErrorRecord {
  if (!(thrown instanceof Error)) return { name: "NonErrorThrown", message: inspect(thrown) };
  const record: ErrorRecord = { name: text(thrown.name) || "Error", message: text(thrown.message) };
  if (typeof thrown.stack === "string") record.stack = shorten(thrown.stack, record.message);
  if ("code" in thrown && (typeof thrown.code === "string" || typeof thrown.code === "number")) {
    record.code = String(thrown.code);
  }
  return record;
}

const MAX_REASON_CHARS = 1_024;

/** As much of an error as is worth saying while a task waits to be run again: always small enough for the record itself. */
export function shortened({ name, message, code }: ErrorRecord): ErrorRecord {
  return { name, message: message.slice(0, MAX_REASON_CHARS), ...(code !== undefined && { code }) };
}

/** A stack begins with the message; a long one is not kept twice. */
function shorten(stack: string, message: string): string {
  const found = message.length > LONG_MESSAGE_CHARS ? stack.indexOf(message) : -1;
  const start = found < 0 ? 0 : found + message.length;
  return stack.slice(start, start + LONG_MESSAGE_CHARS + MAX_FRAMES_CHARS);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : inspect(value);
}

/** A short, safe picture of any value for a sentence. */
export function inspect(value: unknown): string {
  try {
    return typeof value === "string" ? `'${value}'` : (JSON.stringify(value) ?? String(value));
  } catch {
    return Object.prototype.toString.call(value);
  }
}
