/**
 * A client of a service, for other programs: browsers, Node, Deno, Bun and edge runtimes. It imports nothing of the engine but types
 * (docs/client.md).
 */

import type { Json } from "../message/json.ts";
import type { TaskRecord, TaskState } from "../results/record.ts";
import { newId } from "./id.ts";
import {
  createFailures,
  createSchedules,
  createWorkflows,
  type Failures,
  type Schedules,
  type Workflows,
} from "./operations.ts";
import { createResult } from "./results.ts";
import { type ClientSettings, createTransport, pages, sleep } from "./transport.ts";
import type {
  Abortable,
  AnyTasks,
  ClientTask,
  ClientTasks,
  Known,
  SendOptions,
  TaskFilter,
  TaskResult,
} from "./types.ts";
import { createUploads, type Uploads } from "./uploads.ts";

export * from "./errors.ts";
export type * from "./operations.ts";
export type { WorkflowResult } from "./results.ts";
export type { ClientSettings } from "./transport.ts";
export type * from "./types.ts";
export type { UploadOptions, UploadRecord, UploadResult, Uploads } from "./uploads.ts";

/** Names of tasks that a client's types know. */
type NameIn<Tasks> = keyof ClientTasks<Tasks> & string;

export interface Client<Tasks> {
  /** The tasks by their names; nothing else is here, so any name will do. */
  readonly tasks: ClientTasks<Tasks>;
  /** A task by its name. */
  task<Name extends NameIn<Tasks>>(name: Name): ClientTasks<Tasks>[Name];
  /** A handle on a task that was sent before. */
  result<Result = Json>(id: string): TaskResult<Result>;
  /** Tasks that were sent, newest first; pages are read as they are needed. */
  list(filter?: TaskFilter): AsyncIterable<TaskRecord>;
  readonly workflows: Workflows<NameIn<Tasks>>;
  readonly schedules: Schedules;
  readonly failures: Failures;
  readonly uploads: Uploads;
  /**
   * Any other call of the contract; the type of the answer is the caller's word. @param options `repeatable`: false where twice is not the same as once
   * @throws RefusedError, NoAnswerError, or the signal's reason
   */
  call<Answer = Json>(
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
    path: `/${string}`,
    options?: {
      query?: Readonly<Record<string, string | number | boolean | Date | undefined>>;
      body?: unknown;
      repeatable?: boolean;
    } & Abortable,
  ): Promise<Answer>;
}

/**
 * Makes a client; it asks nothing yet, and clients of one program share nothing.
 *
 * @example
 * import type * as math from "../handlers/tasks/math.ts";
 * const client = createClient<typeof math>({ url: "https://api.example.com", key });
 * const result = await client.tasks.add.delay({ x: 4, y: 6 });
 * await result.get(); // 10
 *
 * @typeParam Tasks a module that exports tasks, an object of such modules, or a contract that `lovage types` wrote
 */
export function createClient<Tasks = AnyTasks>(settings: ClientSettings & Known<Tasks>): Client<Tasks> {
  const transport = createTransport(settings, { sleep, random: Math.random });

  const taskOf = (name: string): ClientTask<[payload?: unknown], unknown> => {
    const applyAsync = async (payload?: unknown, { signal, id, payloadVersion, ...options }: SendOptions = {}) => {
      const isKeyed =
        options.idempotencyKey !== undefined || options.throttle !== undefined || options.debounce !== undefined;
      // Made before the first try, and the same for all: so they are one task. Those options say it themselves.
      const own = id ?? (isKeyed ? undefined : newId());
      const body = { id: own, payload, payloadVersion, options };
      const sent = await transport.call<{ id: string; state: TaskState }>(
        "POST",
        `/tasks/${encodeURIComponent(name)}`,
        {
          body,
          signal,
        },
      );
      return createResult(transport, sent);
    };
    return { applyAsync, delay: (payload) => applyAsync(payload) };
  };

  // Every text is a name. A runtime that looks for `then` gets a task, too, which is no function.
  const tasks = new Proxy({}, { get: (_, name) => (typeof name === "string" ? taskOf(name) : undefined) });

  return {
    // Types alone know the names.
    tasks: tasks as ClientTasks<Tasks>,
    task: <Name extends NameIn<Tasks>>(name: Name) => taskOf(name) as ClientTasks<Tasks>[Name],
    result: (id) => createResult(transport, { id }),
    list: (filter = {}) => pages<TaskRecord>(transport, "/tasks", "tasks", filter),
    workflows: createWorkflows(transport),
    schedules: createSchedules(transport),
    failures: createFailures(transport),
    uploads: createUploads(transport),
    call: transport.call,
  };
}
