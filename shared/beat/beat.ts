import { fire } from "../entries/fire.ts";
import { OFF } from "../entries/history.ts";
import { skip } from "../entries/overlap.ts";
import { InvalidScheduleError } from "../errors.ts";
import { byteLength, type Json, toJsonText } from "../message/json.ts";
import { isPayloadVersion } from "../message/payload-version.ts";
import { readTime } from "../message/time.ts";
import { CODE, firingId as entryFiringId } from "../schedules/name.ts";
import type { App } from "../task/current-app.ts";
import type { Registry } from "../task/registry.ts";
import type { NamedEntry } from "./declaration.ts";
import { sentBy, staticEntry } from "./schedule-entries.ts";

/** One firing of a schedule entry, as EventBridge Scheduler passes it to the beat function. */
export interface Firing {
  schedule: string;
  scheduledTime: Date;
  /** The task that it would send, for the dead-letter function; a schedule of an older deployment does not say. */
  task?: string;
  queue?: string;
  payload?: Json;
  payloadVersion?: number;
}

/** Scheduler puts the time that was due, in ISO-8601, in the place of this text. */
const SCHEDULED_TIME = "<aws.scheduler.scheduled-time>";

/** The most that Scheduler passes to a target. https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html */
const MAX_INPUT_BYTES = 262_144;

/**
 * The Input of an entry's schedule, as JSON text. It says what would be sent, too: where a firing that failed for good is found,
 * nobody knows the entries (docs/decisions/0025-unsent.md).
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
 * @throws InvalidScheduleError for a payload that Scheduler would not take
 */
export function beatInput(entry: NamedEntry): string {
  const { name } = entry;
  // A payload that holds a text like Scheduler's own must stay as it is.
  const escaped = toJsonText({ schedule: name, ...sentBy(entry) }).replaceAll("<", "\\u003c");
  const input = `${escaped.slice(0, -1)},"scheduledTime":"${SCHEDULED_TIME}"}`;
  const sizeBytes = byteLength(input);
  if (sizeBytes > MAX_INPUT_BYTES) {
    throw new InvalidScheduleError(
      `payload of schedule entry '${name}', whose Input is ${sizeBytes} bytes`,
      `an Input of at most ${MAX_INPUT_BYTES} bytes. Keep large data in a file and pass its key`,
    );
  }
  return input;
}

/**
 * Sends the task, or the workflow, of one schedule entry. The id is derived from entry and fire time: Scheduler may fire twice, and its
 * retries repeat the call, but all of them are one task. An entry that is paused, and a stage that is to fire nothing, send none.
 * @throws InvalidScheduleError for an event that names no entry or no time
 */
export async function handleBeat(
  app: App,
  registry: Registry,
  entries: readonly NamedEntry[],
  event: unknown,
): Promise<{ id: string }> {
  const firing = readFiring(event);
  if (firing === undefined) {
    throw new InvalidScheduleError(
      `beat event ${JSON.stringify(event)?.slice(0, 200)}`,
      '{ "schedule": "<entry>", "scheduledTime": "<ISO-8601 time>" }',
    );
  }
  const { schedule, scheduledTime } = firing;
  const named = entries.find(({ name }) => name === schedule);
  if (named === undefined) {
    const known = entries.map(({ name }) => `'${name}'`).join(", ") || "none";
    throw new InvalidScheduleError(`schedule entry '${schedule}'`, `one of beatSchedule (${known})`);
  }
  const id = firingId(firing);
  const entry = staticEntry(named, app.config.timezone);
  if (!app.config.beatEnabled) {
    await skip(app, entry, scheduledTime, OFF);
    return { id };
  }
  const pause = await app.schedules.pauseOf(schedule);
  // A fire time that was due by the pause, or by its end, fires no more. History has the pause itself.
  if (pause === undefined || (!pause.paused && pause.since < scheduledTime)) {
    await fire(app, registry, entry, scheduledTime);
  }
  return { id };
}

/** The id of the task that a firing sends. */
export function firingId({ schedule, scheduledTime }: Firing): string {
  return entryFiringId({ name: schedule, incarnation: CODE }, scheduledTime);
}

/** The firing that an event is; undefined for an event that is none. */
export function readFiring(event: unknown): Firing | undefined {
  if (!isObject(event)) return undefined;
  const { schedule, scheduledTime, task, queue, payload, payloadVersion } = event;
  if (typeof schedule !== "string" || typeof scheduledTime !== "string") return undefined;
  const time = readTime(scheduledTime);
  if (time === undefined) return undefined;
  return {
    schedule,
    scheduledTime: time,
    ...(typeof task === "string" && { task }),
    ...(typeof queue === "string" && { queue }),
    ...(payload !== undefined && { payload }),
    ...(isPayloadVersion(payloadVersion) && { payloadVersion }),
  };
}

/** Lambda passes parsed JSON. */
function isObject(value: unknown): value is { [field in string]?: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
