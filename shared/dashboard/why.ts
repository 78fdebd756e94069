/** Why a task is not running: one sentence, from its record and the decisions of operators. */

import type { TaskRecord } from "../results/record.ts";
import { duration } from "./format.ts";

export interface Decision {
  kind: "pause" | "revoke" | "limits";
  scope: "task" | "queue" | "tag";
  name: string;
  at: string;
  limits?: { rateLimit?: string | number | null; concurrency?: number | null };
}

export interface Depth {
  name: string;
  paused: boolean;
  waiting?: number;
  inFlight?: number;
  delayed?: number;
  /** The most at once; absent: as many as the account allows. */
  workers?: number;
}

/** Undefined for a task that runs or has ended. */
export function whyNotRunning(
  record: TaskRecord,
  decisions: readonly Decision[],
  queues: readonly Depth[],
  now: number,
): string | undefined {
  if (record.state !== "PENDING" && record.state !== "RETRY") return undefined;
  const pause = decisions.find(
    ({ kind, scope, name }) => kind === "pause" && (scope === "task" ? name === record.task : name === record.queue),
  );
  if (pause) return `It waits because the ${pause.scope} ${pause.name} is paused, since ${pause.at}.`;
  if (isUploadWaiting(record)) return "It waits for its file, which has not come.";
  const dueIn = record.eta === undefined ? 0 : Date.parse(record.eta) - now;
  if (dueIn > 0) {
    const reason = record.state === "RETRY" ? "for its retry" : "for its time";
    return `It waits ${reason}: due in ${duration(dueIn)}.`;
  }
  if (record.error !== undefined && record.state === "PENDING") return `It waits: ${record.error.message}`;
  const limits = decisions.find(({ kind, name }) => kind === "limits" && name === record.task)?.limits;
  const queue = queues.find(({ name }) => name === record.queue);
  if (queue === undefined) return `Its queue ${record.queue} is not one of the service's.`;
  const waiting = queue.waiting ?? 0;
  if (waiting === 0 && (queue.inFlight ?? 0) === 0) {
    return `Its queue ${record.queue} shows about no message: it is delayed, or between two queues.`;
  }
  const limited = limits === undefined ? "" : " Its task has limits that an operator has set.";
  return `It waits for its turn: about ${waiting} messages wait in ${record.queue}, about ${queue.inFlight ?? 0} are being worked on.${limited}`;
}

/** Its task is not late: it waits for its sender. */
export function isUploadWaiting({ payload, arrivedAt, state }: TaskRecord): boolean {
  const key = typeof payload === "object" && payload !== null && !Array.isArray(payload) ? payload.key : undefined;
  return state === "PENDING" && arrivedAt === undefined && typeof key === "string" && key.startsWith("uploads/");
}
