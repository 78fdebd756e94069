/** The public surface: what `handlers/`, and the tasks in `handlers/tasks/`, may use. */

export { createOperate, createRead, createSubmit, createView } from "./api.ts";
export type { Role } from "./api-keys.ts";
export {
  createApp,
  createBeat,
  createDeadLetterWorker,
  createTick,
  createTimerSweep,
  createUploadListener,
  createWorker,
  files,
  mailer,
} from "./app.ts";
export { type BeatSchedule, beatSchedule } from "./beat/declaration.ts";
export type { Ticked } from "./beat/tick.ts";
export { type GroupCounts, GroupResult } from "./canvas/group-result.ts";
export type { MemberOutcome } from "./canvas/results.ts";
export { chain, chord, each, type GroupOptions, group } from "./canvas/shapes.ts";
export { type EntryView, type NewEntry, schedules } from "./entries/schedules.ts";
export * from "./errors.ts";
export type { UploadedFile } from "./files/files.ts";
export type { DashboardFiles } from "./http/dashboard.ts";
export { requireKey } from "./http/key.ts";
export type { Mail } from "./mail/mailer.ts";
export type { Json, Jsonified } from "./message/json.ts";
export type { TaskRecord, TaskState } from "./results/record.ts";
export { crontab, every } from "./schedules/crontab.ts";
export { scheduleName } from "./schedules/name.ts";
export { solar } from "./schedules/solar.ts";
export { AsyncResult } from "./task/async-result.ts";
export type { OnceOptions, TaskContext } from "./task/context.ts";
export { type App, currentApp, useApp } from "./task/current-app.ts";
export type { ApplyOptions } from "./task/options.ts";
export { createRegistry, type TaskModule } from "./task/registry.ts";
export type { RetryOptions } from "./task/retry-policy.ts";
export * from "./task/signals.ts";
// Types that a declaration of your own module may have to name.
export type {
  AnyCanvas,
  Canvas,
  CanvasOptions,
  Failed,
  HandleOf,
  InOf,
  Missing,
  OutOf,
  Signature,
  SignatureCall,
  SignatureOptions,
  Startable,
} from "./task/signature.ts";
export { type Task, task } from "./task/task.ts";
export type { LazyTaskModule } from "./task/task-loader.ts";
