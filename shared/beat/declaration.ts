import type { NewEntry, WorkflowEntry } from "../entries/schedules.ts";
import { InvalidScheduleError } from "../errors.ts";
import { type Json, parseJson, toJsonText } from "../message/json.ts";
import { declareStatic } from "../schedules/name.ts";
import { wholeNode } from "../task/draft.ts";
import type { ApplyOptions } from "../task/options.ts";
import type { RegisteredTask } from "../task/registered-task.ts";
import type { AnyCanvas } from "../task/signature.ts";

/**
 * One row of beat: which task to send, when, and with what; a task that is called as `delay()` needs no payload. A workflow may stand in the
 * place of a task.
 */
export type ScheduleEntry<Input = never> = NewEntry<Input> | WorkflowEntry;

/** The thing that an entry sends: a task with its payload, or a workflow. */
type Target =
  | { task: RegisteredTask; workflow?: undefined; payload: unknown }
  | { workflow: AnyCanvas; task?: undefined; payload?: undefined };

/** An entry with its name; its types are checked by then. */
export interface NamedEntry {
  name: string;
  target: Target;
  schedule: string;
  timezone: string | undefined;
  options: ApplyOptions;
  /** The fields beside those, as they are stored. */
  rules: { readonly [field: string]: Json };
}

const SCHEDULE = Symbol.for("lovage.beatSchedule");

/** EventBridge Scheduler's rule for names, less what the stack's own prefix needs. */
const ENTRY_NAME = /^[a-z][a-z0-9-]{0,39}$/;

export interface BeatSchedule {
  readonly entries: readonly NamedEntry[];
}

/** Checks an entry where it stands; `fields` as they were given. */
type EntryCheck = (entry: NamedEntry, fields: object) => void;

let check: EntryCheck | undefined;

/**
 * Tells how entries are checked. That takes all that reads schedules, and is done where this is loaded: wherever code runs as it is, in the
 * build, and in functions that fire or show entries. The others trust the build, and start without it.
 */
export function provideEntryCheck(given: EntryCheck): void {
  check = given;
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
 * An entry whose last time has passed, or whose one time the clock of its zone skips, is refused by the build alone: a deployed service goes on when that day has come.
 */
export function beatSchedule<Inputs extends Record<string, unknown>>(
  entries: {
    [Name in keyof Inputs]: ScheduleEntry<Inputs[Name]>;
  },
): BeatSchedule {
  const named: NamedEntry[] = [];
  for (const name in entries) {
    const { task, workflow, payload, schedule, timezone, options = {}, ...rules } = entries[name];
    if (!ENTRY_NAME.test(name)) {
      throw new InvalidScheduleError(
        `schedule entry '${name}'`,
        "a name of up to 40 lower-case letters, digits and hyphens",
      );
    }
    const target = targetOf(name, { task, workflow, payload });
    const entry = { name, target, schedule, timezone, options, rules: jsonFields(rules) };
    check?.(entry, entries[name]);
    declareStatic(name);
    named.push(entry);
  }
  const declared = { [SCHEDULE]: true, entries: named };
  return declared;
}

/** @throws InvalidScheduleError for whoever has no compiler, InvalidWorkflowError for members that are read when they are sent */
function targetOf(
  name: string,
  { task, workflow, payload }: { task: RegisteredTask | undefined; workflow: AnyCanvas | undefined; payload: unknown },
): Target {
  if (workflow && !task && payload === undefined) {
    // Each firing sends it: members that are read once would be gone.
    wholeNode(workflow.node);
    return { workflow };
  }
  if (task && !workflow) return { task, payload };
  throw new InvalidScheduleError(
    `schedule entry '${name}'`,
    "a 'task' and its payload, or a 'workflow': one of them, for each says what is sent",
  );
}

/** Dates become texts, as they would over HTTP. */
export function jsonFields(fields: object): { readonly [field: string]: Json } {
  const value = parseJson(toJsonText(fields));
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

export function isBeatSchedule(value: unknown): value is BeatSchedule {
  return typeof value === "object" && value !== null && SCHEDULE in value;
}
