import { InvalidScheduleError } from "../errors.ts";
import { derivedId } from "../message/id.ts";
import { readTime } from "../message/time.ts";
import type { App } from "../task/current-app.ts";
import type { Sent } from "../task/deliver.ts";
import { sendTask } from "../task/send.ts";
import type { NamedEntry } from "./schedule.ts";

/** What EventBridge Scheduler passes to the beat function: written into each schedule's Input. */
export interface BeatEvent {
  schedule: string;
  /** ISO-8601; Scheduler puts it in the place of `<aws.scheduler.scheduled-time>`. */
  scheduledTime: string;
}

/** The Input of an entry's schedule. https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html */
export function beatInput(name: string): BeatEvent {
  return { schedule: name, scheduledTime: "<aws.scheduler.scheduled-time>" };
}

/**
 * Sends the task of one schedule entry. The id is derived from entry and fire time: Scheduler may fire twice, and its
 * retries repeat the call, but all of them are one task.
 * @throws InvalidScheduleError for an event that names no entry or no time
 */
export async function handleBeat(app: App, entries: readonly NamedEntry[], event: unknown): Promise<Sent> {
  const { schedule, scheduledTime, time } = readEvent(event);
  const entry = entries.find(({ name }) => name === schedule);
  if (entry === undefined) {
    const known = entries.map(({ name }) => `'${name}'`).join(", ") || "none";
    throw new InvalidScheduleError(`schedule entry '${schedule}'`, `one of beatSchedule (${known})`);
  }
  const id = derivedId(time, `beat/${schedule}/${time.toISOString()}`);
  const sent = await sendTask(app, entry.task, entry.payload, entry.options, { id });
  app.log.info("Schedule entry fired", { schedule, scheduledTime, task: entry.task.name, id: sent.id });
  return sent;
}

function readEvent(event: unknown): BeatEvent & { time: Date } {
  if (typeof event === "object" && event !== null && "schedule" in event && "scheduledTime" in event) {
    const { schedule, scheduledTime } = event;
    const time = typeof scheduledTime === "string" ? readTime(scheduledTime) : undefined;
    if (typeof schedule === "string" && typeof scheduledTime === "string" && time) {
      return { schedule, scheduledTime, time };
    }
  }
  throw new InvalidScheduleError(
    `beat event ${JSON.stringify(event)?.slice(0, 200)}`,
    '{ "schedule": "<entry>", "scheduledTime": "<ISO-8601 time>" }',
  );
}
