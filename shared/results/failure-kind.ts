/** The things that make two failures one: the task, the kind of error, its code, and the place in the code. */

import { createHash } from "node:crypto";
import type { StoredError } from "../errors.ts";

/** A kind of failure. Nothing of it changes from run to run, or from build to build. */
export interface FailureKind {
  /** 16 hex digits, made of the rest. */
  fingerprint: string;
  task: string;
  /** The error's class. */
  name: string;
  code: string | undefined;
  /** Function and file of the first frame of the task's own code, without its line. */
  place: string | undefined;
}

/** Says only that something failed too often; its cause says what. */
const WRAPPERS: readonly (string | undefined)[] = ["MAX_RETRIES_EXCEEDED", "TASK_RETURNED"];

/** The kind of a failure of `task`. Messages are left out, for they hold ids, times and numbers. */
export function failureKind(task: string, error: StoredError): FailureKind {
  const { name, code } = error.cause && WRAPPERS.includes(error.code) ? error.cause : error;
  const place = placeOf(error.stack ?? "");
  const fingerprint = createHash("sha256")
    .update(JSON.stringify([task, name, code, place]))
    .digest("hex")
    .slice(0, 16);
  return { fingerprint, task, name, code, place };
}

const FRAME = /^\s*at (?:(?:async )?(.+?) \()?(?:file:\/\/)?([^()\s][^()]*?):\d+:\d+\)?$/;
/** Frames of Node, of packages, and of the engine, which calls every task. */
const FOREIGN = /^node:|[\\/]node_modules[\\/]|(?:^|[\\/])shared[\\/]/;

function placeOf(stack: string): string | undefined {
  const frames = stack.split("\n").flatMap((line) => {
    const [, caller = "", file] = FRAME.exec(line) ?? [];
    return file === undefined ? [] : [{ caller, file }];
  });
  const own = frames.find(({ file }) => !FOREIGN.test(file));
  if (own === undefined) return undefined;
  // A bundle's folder, and the hash in the name of its chunks, are other ones in the next build.
  const file = own.file
    .split(/[\\/]/)
    .slice(-3)
    .join("/")
    .replace(/-[A-Z0-9]{8}(?=\.m?js$)/, "");
  return `${own.caller.replace(/^(?:Object|Module)\./, "") || "(anonymous)"} ${file}`;
}
