/** An error as data: what a record keeps of whatever a task threw. */

/** An error as a record keeps it. */
export interface ErrorRecord {
  name: string;
  message: string;
  stack?: string;
  code?: string;
}

/** Longest message and stack kept in a record, in characters: a record should stay near 1 KB (one write unit). */
const MAX_MESSAGE_CHARS = 2_048;
const MAX_STACK_CHARS = 4_096;

/** Turns whatever was thrown, even `undefined`, into the form that a record keeps. Never throws. */
export function describeError(thrown: unknown): ErrorRecord {
  if (!(thrown instanceof Error)) {
    return { name: "NonErrorThrown", message: inspect(thrown).slice(0, MAX_MESSAGE_CHARS) };
  }
  const record: ErrorRecord = {
    name: text(thrown.name) || "Error",
    message: text(thrown.message).slice(0, MAX_MESSAGE_CHARS),
  };
  if (typeof thrown.stack === "string") record.stack = thrown.stack.slice(0, MAX_STACK_CHARS);
  if ("code" in thrown && (typeof thrown.code === "string" || typeof thrown.code === "number")) {
    record.code = String(thrown.code);
  }
  return record;
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
