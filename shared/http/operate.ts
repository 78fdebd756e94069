import type { Hono } from "hono";
import { replayOrHeal } from "../canvas/heal.ts";
import { TaskNotFoundError } from "../errors.ts";
import { isId } from "../message/id.ts";
import { toPayloadVersion } from "../message/payload-version.ts";
import type { Entry } from "../schedules/entry.ts";
import { AsyncResult } from "../task/async-result.ts";
import type { App } from "../task/current-app.ts";
import type { Registry } from "../task/registry.ts";
import { audited } from "./audit.ts";
import { addCall, createBase, readBody } from "./base.ts";
import { addBulkActs } from "./bulk.ts";
import { addControl } from "./control.ts";
import { addFailureActs } from "./failures.ts";
import { addScheduleChanges } from "./schedules.ts";
import { addWorkflowRevoke } from "./workflows.ts";

/** The calls for operators. @param statics the entries that code declares */
export function createOperateApi(app: App, registry: Registry, statics: readonly Entry[] = []): Hono {
  const api = createBase(app);

  addCall(api, "revokeTask", async (c, parameters) => {
    const id = knownId(parameters.id);
    const { task, state } = await audited({ app, c }, "revoke", { id }, async () => {
      const { task, state } = await new AsyncResult(id, app).revoke();
      return { answer: { task, state }, outcome: { task, state } };
    });
    return c.json({ id, task, state }, 202, { location: `/tasks/${id}` });
  });

  addCall(api, "replayTask", async (c, parameters) => {
    const oldId = knownId(parameters.id);
    const record = await app.results.read(oldId);
    if (record === undefined) throw new TaskNotFoundError(oldId);
    const body = await readBody(c.req.raw, "replayTask");
    const isEdited = body.payload !== undefined;
    const target = { id: oldId, task: record.task, ...(isEdited && { edited: true }) };
    const { id, state } = await audited({ app, c }, "replay", target, async () => {
      const answer = await replayOrHeal(app, registry, record, {
        ...(body.payload !== undefined && { payload: body.payload }),
        ...(body.payloadVersion !== undefined && { payloadVersion: toPayloadVersion(body.payloadVersion) }),
      });
      return { answer, outcome: { replayedBy: answer.id, state: answer.state } };
    });
    const replayOf = id === record.id ? {} : { replayOf: record.id };
    return c.json({ id, task: record.task, state, ...replayOf }, 202, { location: `/tasks/${id}` });
  });

  addControl(api, app, registry);
  addBulkActs(api, app, registry);
  addFailureActs(api, app);
  addScheduleChanges(api, app, registry, statics);
  addWorkflowRevoke(api, app);
  return api;
}

function knownId(id: string): string {
  if (!isId(id)) throw new TaskNotFoundError(id);
  return id;
}
