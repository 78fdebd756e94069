import { InvalidOptionError, InvalidScheduleError } from "../errors.ts";
import { parseJson } from "../message/json.ts";
import { payloadText } from "../message/user-values.ts";
import type { ApplyOptions } from "../task/options.ts";
import { type PayloadField, payloadOrNone } from "../task/payload.ts";
import type { TaskModule } from "../task/registry.ts";
import { isTask, type RegisteredTask, type Task } from "../task/task.ts";
import { nextFire, parseExpression } from "./expression.ts";

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
 * @throws InvalidScheduleError for an expression or a time zone that AWS would not take
 */
export function beatSchedule<Inputs extends Record<string, unknown>>(
  entries: {
    [Name in keyof Inputs]: ScheduleEntry<Inputs[Name]>;
  },
): BeatSchedule {
  const named: NamedEntry[] = [];
  for (const name in entries) {
    const { task, payload, schedule, timezone, options = {} } = entries[name];
    if (!ENTRY_NAME.test(name)) {
      throw new InvalidScheduleError(
        `schedule entry '${name}'`,
        "a name of up to 40 lower-case letters, digits and hyphens",
      );
    }
    // Finds the mistake at build time, in the zone that it will run in.
    nextFire(parseExpression(schedule), new Date(0), timezone ?? "UTC", new Date(0));
    named.push({ name, task, payload, schedule, timezone, options });
  }
  const declared = { [SCHEDULE]: true, entries: named };
  return declared;
}

function isBeatSchedule(value: unknown): value is BeatSchedule {
  return typeof value === "object" && value !== null && SCHEDULE in value;
}

/**
 * All entries of a service.
 * @throws InvalidOptionError for two entries of one name, or one whose task is not exported
 */
export function collectSchedule(modules: readonly TaskModule[]): NamedEntry[] {
  const entries = new Map<string, NamedEntry>();
  const tasks = new Set(modules.flatMap(({ exports }) => Object.values(exports).filter(isTask)));
  const schedules = new Set(modules.flatMap(({ exports }) => Object.values(exports).filter(isBeatSchedule)));
  for (const entry of [...schedules].flatMap((schedule) => schedule.entries)) {
    if (entries.has(entry.name)) throw new InvalidOptionError("beatSchedule", entry.name, "one entry per name");
    if (!tasks.has(entry.task)) {
      throw new InvalidOptionError(
        "beatSchedule",
        entry.name,
        `its task '${entry.task.name}' to be exported from handlers/tasks/`,
      );
    }
    entries.set(entry.name, entry);
  }
  return [...entries.values()];
}

/** @throws InvalidPayloadError if an entry's payload is no JSON, or does not fit its task */
export async function checkSchedulePayloads(entries: readonly NamedEntry[]): Promise<void> {
  for (const { task, payload } of entries) {
    await task.validate(parseJson(payloadText(task.name, payloadOrNone(task.schema, payload))));
  }
}
