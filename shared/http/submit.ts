import type { Hono } from "hono";
import { InvalidPayloadError, NewerPayloadError } from "../errors.ts";
import type { Files } from "../files/files.ts";
import type { Json } from "../message/json.ts";
import { toPayloadVersion } from "../message/payload-version.ts";
import type { App } from "../task/current-app.ts";
import type { RegisteredTask } from "../task/registered-task.ts";
import type { Registry } from "../task/registry.ts";
import { sendTask } from "../task/send.ts";
import { addCall, createBase, missingField, readBody, toOptions } from "./base.ts";
import { addUploads } from "./uploads.ts";
import { addWorkflowSend } from "./workflows.ts";

/** The calls that send: tasks, files and workflows. Their function may send, and read nothing. */
export function createSubmitApi(app: App, registry: Registry, files: Files): Hono {
  const api = createBase(app);
  addCall(api, "sendTask", async (c, { name }) => {
    const task = registry.get(name);
    const { id: callerId, payload, payloadVersion, options } = await readBody(c.req.raw, "sendTask");
    const known = { options: toOptions(options), callerId, ...toVersion(task, payloadVersion) };
    const { id, state } = await sendTask(app, task, payload, known).catch((error: unknown) => {
      // Without a payload `{}` was sent, which this task does not take: so one is missing.
      if (payload !== undefined || !(error instanceof InvalidPayloadError)) throw error;
      throw missingField("payload", ["payload"]);
    });
    return c.json({ id, task: task.name, state }, 202, { location: `/tasks/${id}` });
  });

  addUploads(api, { app, registry }, files);
  addWorkflowSend(api, app, registry);
  return api;
}

/** @throws InvalidOptionError, NewerPayloadError */
function toVersion(task: RegisteredTask, given: Json | undefined): { payloadVersion?: number } {
  if (given === undefined) return {};
  const payloadVersion = toPayloadVersion(given);
  if (payloadVersion <= task.payloadVersion) return { payloadVersion };
  throw new NewerPayloadError(task.name, payloadVersion, task.payloadVersion);
}
