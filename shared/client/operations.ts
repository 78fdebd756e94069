/** Workflows, schedule entries and failures: calls by their resource. */

import type { ListedWorkflow } from "../canvas/list.ts";
import type { PastFiring } from "../entries/history.ts";
import type { FailureGroup, GroupState } from "../failures/groups.ts";
import type { Json } from "../message/json.ts";
import type { TaskRecord, TaskState } from "../results/record.ts";
import type { NodeOptions, Policy } from "../workflows/definition.ts";
import { newId } from "./id.ts";
import { createResult, createWorkflowResult, type WorkflowResult } from "./results.ts";
import { pages, type Transport } from "./transport.ts";
import type { Abortable, TaskResult } from "./types.ts";

/** A task within a workflow: docs/canvas.md. */
interface TaskNode<Name extends string> {
  task: Name;
  /** The fields that are known; the step before gives the rest. */
  payload?: Json;
  /** Their version. @defaultValue the newest that the service has */
  payloadVersion?: number;
  into?: string;
  immutable?: boolean;
  options?: NodeOptions;
}

interface Callbacks<Name extends string> {
  link?: readonly TaskNode<Name>[];
  linkError?: readonly TaskNode<Name>[];
}

/** A workflow's part, as `POST /workflows` takes it. */
export type WorkflowNode<Name extends string = string> = Callbacks<Name> &
  (
    | TaskNode<Name>
    | { chain: readonly WorkflowNode<Name>[] }
    | { group: readonly WorkflowNode<Name>[]; policy?: Policy }
    | {
        chord: { header: readonly WorkflowNode<Name>[]; body: WorkflowNode<Name> };
        policy?: Policy;
      }
    | { each: WorkflowNode<Name>; policy?: Policy }
  );

/** Options of a whole workflow. */
export interface WorkflowOptions extends Abortable {
  countdown?: number;
  eta?: Date | string;
  expires?: number | Date | string;
  queue?: string;
  tags?: readonly string[];
  headers?: Readonly<Record<string, string>>;
  /** @defaultValue a new one for each call, the same for all its tries */
  idempotencyKey?: string;
}

export interface Workflows<Name extends string> {
  /** Sends a workflow, once, however often it has to be tried. @throws RefusedError, NoAnswerError */
  send<Result = Json>(workflow: WorkflowNode<Name>, options?: WorkflowOptions): Promise<WorkflowResult<Result>>;
  /** A handle on a workflow that was sent before. */
  result<Result = Json>(id: string): WorkflowResult<Result>;
  /** Newest first; by default those of the last 7 days. */
  list(
    filter?: { state?: TaskState; from?: Date | string; to?: Date | string; limit?: number } & Abortable,
  ): AsyncIterable<ListedWorkflow>;
}

export function createWorkflows<Name extends string>(transport: Transport): Workflows<Name> {
  return {
    async send<Result>(workflow: WorkflowNode<Name>, { signal, ...given }: WorkflowOptions = {}) {
      const options = { idempotencyKey: newId(), ...given };
      const body = { ...workflow, options };
      const { id } = await transport.call<{ id: string }>("POST", "/workflows", { body, signal });
      return createWorkflowResult<Result>(transport, id);
    },
    result: (id) => createWorkflowResult(transport, id),
    list: (filter = {}) => pages<ListedWorkflow>(transport, "/workflows", "workflows", filter),
  };
}

/** A schedule entry as it is written: docs/beat.md. */
export interface ScheduleEntry {
  task: string;
  /** Such as `crontab(0 8 * * *)`, `rate(5 minutes)`. */
  schedule: string;
  payload?: Json;
  /** The version of that payload. @defaultValue the newest that the service has */
  payloadVersion?: number;
  timezone?: string;
  options?: { [name: string]: Json };
  enabled?: boolean;
  start?: Date | string;
  end?: Date | string;
  jitter?: number;
  description?: string;
  skippedTime?: "skip" | "runAfter";
  repeatedTime?: "once" | "twice";
  overlap?: "allow" | "skip" | "queueOne" | "cancel";
  catchUp?: "none" | "last" | "all";
  catchUpMax?: number;
  catchUpAge?: number;
  keepHistory?: number;
}

/** A schedule entry as it stands. */
export interface ShownSchedule extends Partial<Omit<ScheduleEntry, "start" | "end">> {
  name: string;
  /** The workflow that it sends in the place of a task. */
  workflow?: Json;
  /** Declared by code, which alone changes it. */
  static: boolean;
  /** The next fire times, with the offset of its zone. */
  next: string[];
  start?: string;
  end?: string;
  /** Another with each change. */
  edition?: string;
  createdAt?: string;
  changedAt?: string;
  /** Why its document cannot be read. */
  broken?: string;
  runs?: PastFiring[];
}

/** Changes only an entry that is as it was read: of this `edition`. */
export interface IfMatch extends Abortable {
  ifMatch?: string;
}

export interface Schedules {
  /** Entries by name, those of the code among them. @param filter `runs`: so many of the last runs of each */
  list(
    filter?: { prefix?: string; task?: string; enabled?: boolean; runs?: number; limit?: number } & Abortable,
  ): AsyncIterable<ShownSchedule>;
  /** The entry with its last ten runs. @throws RefusedError (`SCHEDULE_NOT_FOUND`) */
  fetch(name: string, options?: Abortable): Promise<ShownSchedule>;
  /** Makes an entry, or replaces the one of that name; the same again changes nothing. */
  put(name: string, entry: ScheduleEntry, options?: IfMatch): Promise<ShownSchedule>;
  /** Changes some fields; `null` takes one away. */
  change(
    name: string,
    fields: { [Field in keyof ScheduleEntry]?: ScheduleEntry[Field] | null },
    options?: IfMatch,
  ): Promise<ShownSchedule>;
  delete(name: string, options?: IfMatch): Promise<void>;
  /** Runs the entry now, also one that is paused. */
  run<Result = Json>(name: string, options?: Abortable): Promise<TaskResult<Result>>;
  pause(name: string, options?: Abortable): Promise<void>;
  resume(name: string, options?: Abortable): Promise<void>;
}

export function createSchedules(transport: Transport): Schedules {
  const { call } = transport;
  const at = (name: string): string => `/schedules/${encodeURIComponent(name)}`;
  const change = <T>(method: string, name: string, body: unknown, { signal, ifMatch }: IfMatch = {}): Promise<T> =>
    call<T>(method, at(name), {
      body,
      signal,
      // The second of two tries would be told that the first has changed it.
      ...(ifMatch !== undefined && { headers: { "if-match": `"${ifMatch}"` }, repeatable: false }),
    });
  const act = async (name: string, verb: string, { signal }: Abortable = {}): Promise<void> =>
    void (await call("POST", `${at(name)}/${verb}`, { signal }));
  return {
    list: (filter = {}) => pages<ShownSchedule>(transport, "/schedules", "schedules", filter),
    fetch: (name, { signal } = {}) => call<ShownSchedule>("GET", at(name), { signal }),
    put: (name, entry, options) => change<ShownSchedule>("PUT", name, entry, options),
    change: (name, fields, options) => change<ShownSchedule>("PATCH", name, fields, options),
    delete: async (name, options) => void (await change("DELETE", name, undefined, options)),
    // Each call is a run of its own.
    run: async (name, { signal } = {}) =>
      createResult(transport, await call("POST", `${at(name)}/run`, { signal, repeatable: false })),
    pause: (name, options) => act(name, "pause", options),
    resume: (name, options) => act(name, "resume", options),
  };
}

export interface Failures {
  /** Failures by their kind, the newest first. */
  list(filter?: { state?: GroupState; task?: string; limit?: number } & Abortable): AsyncIterable<FailureGroup>;
  /** A kind, with the newest of the tasks that have failed so. @throws RefusedError (`FAILURE_NOT_FOUND`) */
  fetch(
    fingerprint: string,
    options?: { limit?: number } & Abortable,
  ): Promise<FailureGroup & { tasks: TaskRecord[]; cursor?: string }>;
  /** Also when it comes again. */
  ignore(fingerprint: string, options?: Abortable): Promise<void>;
  /** Until it comes again in another version. */
  resolve(fingerprint: string, options?: Abortable): Promise<void>;
  reopen(fingerprint: string, options?: Abortable): Promise<void>;
  /** Runs those that have failed so again: a bulk act, which goes on by itself. @param options `rate` is tasks a second, by default 10 */
  replay(fingerprint: string, options?: { rate?: number } & Abortable): Promise<{ id: string; state: string }>;
}

export function createFailures(transport: Transport): Failures {
  const { call } = transport;
  const at = (fingerprint: string): string => `/failures/${encodeURIComponent(fingerprint)}`;
  const judge = async (fingerprint: string, verb: string, { signal }: Abortable = {}): Promise<void> =>
    void (await call("POST", `${at(fingerprint)}/${verb}`, { signal }));
  return {
    list: (filter = {}) => pages<FailureGroup>(transport, "/failures", "failures", filter),
    fetch: (fingerprint, { signal, ...query } = {}) => call("GET", at(fingerprint), { query, signal }),
    ignore: (fingerprint, options) => judge(fingerprint, "ignore", options),
    resolve: (fingerprint, options) => judge(fingerprint, "resolve", options),
    reopen: (fingerprint, options) => judge(fingerprint, "reopen", options),
    replay: (failure, { signal, rate } = {}) =>
      call("POST", "/bulk", { body: { id: newId(), act: "replay", failure, rate }, signal }),
  };
}
