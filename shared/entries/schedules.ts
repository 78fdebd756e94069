/** `schedules`: entries of beat from code, also inside a task. */

import { TaskNotRegisteredError } from "../errors.ts";
import { type Json, parseJson, toJsonText } from "../message/json.ts";
import {
  type ENTRY_OPTIONS,
  type EntryRules,
  timingOf,
  toDefinition,
  type WORKFLOW_OPTIONS,
} from "../schedules/definition.ts";
import type { Entry } from "../schedules/entry.ts";
import { type Preview, preview } from "../schedules/preview.ts";
import { currentRun } from "../task/context.ts";
import { type App, currentApp } from "../task/current-app.ts";
import { wholeNode } from "../task/draft.ts";
import type { ApplyOptions } from "../task/options.ts";
import type { PayloadField } from "../task/payload.ts";
import type { RegisteredTask } from "../task/registered-task.ts";
import type { AnyCanvas } from "../task/signature.ts";
import type { Sent } from "../task/submit.ts";
import type { Task } from "../task/task.ts";
import { changeEntry, deleteEntry, type FindTask, putEntry, readEntry, setEnabled } from "./edit.ts";
import { runNow } from "./fire.ts";
import { historyOf, type PastFiring } from "./history.ts";

/** Options of a call that make sense for each firing; `expires` and `countdown` are seconds that count from the fire time. */
type EntryOptions = Pick<ApplyOptions, Exclude<(typeof ENTRY_OPTIONS)[number], "expires">> & {
  expires?: number;
};

/** Options of a whole that make sense for each firing. */
type WorkflowOptions = Pick<EntryOptions, (typeof WORKFLOW_OPTIONS)[number]>;

/** An entry as code gives it: its task, payload and options, and when it fires. */
export type NewEntry<Input> = PayloadField<NoInfer<Input>> &
  EntryRules & {
    task: Task<Input, unknown>;
    workflow?: never;
    options?: EntryOptions;
  };

/** An entry that sends a workflow, `chain(…)`, `group(…)` or `chord(…)`, in the place of a task. */
export type WorkflowEntry = EntryRules & {
  workflow: AnyCanvas;
  task?: never;
  payload?: never;
  options?: WorkflowOptions;
};

/** An entry as it stands. Times are ISO-8601. */
export interface EntryView {
  name: string;
  /** Absent of one that sends a workflow. */
  task?: string;
  /** Another with each change: what `ifMatch` compares. */
  edition: string;
  /** The next fire times, with the offset of the entry's zone; none for one that is paused or over. */
  next: readonly string[];
  definition: Entry["definition"];
  createdAt: string;
  changedAt: string;
}

export interface Schedules {
  /** Makes an entry. @throws ScheduleExistsError, StaticScheduleError, InvalidScheduleError and its kin */
  create<Input>(name: string, entry: NewEntry<Input> | WorkflowEntry): Promise<EntryView>;
  /** Makes an entry, or puts it in the place of the one of that name; the same entry again changes nothing. */
  put<Input>(name: string, entry: NewEntry<Input> | WorkflowEntry, options?: { ifMatch?: string }): Promise<EntryView>;
  /**
   * Changes some fields; `null` takes one away. A fire time that was due by now fires no more. A new payload or options come with their `task`.
   * @throws ScheduleNotFoundError, ScheduleChangedError if `ifMatch` is not its edition
   */
  change<Input>(name: string, fields: Changes<Input>, options?: { ifMatch?: string }): Promise<EntryView>;
  /** @throws ScheduleNotFoundError */
  get(name: string): Promise<EntryView>;
  /** The newest fire times and what became of each, newest first. @param limit 1 to 100 @defaultValue 10 */
  history(name: string, limit?: number): Promise<PastFiring[]>;
  /** Entries by name, in its order. */
  list(page?: { prefix?: string; limit?: number; after?: string }): Promise<EntryView[]>;
  pause(name: string): Promise<void>;
  /** Goes on with the next fire time: what a pause has left out is not made up for. */
  resume(name: string): Promise<void>;
  /** A run that is under way goes on. */
  delete(name: string, options?: { ifMatch?: string }): Promise<void>;
  /**
   * Runs the entry now, also one that is paused or over. It uses up no fire time, and moves none.
   * @param what its task, or its workflow: what is sent is what the entry says
   */
  run(name: string, what: RegisteredTask | AnyCanvas): Promise<Sent>;
  /** The next fire times of a schedule, what may surprise in it, and what the clock changes of the next year do to it. */
  preview(rules: EntryRules, count?: number): Preview;
}

/** Fields of an entry; `null` takes one away. */
type Changes<Input> = { [Field in keyof EntryRules]?: EntryRules[Field] | null } & (
  | { task?: never; workflow?: never; payload?: never; options?: never }
  | { workflow: AnyCanvas; task?: never; payload?: never; options?: WorkflowOptions | null }
  | (PayloadField<NoInfer<Input>> & { task: Task<Input, unknown>; workflow?: never; options?: EntryOptions | null })
);

export function createScheduleApi(app: () => App): Schedules {
  const put = async (name: string, entry: What, more: object): Promise<EntryView> => {
    stopIfOver();
    const { task, workflow, ...fields } = entry;
    const stored = await putEntry(app(), findIn(task, workflow), name, {
      fields: { ...toFields(fields), ...whatFields(task, workflow) },
      ...more,
    });
    return viewOf(app(), stored.entry);
  };
  return {
    create: (name, entry) => put(name, entry, { isNew: true }),
    put: (name, entry, { ifMatch } = {}) => put(name, entry, ifMatch === undefined ? {} : { ifMatch }),
    async change(name, fields, { ifMatch } = {}) {
      stopIfOver();
      const { task, workflow, ...rest } = fields;
      const changes = { ...toFields(rest), ...whatFields(task, workflow) };
      const find = task || workflow ? findIn(task, workflow) : undefined;
      return viewOf(
        app(),
        await changeEntry(app(), find, name, { fields: changes, ...(ifMatch !== undefined && { ifMatch }) }),
      );
    },
    get: async (name) => viewOf(app(), await readEntry(app(), name)),
    history: async (name, limit = 10) =>
      historyOf(app(), await readEntry(app(), name), Math.min(100, Math.max(1, limit))),
    async list({ prefix = "", limit = 100, after } = {}) {
      const found = await app().schedules.list({ prefix, limit, ...(after !== undefined && { after }) });
      return found.flatMap((stored) => (stored.kind === "entry" ? [viewOf(app(), stored.entry)] : []));
    },
    async pause(name) {
      stopIfOver();
      await setEnabled(app(), name, false);
    },
    async resume(name) {
      stopIfOver();
      await setEnabled(app(), name, true);
    },
    async delete(name, { ifMatch } = {}) {
      stopIfOver();
      await deleteEntry(app(), name, ifMatch);
    },
    async run(name, what) {
      stopIfOver();
      const tasks = "node" in what ? findIn(undefined, what) : findIn(what, undefined);
      return runNow(app(), tasks, await readEntry(app(), name), currentRun()?.context.id);
    },
    preview(rules, count = 5) {
      const { start, end, ...definition } = toDefinition(
        { ...toFields(rules), task: "preview" },
        app().config.timezone,
      );
      const bounds = { ...(start !== undefined && { start }), ...(end !== undefined && { end }) };
      const now = app().clock();
      return preview(timingOf({ ...definition, ...bounds }, now), now, count);
    },
  };
}

/** Entries of beat that are made and changed while the service runs. */
export const schedules: Schedules = /* @__PURE__ */ createScheduleApi(currentApp);

export function viewOf(app: App, entry: Entry, count = 5): EntryView {
  const { name, edition, definition, timing, createdAt, since } = entry;
  return {
    name,
    ...(definition.task !== undefined && { task: definition.task }),
    edition,
    definition,
    next: definition.enabled ? preview(timing, app.clock(), count).next : [],
    createdAt: createdAt.toISOString(),
    changedAt: since.toISOString(),
  };
}

/** The thing that an entry sends. */
interface What {
  task?: RegisteredTask;
  workflow?: AnyCanvas;
}

/** The tasks in a caller's hand; what else an entry names is not known here. */
function findIn(task: RegisteredTask | undefined, workflow: AnyCanvas | undefined): FindTask {
  const known = new Map([...(task ? [task] : []), ...(workflow?.tasks ?? [])].map((one) => [one.name, one]));
  return {
    find: (name) => known.get(name),
    get(name) {
      const found = known.get(name);
      if (found === undefined) throw new TaskNotRegisteredError(name, [...known.keys()]);
      return found;
    },
  };
}

function whatFields(task: RegisteredTask | undefined, workflow: AnyCanvas | undefined): { [field: string]: Json } {
  return {
    ...(task && { task: task.name }),
    ...(workflow && { workflow: parseJson(toJsonText(wholeNode(workflow.node))) }),
  };
}

/** A run that was given up must not go on to set things off. */
function stopIfOver(): void {
  currentRun()?.over.throwIfAborted();
}

function toFields(fields: object): { readonly [field: string]: Json } {
  const value = parseJson(toJsonText(fields));
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}
