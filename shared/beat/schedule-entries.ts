import { checkWhole } from "../canvas/check.ts";
import { WORKFLOW } from "../canvas/send.ts";
import { DEFAULT_QUEUE } from "../config.ts";
import { describeError, InvalidOptionError, InvalidScheduleError } from "../errors.ts";
import { type Json, parseJson, toJsonText } from "../message/json.ts";
import { payloadVersionField } from "../message/payload-version.ts";
import { payloadText } from "../message/user-values.ts";
import { checkRules, type Definition, ENTRY_FIELDS, timingOf, toDefinition } from "../schedules/definition.ts";
import type { Entry } from "../schedules/entry.ts";
import { CODE } from "../schedules/name.ts";
import { parseExpression } from "../schedules/schedule-expression.ts";
import { nextFireTime, type Timing } from "../schedules/timing.ts";
import { wholeNode } from "../task/draft.ts";
import { checkNames, oneOfQueues, resolveOptions } from "../task/options.ts";
import { payloadOrNone } from "../task/payload.ts";
import type { TaskModule } from "../task/registry.ts";
import { isTask } from "../task/task.ts";
import { readNode } from "../workflows/read-node.ts";
import { type BeatSchedule, isBeatSchedule, jsonFields, type NamedEntry, provideEntryCheck } from "./declaration.ts";

/** AWS cron knows no year before 1970. */
const BEFORE_ALL = new Date(0);
const DATE_EXPECTED = "a date that comes: no month has that day, or the clock of its time zone skips that time";

provideEntryCheck((entry, fields) => {
  checkNames(fields, ENTRY_FIELDS, `beatSchedule.${entry.name}`);
  // Each start of a function comes by here: the build looks at the entry's own zone, whose clock changes take as long to find as all else
  // that a start does.
  checkComes(entry, { ...staticEntry(entry, "UTC").timing, timezone: "UTC" });
});

/** @throws InvalidScheduleError for a date that never comes: no time can make it fire */
function checkComes({ name, schedule }: NamedEntry, timing: Timing): void {
  if (nextFireTime(timing, BEFORE_ALL) !== undefined) return;
  throw new InvalidScheduleError(`schedule '${schedule}' of entry '${name}'`, DATE_EXPECTED);
}

/** The thing that an entry sends, as a record would name it, and as JSON. */
export function sentBy({ target, options }: Pick<NamedEntry, "target" | "options">): {
  task: string;
  queue: string;
  payload: Json;
  payloadVersion?: number;
} {
  const { task, workflow, payload } = target;
  if (workflow) {
    return {
      task: WORKFLOW,
      queue: options.queue ?? DEFAULT_QUEUE,
      payload: parseJson(toJsonText(wholeNode(workflow.node))),
    };
  }
  const sent = parseJson(payloadText(task.name, payloadOrNone(task.schema, payload)));
  const version = payloadVersionField(task.payloadVersion);
  return { task: task.name, queue: options.queue ?? task.queue, payload: sent, ...version };
}

/**
 * The entry as the tick and the beat function fire it. An interval counts from 1970, so that its phase survives every deployment.
 * @param timezone of an entry that names none
 */
export function staticEntry(named: NamedEntry, timezone: string): Entry {
  const { name, target, schedule, options, rules } = named;
  const { queue: _, ...call } = sentBy(named);
  const sent = target.workflow ? { workflow: call.payload } : call;
  const fields = { ...rules, ...sent, options: jsonFields(options), schedule };
  const definition: Definition = toDefinition(fields, named.timezone ?? timezone);
  checkRules(definition);
  return {
    name,
    definition,
    incarnation: CODE,
    edition: CODE,
    past: [],
    createdAt: BEFORE_ALL,
    since: BEFORE_ALL,
    begun: BEFORE_ALL,
    timing: timingOf(definition, BEFORE_ALL),
  };
}

/** Rules that say nothing about when an entry fires. */
const PLAIN: readonly string[] = ["description"];

/** Whether EventBridge Scheduler can fire an entry exactly; any other is fired by the tick. */
export function isOnScheduler({ schedule, rules }: Pick<NamedEntry, "schedule" | "rules">): boolean {
  if (Object.keys(rules).some((rule) => !PLAIN.includes(rule))) return false;
  try {
    parseExpression(schedule);
    return true;
  } catch {
    return false;
  }
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
      const { task, workflow } = entry.target;
      const stranger = (workflow ? workflow.tasks : [task]).find((one) => !tasks.has(one));
      if (stranger) {
        throw new InvalidOptionError(
          "beatSchedule",
          entry.name,
          `its task '${stranger.name}' to be exported from handlers/tasks/`,
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
  const { name, target, schedule, options } = entry;
  const { now, queues } = ground;
  const { timing } = staticEntry(entry, ground.timezone);
  checkComes(entry, timing);
  // A rate of Scheduler's counts from its own creation.
  if (nextFireTime(timing, now) === undefined) {
    throw new InvalidScheduleError(
      `schedule '${schedule}' of entry '${name}'`,
      `a time after now (${now.toISOString()}), for its last one has passed: remove the entry or change its time`,
    );
  }
  const { queue, payload } = sentBy(entry);
  if (!queues.includes(queue)) {
    throw new InvalidScheduleError(`queue '${queue}' of schedule entry '${name}'`, oneOfQueues(queues));
  }
  const { task, workflow } = target;
  if (workflow) {
    const tasks = new Map(workflow.tasks.map((one) => [one.name, one]));
    const checking = { tasks: { find: (one: string) => tasks.get(one) }, queues, now };
    try {
      await checkWhole(checking, readNode(payload), options);
    } catch (error) {
      const { message } = describeError(error);
      throw new InvalidScheduleError(`schedule entry '${name}'`, `a workflow that can be sent (${message})`);
    }
    return;
  }
  let keys: { messageGroupId?: string };
  try {
    resolveOptions(options, now, task);
    keys = await task.validate(payload);
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
