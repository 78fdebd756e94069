/** Types of a client, made from the tasks' own modules, or from a contract that `lovage types` writes. None of it is code. */

import type { Json } from "../message/json.ts";
import type { TaskRecord, TaskState } from "../results/record.ts";
import type { ApplyOptions } from "../task/options.ts";
import type { PayloadCall } from "../task/payload.ts";

/** A task as a module exports it. By its form, not by its class: the service may have another version of Lovage than its client. */
interface ExportedTask {
  readonly name: string;
  readonly delay: (...call: never[]) => Promise<{ get(): Promise<unknown> }>;
}

/** A task as a contract declares it, under its name. */
export interface DeclaredTask {
  payload: unknown;
  result: unknown;
}

/** Tasks of which nothing is known: any name, any payload. */
export type AnyTasks = Record<string, { payload: Json; result: Json }>;

/** The tasks among the exports of a module, or of the modules that an object holds. */
type TaskIn<Exported> = Exported extends ExportedTask
  ? Exported
  : Exported extends DeclaredTask | ((...call: never[]) => unknown)
    ? never
    : Exported extends object
      ? Extract<Exported[keyof Exported], ExportedTask>
      : never;

/** Of a task whose name is not known as a literal, nothing could be said. */
type NameOf<Task extends ExportedTask> = string extends Task["name"] ? never : Task["name"];

type ResultOf<Task extends ExportedTask> = Awaited<ReturnType<Awaited<ReturnType<Task["delay"]>>["get"]>>;

/** The tasks of a client, by their names. */
export type ClientTasks<Tasks> = {
  readonly [Task in TaskIn<Tasks[keyof Tasks]> as NameOf<Task>]: ClientTask<Parameters<Task["delay"]>, ResultOf<Task>>;
} & {
  readonly [Name in keyof Tasks as Tasks[Name] extends DeclaredTask ? Name : never]: Tasks[Name] extends DeclaredTask
    ? ClientTask<PayloadCall<Tasks[Name]["payload"]>, Tasks[Name]["result"]>
    : never;
};

/** Adds nothing to tasks that a client can be made of; of others the compiler says why not. */
export type Known<Tasks> = 0 extends 1 & Tasks
  ? "The type of the tasks is 'any': does the import of their modules lead to them, and does it compile?"
  : [keyof ClientTasks<Tasks>] extends [never]
    ? "No task is in the type of the tasks: give 'typeof tasks' of a module that exports some, or { a: typeof a; b: typeof b }."
    : unknown;

/** A contract with results for some of its tasks: `WithResults<Tasks, { add: number }>`. */
export type WithResults<Tasks, Results extends { [Name in keyof Tasks]?: unknown }> = {
  [Name in keyof Tasks]: Name extends keyof Results
    ? Omit<Tasks[Name], "result"> & { result: Results[Name] }
    : Tasks[Name];
};

/** Of a call that can be stopped. */
export interface Abortable {
  /** Ends the call, its retries and its waiting: it rejects with the signal's reason. A task that was sent stays sent. */
  signal?: AbortSignal;
}

/** Options of one send: those of `applyAsync`, as JSON takes them. */
export type SendOptions = ApplyOptions &
  Abortable & {
    /**
     * The task's id, a UUID of version 7 that was made within a day: give it where your own program may send again what it does not know to
     * be sent. @defaultValue a new one for each call, the same for all its tries
     */
    id?: string;
    /** The version of the payload that this program was written for. @defaultValue the newest that the service has */
    payloadVersion?: number;
  };

type OptionsCall<Call extends readonly unknown[]> = [] extends Call
  ? [payload?: Call[0], options?: SendOptions]
  : [payload: Call[0], options?: SendOptions];

/** A task, to be sent. (Properties, not methods: of those the compiler checks arguments loosely.) */
export interface ClientTask<Call extends readonly unknown[], Result> {
  /** Sends the task; resolves once the service has accepted it. @throws RefusedError, NoAnswerError */
  readonly delay: (...call: Call) => Promise<TaskResult<Result>>;
  /** Sends the task with options. @throws RefusedError, NoAnswerError, or the signal's reason */
  readonly applyAsync: (...call: OptionsCall<Call>) => Promise<TaskResult<Result>>;
}

export interface GetOptions extends Abortable {
  /** Seconds to wait. @defaultValue 60 */
  timeout?: number;
}

/** A record whose result has the task's type. */
export type RecordOf<Result> = Omit<TaskRecord, "result"> & { result?: Result };

/** A handle on one task's outcome. */
export interface TaskResult<Result = Json> {
  readonly id: string;
  /** When it was sent; of a send that was repeated, its state by then. Undefined for a handle that `client.result` made. */
  readonly state: TaskState | undefined;
  /**
   * Waits for the result.
   * @throws TaskFailedError with the task's own error; TaskRevokedError; ResultTimeoutError; ValueExpiredError; RefusedError
   * (`TASK_NOT_FOUND`) for an unknown id; NoAnswerError; the signal's reason
   */
  get(options?: GetOptions): Promise<Result>;
  /** The record as it is now. @throws RefusedError (`TASK_NOT_FOUND`), NoAnswerError */
  fetch(options?: Abortable): Promise<RecordOf<Result>>;
  /** Revokes the task: one that waits never runs, one that runs is told to stop. Needs a key that may operate. */
  revoke(options?: Abortable): Promise<void>;
  /** Runs a task that has ended again, as a new one. Needs a key that may operate. @param payload in the place of the old one */
  replay(payload?: Json, options?: Abortable): Promise<TaskResult<Result>>;
}

/** A time, or a date, which begins at midnight in UTC. */
type Bound = Date | string;

/** Tasks to list; docs/reference/http.md has what each field means. */
export interface TaskFilter extends Abortable {
  /** With several, tasks in one of them. */
  state?: TaskState | readonly TaskState[];
  task?: string;
  queue?: string;
  tag?: string;
  parent?: string;
  root?: string;
  from?: Bound;
  to?: Bound;
  finishedFrom?: Bound;
  finishedTo?: Bound;
  unregistered?: boolean;
  /** With false tasks come without their values. */
  values?: boolean;
  /** Tasks that are read at once, 1 to 100. @defaultValue 50 */
  limit?: number;
}
