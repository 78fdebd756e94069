import type { Hono } from "hono";
import { TaskNotFoundError } from "../errors.ts";
import { isId } from "../message/id.ts";
import { AsyncResult } from "../task/async-result.ts";
import type { App } from "../task/current-app.ts";
import type { Registry } from "../task/registry.ts";
import { sendTask } from "../task/send.ts";
import { createBase, readBody } from "./base.ts";

/** The calls for operators: revoke and replay. */
export function createOperateApi(app: App, registry: Registry): Hono {
  const api = createBase(app);

  api.delete("/tasks/:id", async (c) => {
    const id = knownId(c.req.param("id"));
    const { task, state } = await new AsyncResult(id, app).revoke();
    return c.json({ id, task, state }, 202, { location: `/tasks/${id}` });
  });

  api.post("/tasks/:id/replay", async (c) => {
    const record = await new AsyncResult(knownId(c.req.param("id")), app).fetch();
    const empty = (await c.req.raw.clone().text()) === "";
    const body = empty ? {} : await readBody(c.req.raw, ["payload"]);
    const task = registry.get(record.task);
    const payload = body.payload === undefined ? record.payload : body.payload;
    const { id, state } = await sendTask(app, task, payload, { queue: record.queue }, { replayOf: record.id });
    return c.json({ id, task: task.name, state, replayOf: record.id }, 202, { location: `/tasks/${id}` });
  });

  return api;
}

function knownId(id: string): string {
  if (!isId(id)) throw new TaskNotFoundError(id.slice(0, 80));
  return id;
}
