/** Sending the task of an entry of beat: for a fire time, or by hand. */

import { sendFiring, WORKFLOW } from "../canvas/send.ts";
import { describeError, TaskError } from "../errors.ts";
import { readLabels } from "../message/fields.ts";
import type { ScheduleMark } from "../message/message.ts";
import { payloadVersionOf } from "../message/payload-version.ts";
import type { Entry } from "../schedules/entry.ts";
import { firingId } from "../schedules/name.ts";
import type { App } from "../task/current-app.ts";
import { recordUnsent } from "../task/not-sent-failure.ts";
import type { Registry } from "../task/registry.ts";
import { sendTask } from "../task/send.ts";
import type { Sent } from "../task/submit.ts";
import { secondsAfter } from "../task/times.ts";
import { readStoredNode } from "../workflows/read-node.ts";
import { type Fired, heldByOverlap, skip } from "./overlap.ts";

/** The tasks that a process knows: all of the service, or those that a caller has in hand. */
export type Tasks = Pick<Registry, "find" | "get">;

/**
 * Sends the task of one fire time, as the entry's rule for overlaps says. May be repeated: the id derives from entry and time. A
 * fault that no repetition can mend, such as a task that is gone or a payload that does not fit any more, is recorded as a FAILURE.
 * @throws whatever AWS throws: nobody knows then whether it was sent
 */
export async function fire(app: App, registry: Registry, entry: Entry, at: Date): Promise<Fired> {
  const { options } = entry.definition;
  const id = firingId(entry, at);
  const expires = typeof options.expires === "number" ? secondsAfter(at, options.expires) : undefined;
  if (expires && expires <= latest(app.clock(), startOf(entry, at))) {
    return skip(app, entry, at, `it expired at ${expires.toISOString()}`);
  }
  const held = await heldByOverlap(app, entry, { id, at });
  if (held !== undefined) return held;
  return (await send(app, registry, entry, { id, at, expires })) === undefined ? "failed" : "sent";
}

/** Runs an entry now, as a firing would; it counts as no fire time. @throws as sendTask and sendWorkflow do */
export async function runNow(app: App, tasks: Tasks, entry: Entry, by: string | undefined): Promise<Sent> {
  const id = app.newId();
  const at = app.clock();
  const schedule: ScheduleMark = {
    name: entry.name,
    at: at.toISOString(),
    manual: true,
    ...(by !== undefined && { by }),
  };
  const { expires } = entry.definition.options;
  const until = typeof expires === "number" ? secondsAfter(at, expires) : undefined;
  const note = { kind: "manual", at, id, ...(by !== undefined && { reason: by }) } as const;
  // Dying after this leaves a line of history without a state: it says that somebody asked, and that nothing was sent.
  const beforeSend = () => app.schedules.note(entry, note, entry.definition.keepHistory ?? 0);
  const call = callOf(app, entry, { start: undefined, expires: until, at });
  return sendWhat(app, tasks, entry, { ...call, id, schedule, beforeSend });
}

/** Sends the entry's task, or its workflow. */
async function sendWhat(
  app: App,
  tasks: Tasks,
  { definition }: Entry,
  call: ReturnType<typeof callOf> & { id: string; schedule: ScheduleMark; beforeSend?: () => Promise<void> },
): Promise<Sent> {
  const { workflow, task, payload } = definition;
  const payloadVersion = payloadVersionOf(definition);
  if (workflow === undefined) return sendTask(app, tasks.get(task ?? ""), payload, { ...call, payloadVersion });
  return sendFiring(app, tasks, readStoredNode(workflow), call);
}

/** When a firing starts: its time, put off by its countdown and jitter, and no later than the entry's end. */
function startOf(entry: Entry, at: Date): Date {
  const { jitter = 0, options, end } = entry.definition;
  const countdown = typeof options.countdown === "number" ? options.countdown : 0;
  const put = Number.parseInt(firingId(entry, at).slice(-8), 16) % (jitter + 1);
  const start = secondsAfter(at, put + countdown);
  return end !== undefined && start > new Date(end) ? latest(new Date(end), at) : start;
}

/** The call of a firing. An option that was checked when the entry was made is checked again where it is sent. */
function callOf(
  app: App,
  { definition }: Entry,
  { start, expires, at }: { start: Date | undefined; expires: Date | undefined; at: Date },
) {
  const { expires: _, countdown, ...options } = definition.options;
  const isKept = definition.keepHistory !== undefined || (definition.overlap ?? "allow") !== "allow";
  return {
    options: { ...options, ...(start && { eta: start }), ...(expires && { expires }) },
    ...(isKept && { keepUntil: secondsAfter(at, definition.keepHistory ?? app.config.resultExpires) }),
  };
}

async function send(
  app: App,
  registry: Registry,
  entry: Entry,
  { id, at, expires }: { id: string; at: Date; expires: Date | undefined },
): Promise<Sent | undefined> {
  const { name, definition } = entry;
  const start = startOf(entry, at);
  const isAhead = start > app.clock();
  const schedule: ScheduleMark = { name, at: at.toISOString(), ...(isAhead && { edition: entry.edition }) };
  try {
    const call = callOf(app, entry, { start: isAhead ? start : undefined, expires, at });
    const sent = await sendWhat(app, registry, entry, { ...call, id, schedule });
    app.log.info("Schedule entry fired", { schedule: name, scheduledTime: at, task: nameOf(definition), id });
    return sent;
  } catch (error) {
    if (!(error instanceof TaskError) || error.code === "BROKER_FAILED" || error.code === "RESULT_STORE_FAILED")
      throw error;
    const { queue } = definition.options;
    const task = nameOf(definition);
    const what = definition.workflow === undefined ? "task" : "workflow";
    await recordUnsent(app, {
      id,
      task,
      payload: definition.workflow ?? definition.payload,
      payloadVersion: payloadVersionOf(definition),
      askedAt: at,
      schedule,
      ...readLabels(definition.options),
      queue: typeof queue === "string" ? queue : (registry.find(task)?.queue ?? "default"),
      reason: `schedule entry '${name}' was due at ${at.toISOString()}, and its ${what} was refused: ${describeError(error).message}`,
    });
    return undefined;
  }
}

/** The name of what an entry sends, in a record or a line of the log. */
function nameOf({ task }: Entry["definition"]): string {
  return task ?? WORKFLOW;
}

function latest(one: Date, other: Date): Date {
  return one > other ? one : other;
}
