import { describeError, InvalidOptionError, InvalidScheduleError } from "../errors.ts";
import { parseJson } from "../message/json.ts";
import { payloadText } from "../message/user-values.ts";
import { nextFire, parseExpression } from "../schedules/schedule-expression.ts";
import { type ApplyOptions, checkNames, resolveOptions } from "../task/options.ts";
import { type PayloadField, payloadOrNone } from "../task/payload.ts";
import type { RegisteredTask } from "../task/registered-task.ts";
import type { TaskModule } from "../task/registry.ts";
import { isTask, type Task } from "../task/task.ts";

/** One row of beat: which task to send, when, and with what; a task that is called as `delay()` needs no payload. */
export type ScheduleEntry<Input = never> = PayloadField<NoInfer<Input>> & {
  task: Task<Input, unknown>;
  /** `crontab({…})`, `every({…})`, or an AWS expression: `cron(…)`, `rate(…)`. */
  schedule: string;
  /** IANA zone in which `schedule` is read. @defaultValue the service's `TIMEZONE` */
  timezone?: string;
  options?: Pick<ApplyOptions, "queue" | "expires" | "countdown">;
};

/** An entry with its name; its types are checked by then. */
export interface NamedEntry {
  name: string;
  task: RegisteredTask;
  payload: unknown;
  schedule: string;
  timezone: string | undefined;
  options: ApplyOptions;
}

const SCHEDULE = Symbol.for("lovage.beatSchedule");

/** EventBridge Scheduler's rule for names, less what the stack's own prefix needs. */
const ENTRY_NAME = /^[a-z][a-z0-9-]{0,39}$/;

/** AWS cron knows no year before 1970. */
const BEFORE_ALL = new Date(0);
const DATE_EXPECTED = "a date that comes: no month has that day, or the clock of its time zone skips that time";

export interface BeatSchedule {
  readonly entries: readonly NamedEntry[];
}

/**
 * Declares schedule entries. Export it from any module in `handlers/tasks/`; each entry becomes an EventBridge Scheduler
 * schedule with its time zone, locally and in the cloud.
 *
 * @example
 * export const schedule = beatSchedule({
 *   "send-daily-email": {
 *     task: sendDailyEmail,
 *     payload: { to: ["team@example.com"] },
 *     schedule: crontab({ hour: 8, minute: 0 }),
 *     timezone: "Europe/Berlin",
 *   },
 * });
 *
 * @throws InvalidScheduleError for an expression or a time zone that AWS would not take, and for a date that never comes (31 February).
 * An entry whose last time has passed is refused by the build alone: a deployed service goes on when that day has come.
 */
export function beatSchedule<Inputs extends Record<string, unknown>>(
  entries: {
    [Name in keyof Inputs]: ScheduleEntry<Inputs[Name]>;
  },
): BeatSchedule {
  const named: NamedEntry[] = [];
  for (const name in entries) {
    const { task, payload, schedule, timezone, options = {} } = entries[name];
    checkNames(entries[name], ["task", "payload", "schedule", "timezone", "options"], `beatSchedule.${name}`);
    if (!ENTRY_NAME.test(name)) {
      throw new InvalidScheduleError(
        `schedule entry '${name}'`,
        "a name of up to 40 lower-case letters, digits and hyphens",
      );
    }
    // Finds the mistake where the entry stands, and in the zone that it will run in. No time can make an expression fire that is refused here.
    if (nextFire(parseExpression(schedule), BEFORE_ALL, timezone ?? "UTC", BEFORE_ALL) === undefined) {
      throw new InvalidScheduleError(`schedule '${schedule}' of entry '${name}'`, DATE_EXPECTED);
    }
    named.push({ name, task, payload, schedule, timezone, options });
  }
  const declared = { [SCHEDULE]: true, entries: named };
  return declared;
}

function isBeatSchedule(value: unknown): value is BeatSchedule {
  return typeof value === "object" && value !== null && SCHEDULE in value;
}

/** An entry, and the module that declares it. */
export interface CollectedEntry extends NamedEntry {
  file: string;
}

/**
 * All entries of a service.
 * @throws InvalidOptionError for two entries of one name, or one whose task is not exported
 */
export function collectSchedule(modules: readonly TaskModule[]): CollectedEntry[] {
  const entries = new Map<string, CollectedEntry>();
  const tasks = new Set(modules.flatMap(({ exports }) => Object.values(exports).filter(isTask)));
  const schedules = new Map<BeatSchedule, string>();
  for (const { file, exports } of modules) {
    for (const schedule of Object.values(exports).filter(isBeatSchedule)) {
      // One schedule that two modules export is still one.
      if (!schedules.has(schedule)) schedules.set(schedule, file);
    }
  }
  for (const [schedule, file] of schedules) {
    for (const entry of schedule.entries) {
      const other = entries.get(entry.name);
      if (other !== undefined) {
        throw new InvalidOptionError(
          "beatSchedule",
          entry.name,
          `one entry per name, which both ${other.file} and ${file} use: rename one of them`,
        );
      }
      if (!tasks.has(entry.task)) {
        throw new InvalidOptionError(
          "beatSchedule",
          entry.name,
          `its task '${entry.task.name}' to be exported from handlers/tasks/`,
        );
      }
      entries.set(entry.name, { ...entry, file });
    }
  }
  return [...entries.values()];
}

/** The service that entries belong to. */
export interface ScheduleGround {
  now: Date;
  /** Of entries that name none. */
  timezone: string;
  queues: readonly string[];
  isFifo(queue: string): boolean;
}

/**
 * Checks what a firing would find wrong, before anything is deployed.
 * @throws InvalidScheduleError naming the entry: it never fires again, or its payload, options or queue would be refused
 */
export async function checkEntry(entry: NamedEntry, ground: ScheduleGround): Promise<void> {
  const { name, task, payload, schedule, options } = entry;
  const { now, queues } = ground;
  if (nextFire(parseExpression(schedule), now, entry.timezone ?? ground.timezone, now) === undefined) {
    throw new InvalidScheduleError(
      `schedule '${schedule}' of entry '${name}'`,
      `a time after now (${now.toISOString()}), for its last one has passed: remove the entry or change its time`,
    );
  }
  const queue = options.queue ?? task.queue;
  if (!queues.includes(queue)) {
    throw new InvalidScheduleError(
      `queue '${queue}' of schedule entry '${name}'`,
      `one of the service's queues (${queues.join(", ")})`,
    );
  }
  let keys: { messageGroupId?: string };
  try {
    resolveOptions(options, now, task);
    keys = await task.validate(parseJson(payloadText(task.name, payloadOrNone(task.schema, payload))));
  } catch (error) {
    throw new InvalidScheduleError(
      `schedule entry '${name}'`,
      `what task '${task.name}' accepts (${describeError(error).message})`,
    );
  }
  if (ground.isFifo(queue) && options.messageGroupId === undefined && keys.messageGroupId === undefined) {
    throw new InvalidScheduleError(
      `queue '${queue}' of schedule entry '${name}'`,
      `a messageGroupId of task '${task.name}', for this queue keeps the order within a group`,
    );
  }
}
