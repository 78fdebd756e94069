/**
 * Earlier runs of a task, kept in its record: each in an attribute of its own, which the write that ends the run sets anyhow. The
 * attributes are a ring, so that nothing is read before it is written, and a task that is retried for ever does not grow.
 */

import type { Item } from "../aws/change.ts";
import { cut } from "../echo.ts";
import type { StoredError } from "../errors.ts";
import { type Json, parseJson, toJsonText } from "../message/json.ts";

/** How a run ended after which the task ran again, or may. `lost`: its worker died, or was given up for dead. */
export const OUTCOMES = [
  "retry",
  "unsettled",
  "cutShort",
  "requeued",
  "replaced",
  "failure",
  "revoked",
  "lost",
] as const;
type Outcome = (typeof OUTCOMES)[number];

/** An earlier run of a task. Of one that was lost nothing is known but its number. */
export interface Attempt {
  /** Several have one number if the attempt was given back, or lost. */
  attempt: number;
  outcome: Outcome;
  startedAt?: string;
  endedAt?: string;
  error?: { name: string; message: string; code?: string };
  /** Of the code that ran it: `VERSION`. */
  version?: string;
}

/** A run that has ended. */
interface Run {
  attempt: number;
  /** 0 of one without a claim. */
  fence: number;
  startedAt: Date;
  endedAt: Date;
  version?: string | undefined;
}

/** A task that has ended, as its record says. */
interface Ended {
  state: string;
  attempt: number;
  fence: number;
  startedAt?: string;
  finishedAt?: string;
  error?: StoredError;
  version?: string;
}

const KEPT = 20;
const MAX_TEXT_CHARS = 160;

/** The attribute that keeps a run. A claim has a number of its own; a run without one goes by that of its attempt. */
export function attemptItem(run: Run, outcome: Outcome, error?: StoredError): Item {
  const { attempt, fence, startedAt, endedAt, version } = run;
  const texts = [error?.name, error?.message, error?.code, version].map((text) =>
    text === undefined ? null : cut(text, MAX_TEXT_CHARS),
  );
  // Each write is paid by the kilobyte.
  while (texts.at(-1) === null) texts.pop();
  const kept = [attempt, fence, startedAt.getTime(), endedAt.getTime(), outcome, ...texts];
  return { [`run${(fence || attempt) % KEPT}`]: toJsonText(kept) };
}

/** The attribute that keeps the last run of a task which has ended badly and is to run again; none if it has never run. */
export function lastRunItem({ state, attempt, fence, startedAt, finishedAt, error, version }: Ended): Item {
  if (startedAt === undefined || finishedAt === undefined) return {};
  const run = { attempt, fence, startedAt: new Date(startedAt), endedAt: new Date(finishedAt), version };
  return attemptItem(run, state === "REVOKED" ? "revoked" : "failure", error);
}

/** The runs before the newest, in their order: at most the last 20. */
export function attemptsIn(item: Item): Attempt[] {
  const kept = Array.from({ length: KEPT }, (_, slot) => item[`run${slot}`])
    .flatMap((text) => (text === undefined ? [] : [parseJson(String(text))]))
    .flatMap(toKept);
  const newest = Number(item.fence ?? 0);
  const known = new Map(kept.map((one) => [one.fence, one]));
  // A worker that dies leaves no word, but the claim after it has the next fence, and the same number.
  let attempt = Number(item.attempt ?? 1);
  const lost: (Attempt & { fence: number })[] = [];
  for (let fence = newest - 1; fence > Math.max(0, newest - KEPT); fence--) {
    const run = known.get(fence);
    if (run) attempt = run.attempt;
    else lost.push({ fence, attempt, outcome: "lost" });
  }
  return [...kept, ...lost]
    .sort((a, b) => a.attempt - b.attempt || a.fence - b.fence)
    .slice(-KEPT)
    .map(({ fence, ...run }) => run);
}

function toKept(json: Json): (Attempt & { fence: number })[] {
  if (!Array.isArray(json)) return [];
  const [attempt, fence, started, ended, word, name = null, message, code = null, version = null] = json;
  const outcome = OUTCOMES.find((one) => one === word);
  if (outcome === undefined) return [];
  const time = (milliseconds: Json | undefined): string => new Date(Number(milliseconds)).toISOString();
  return [
    {
      attempt: Number(attempt),
      fence: Number(fence),
      outcome,
      startedAt: time(started),
      endedAt: time(ended),
      ...(name !== null && {
        error: { name: String(name), message: String(message), ...(code !== null && { code: String(code) }) },
      }),
      ...(version !== null && { version: String(version) }),
    },
  ];
}
