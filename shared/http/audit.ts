import type { Context } from "hono";
import type { LogFields } from "../log.ts";
import type { App } from "../task/current-app.ts";
import { sourceOf } from "./key.ts";

/** The acts of operators, as the log names them. */
export type Act =
  | "pause"
  | "resume"
  | "revoke"
  | "drop"
  | "purge"
  | "limits"
  | "redrive"
  | "replay"
  | "schedule"
  | "unschedule"
  | "run";

/** The audit trail: one line for each act of an operator, when it is done: what, on what, with which outcome, from where. */
export function audit(app: App, c: Context, act: Act, fields: LogFields & { outcome: LogFields }): void {
  app.log.info("An operator acted", { act, ...fields, ...sourceOf(c) });
}
