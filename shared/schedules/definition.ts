/** An entry as its editors give it: every field checked, in the one form in which it is stored and compared. */

import {
  ConflictingOptionsError,
  InvalidOptionError,
  InvalidScheduleError,
  MissingOptionError,
  UnknownOptionError,
} from "../errors.ts";
import { MAX_TIMER_SECONDS } from "../lifetimes.ts";
import { byteLength, type Json, toJsonText } from "../message/json.ts";
import { isPayloadVersion, PAYLOAD_VERSION_EXPECTED } from "../message/payload-version.ts";
import { readTime, TIME_EXPECTED } from "../message/time.ts";
import type { RepeatedTime, SkippedTime } from "./clock-changes.ts";
import { nextFireTime, parseSchedule, type Timing } from "./timing.ts";
import { checkTimezone } from "./zone.ts";

/** Runs of an entry that would overlap: both run; the later is skipped; the newest waits; the earlier is revoked, and the later waits for its end. */
type Overlap = "allow" | "skip" | "queueOne" | "cancel";

/** Fire times that an outage has cost: none is run, the last, or all within bounds. */
type CatchUp = "none" | "last" | "all";

/** The fields of an entry, beside its task, payload and options, that say when and how it fires. */
export interface EntryRules {
  /** `crontab({…})`, `every({…})`, `solar(…)`, a unix cron string, or AWS's `cron(…)`, `rate(…)`, `at(…)`. */
  schedule: string;
  /** IANA zone in which `schedule` is read. @defaultValue the service's `TIMEZONE` */
  timezone?: string;
  /** An entry that is not enabled does not fire. @defaultValue true */
  enabled?: boolean;
  /** No fire time before; an interval counts from it. */
  start?: Date | string;
  /** No fire time after. */
  end?: Date | string;
  /** Seconds, 0 to 3600, by which a start is put off, derived from the entry and its fire time. It goes no further than `end`. @defaultValue 0 */
  jitter?: number;
  /** Up to 500 characters. */
  description?: string;
  /** A time that the clock leaves out in spring: skipped, or run at the first moment after. @defaultValue skip */
  skippedTime?: SkippedTime;
  /** A time that the clock shows twice in autumn. @defaultValue once */
  repeatedTime?: RepeatedTime;
  /** When the run before has not ended. @defaultValue allow */
  overlap?: Overlap;
  /** After an outage. A fire time that is no more than 5 minutes late is run in any case. @defaultValue none */
  catchUp?: CatchUp;
  /** At most so many of an outage are run with `catchUp: "all"`, the newest: 1 to 1000. @defaultValue 10 */
  catchUpMax?: number;
  /** Seconds: fire times that are older are not caught up with, 300 to 2592000 (30 days). @defaultValue 86400 */
  catchUpAge?: number;
  /** Seconds that the record of each run is kept at least, up to 34560000 (400 days). @defaultValue `RESULT_EXPIRES` */
  keepHistory?: number;
}

/** An entry as it is stored. Times are ISO-8601 in UTC. */
export interface Definition extends Omit<EntryRules, "start" | "end" | "timezone" | "enabled"> {
  /** The task that it sends; absent with a workflow. */
  task?: string;
  /** The workflow that it sends, as `POST /workflows` takes it. */
  workflow?: Json;
  payload: Json;
  /** The version of its task's payload; absent for the first. A workflow's tasks say their own. */
  payloadVersion?: number;
  options: { readonly [option: string]: Json };
  timezone: string;
  enabled: boolean;
  start?: string;
  end?: string;
}

/** Options of a call that make sense for each of many. */
export const ENTRY_OPTIONS = [
  ...["queue", "expires", "countdown", "tags", "headers", "messageGroupId"],
  ...["timeLimit", "softTimeLimit", "ignoreResult"],
] as const;

/** Of those, the ones of a whole workflow. */
export const WORKFLOW_OPTIONS = ["queue", "expires", "countdown", "tags", "headers"] as const;

const MAX_DEFINITION_BYTES = 65_536;

const oneOf =
  (...values: readonly string[]) =>
  (value: Json): boolean | string =>
    (typeof value === "string" && values.includes(value)) || values.join(", ");
const seconds =
  (least: number, most: number) =>
  (value: Json): boolean | string =>
    (typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most) ||
    `a whole number from ${least} to ${most}`;
const isText = (value: Json): boolean => typeof value === "string" && value.isWellFormed();

const CHECKS: Readonly<Record<string, (value: Json) => boolean | string>> = {
  task: (value) => isText(value) || "the name of a task",
  workflow: (value) =>
    (typeof value === "object" && value !== null && !Array.isArray(value)) || "a workflow, as POST /workflows takes it",
  payload: () => true,
  payloadVersion: (value) => isPayloadVersion(value) || PAYLOAD_VERSION_EXPECTED,
  options: (value) =>
    (typeof value === "object" && value !== null && !Array.isArray(value)) || 'an object such as { "expires": 60 }',
  schedule: (value) => isText(value) || "text such as 'cron(0 8 * * ? *)'",
  timezone: (value) => isText(value) || "a name of the IANA time zone database, such as 'Europe/Berlin'",
  enabled: (value) => typeof value === "boolean" || "true or false",
  start: (value) => (typeof value === "string" && readTime(value) !== undefined) || TIME_EXPECTED,
  end: (value) => (typeof value === "string" && readTime(value) !== undefined) || TIME_EXPECTED,
  jitter: seconds(0, 3600),
  description: (value) => (isText(value) && String(value).length <= 500) || "text of up to 500 characters",
  skippedTime: oneOf("skip", "runAfter"),
  repeatedTime: oneOf("once", "twice"),
  overlap: oneOf("allow", "skip", "queueOne", "cancel"),
  catchUp: oneOf("none", "last", "all"),
  catchUpMax: seconds(1, 1000),
  catchUpAge: seconds(300, 2_592_000),
  keepHistory: seconds(1, MAX_TIMER_SECONDS),
};

/** Names of the fields of an entry. */
export const ENTRY_FIELDS: readonly string[] = Object.keys(CHECKS);

/** Values that are as good as absent, so that an entry which names them is the same as one that does not. */
const DEFAULTS: Readonly<Record<string, Json>> = {
  jitter: 0,
  skippedTime: "skip",
  repeatedTime: "once",
  overlap: "allow",
  catchUp: "none",
};

/**
 * Reads an entry's fields; `null` is as good as absent.
 * @throws InvalidOptionError, UnknownOptionError, InvalidScheduleError naming the field
 */
export function toDefinition(fields: { readonly [field: string]: Json }, timezone: string): Definition {
  const given: Record<string, Json> = {};
  for (const [name, value] of Object.entries(fields)) {
    const check = Object.hasOwn(CHECKS, name) ? CHECKS[name] : undefined;
    if (check === undefined) throw new UnknownOptionError(name, ENTRY_FIELDS, "Field");
    if (value === null && name !== "payload") continue;
    const outcome = check(value);
    if (outcome !== true) throw new InvalidOptionError(name, value, String(outcome));
    if (DEFAULTS[name] !== value) given[name] = value;
  }
  const { task, workflow, schedule, payload = null, options = {}, start, end, ...rules } = given;
  if (workflow === undefined && typeof task !== "string") {
    throw new MissingOptionError("task", "an entry names a task, or has a 'workflow' in its place");
  }
  if (workflow !== undefined) {
    const other = ["task", "payload", "payloadVersion"].find(
      (name) => given[name] !== undefined && given[name] !== null,
    );
    if (other !== undefined) throw new ConflictingOptionsError("workflow", other, "each says what is sent");
  }
  if (typeof schedule !== "string") throw new MissingOptionError("schedule", "an entry says when it fires");
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new InvalidOptionError("options", options, "an object");
  }
  checkOptionNames(options, workflow === undefined ? ENTRY_OPTIONS : WORKFLOW_OPTIONS);
  const times = {
    ...(start !== undefined && { start: isoTime(start) }),
    ...(end !== undefined && { end: isoTime(end) }),
  };
  const definition: Definition = {
    timezone,
    enabled: true,
    ...rules,
    ...times,
    schedule,
    payload,
    options,
    ...(workflow === undefined ? { task: String(task) } : { workflow }),
  };
  parseSchedule(schedule);
  checkTimezone(definition.timezone);
  if (definition.start !== undefined && definition.end !== undefined && definition.start > definition.end) {
    throw new InvalidOptionError("end", end, `a time that is not before 'start' (${definition.start})`);
  }
  const bytes = byteLength(toJsonText(definition));
  if (bytes > MAX_DEFINITION_BYTES) {
    throw new InvalidScheduleError(
      `entry of ${bytes} bytes`,
      `at most ${MAX_DEFINITION_BYTES} bytes. Keep large data in a file and pass its key`,
    );
  }
  return definition;
}

/**
 * Makes sure that each rule has something to rule. One that is stored may lack it: it was made before this was looked at.
 * @throws InvalidOptionError
 */
export function checkRules({ catchUp = "none", catchUpMax, catchUpAge }: Definition): void {
  if (catchUpMax !== undefined && catchUp !== "all") {
    throw new InvalidOptionError(
      "catchUpMax",
      catchUpMax,
      `none, for only catchUp 'all' has a bound, and it is '${catchUp}'`,
    );
  }
  if (catchUpAge !== undefined && catchUp === "none") {
    throw new InvalidOptionError(
      "catchUpAge",
      catchUpAge,
      "none, for without catchUp 'last' or 'all' nothing is made up for",
    );
  }
}

/**
 * A definition that comes from the table, checked. A field that is not known stays as it is: it may be of a newer version of this code.
 * @throws as toDefinition
 */
export function readStored(definition: Definition): Definition {
  const known = Object.entries(definition).filter(([name]) => ENTRY_FIELDS.includes(name));
  const checked = toDefinition(Object.fromEntries(known), definition.timezone);
  if (typeof definition.enabled !== "boolean")
    throw new InvalidOptionError("enabled", definition.enabled, "true or false");
  return { ...definition, ...checked };
}

/** An option that would make all of an entry's runs one, or means one moment, is refused. */
function checkOptionNames(options: { readonly [option: string]: Json }, known: readonly string[]): void {
  for (const [name, value] of Object.entries(options)) {
    if (!known.includes(name)) throw new UnknownOptionError(`options.${name}`, known, "Option of an entry");
    if (name === "expires" && typeof value !== "number") {
      throw new InvalidOptionError("options.expires", value, "seconds, which count from each fire time");
    }
  }
}

function isoTime(value: Json): string {
  return readTime(String(value))?.toISOString() ?? "";
}

/** The fields of an entry that say when it fires. */
export type TimingFields = Pick<Definition, "schedule" | "timezone" | "start" | "end" | "skippedTime" | "repeatedTime">;

export function timingFields(definition: TimingFields): TimingFields {
  const { schedule, timezone, start, end, skippedTime, repeatedTime } = definition;
  return {
    schedule,
    timezone,
    ...(start !== undefined && { start }),
    ...(end !== undefined && { end }),
    ...(skippedTime && { skippedTime }),
    ...(repeatedTime && { repeatedTime }),
  };
}

/** @param anchor an interval counts from it, if the entry has no start */
export function timingOf(definition: TimingFields, anchor: Date): Timing {
  const { schedule, timezone, start, end, skippedTime, repeatedTime } = definition;
  return {
    schedule,
    timezone,
    anchor,
    ...(start !== undefined && { start: new Date(start) }),
    ...(end !== undefined && { end: new Date(end) }),
    ...(skippedTime && { skippedTime }),
    ...(repeatedTime && { repeatedTime }),
  };
}

/** @throws InvalidScheduleError for an entry that has no fire time after `after`, with the reason */
export function checkFires(timing: Timing, after: Date): void {
  if (nextFireTime(timing, after) !== undefined) return;
  const { schedule, timezone, end } = timing;
  const { end: _, ...endless } = timing;
  const beyond = end && nextFireTime(endless, after);
  if (beyond) {
    throw new InvalidScheduleError(
      `end '${end.toISOString()}'`,
      `a time not before the first fire time, ${beyond.toISOString()}`,
    );
  }
  const ever = nextFireTime({ ...endless, anchor: new Date(0) }, new Date(0));
  const reason = ever
    ? `a time after now (${after.toISOString()}), for its last one has passed`
    : "a date that comes: no month has that day, its place never has that event, or the clock of its time zone skips that time";
  throw new InvalidScheduleError(`schedule '${schedule}' in ${timezone}`, reason);
}

/** Whether two definitions are the same entry. */
export function isSame(one: Definition, other: Definition): boolean {
  return canonical(one) === canonical(other);
}

function canonical(definition: Definition): string {
  return toJsonText(Object.fromEntries(Object.entries(definition).sort(([a], [b]) => (a < b ? -1 : 1))));
}
