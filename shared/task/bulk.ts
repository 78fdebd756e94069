/** The message that asks a worker for the next step of a bulk act, and the tasks that such an act is about. */

import type { BulkAct } from "../bulk/act.ts";
import type { NewBulkAct } from "../bulk/acts.ts";
import { DEFAULT_QUEUE } from "../config.ts";
import { derivedId, isId } from "../message/id.ts";
import type { Json } from "../message/json.ts";
import type { Message } from "../message/message.ts";
import type { ListQuery } from "../results/list.ts";
import { toState } from "../results/record.ts";
import type { App } from "./current-app.ts";

/** The task name of a message that asks for a step. */
const BULK = "lovage.bulk";

/** Ids that a call may name. */
export const MAX_BULK_IDS = 10_000;
/** Tasks a second: with the least, the largest act takes twelve days. */
export const MIN_BULK_RATE = 0.1;
export const MAX_BULK_RATE = 1000;

/** The longest delay of one message; whoever comes too early asks again. */
const MAX_WAIT_SECONDS = 900;

/** The tasks that an act is about, unless they were named by their ids. */
export type BulkSource = { filter: ListQuery } | { failure: string };

/** Asks for the step that an act has come to. May be repeated: of two messages of one step, the later one changes nothing. */
export async function askForStep(app: App, { id, at, step }: BulkAct, waitSeconds = 0): Promise<void> {
  const messageId = derivedId(new Date(at), `bulk/${id}`);
  const message: Message = {
    v: 1,
    id: messageId,
    task: BULK,
    attempt: 1,
    payload: { bulk: id, step },
    queue: DEFAULT_QUEUE,
    sentAt: app.clock().toISOString(),
    rootId: messageId,
  };
  await app.broker.send(message, Math.min(MAX_WAIT_SECONDS, Math.max(0, Math.ceil(waitSeconds))));
}

/**
 * Makes an act, and asks for its first step; the same call again asks once more. Dying in between leaves an act that nobody works on, and a
 * caller without an answer, who repeats the call. An act of the same id with another digest is left as it is.
 */
export async function makeBulkAct(app: App, wanted: NewBulkAct): Promise<{ act: BulkAct; isNew: boolean }> {
  const made = await app.bulk.create(wanted);
  if (made.act.digest === wanted.digest && isUnderWay(made.act)) await askForStep(app, made.act);
  return made;
}

/** Lets an act go on that is ready; one that goes on already is asked for once more. */
export async function startBulkAct(app: App, id: string): Promise<BulkAct | undefined> {
  const act = await app.bulk.start(id);
  // Dying before this leaves an act that nobody works on; the caller, who has no answer, repeats the call.
  if (act?.state === "acting") await askForStep(app, act);
  return act;
}

/** Whether a worker is to do its next step. */
export function isUnderWay({ state }: BulkAct): boolean {
  return state === "collecting" || state === "acting";
}

/** The step that a message asks for; undefined if it asks for a run of a task. */
export function stepOf({ task, payload }: Message): { id: string; step: number } | undefined {
  if (task !== BULK || typeof payload !== "object" || payload === null || Array.isArray(payload)) return undefined;
  const { bulk, step } = payload;
  return typeof bulk === "string" && isId(bulk) && typeof step === "number" ? { id: bulk, step } : undefined;
}

/** The JSON that is kept of a source; times become texts. */
export function writeSource(source: BulkSource | undefined): Json {
  if (source === undefined) return null;
  if ("failure" in source) return { failure: source.failure };
  // An act is about all that it finds, by parameters alone.
  const { cursor, limit, search, order, ...filter } = source.filter;
  const fields = Object.entries(filter).flatMap(([name, value]): [string, Json][] => {
    if (value === undefined) return [];
    if (value instanceof Date) return [[name, value.toISOString()]];
    return [[name, typeof value === "string" ? value : [...value]]];
  });
  return { filter: Object.fromEntries(fields) };
}

/** Reads it back. */
export function readSource(kept: Json): BulkSource | undefined {
  const { failure, filter } = fieldsOf(kept);
  if (typeof failure === "string") return { failure };
  if (filter === undefined) return undefined;
  const fields = fieldsOf(filter);
  const query: ListQuery = {};
  for (const name of ["tag", "parentId", "rootId"] as const) {
    const value = fields[name];
    if (typeof value === "string") query[name] = value;
  }
  for (const name of ["from", "to", "finishedFrom", "finishedTo"] as const) {
    const value = fields[name];
    if (typeof value === "string") query[name] = new Date(value);
  }
  for (const name of ["task", "queue"] as const) if (fields[name] !== undefined) query[name] = textsOf(fields[name]);
  if (fields.state !== undefined) query.state = textsOf(fields.state).map(toState);
  return { filter: query };
}

function fieldsOf(value: Json): { [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

function textsOf(value: Json): string[] {
  return (Array.isArray(value) ? value : [value]).map(String);
}
