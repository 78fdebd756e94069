import type { Hono } from "hono";
import {
  InvalidOptionError,
  InvalidPayloadError,
  NewerPayloadError,
  TaskNotFoundError,
  UploadTakenError,
} from "../errors.ts";
import { type Files, UPLOAD_SECONDS, type UploadRequest, uploadKey } from "../files/files.ts";
import { isId } from "../message/id.ts";
import type { Json } from "../message/json.ts";
import { toPayloadVersion } from "../message/payload-version.ts";
import type { App } from "../task/current-app.ts";
import type { RegisteredTask } from "../task/registered-task.ts";
import type { Registry } from "../task/registry.ts";
import { sendTask } from "../task/send.ts";
import { addCall, createBase, readBody, toOptions } from "./base.ts";
import { HttpError } from "./problem.ts";
import { addWorkflowSend } from "./workflows.ts";

/** When nothing has arrived by then, the upload's own message ends its task; equal to the longest delay of SQS. */
const UPLOAD_DEADLINE_SECONDS = 900;

/** The calls that send: `POST /tasks/{name}` and `POST /uploads`. Their function may send, and read nothing. */
export function createSubmitApi(app: App, registry: Registry, files: Files): Hono {
  const api = createBase(app);
  const formOf = async (id: string, request: UploadRequest) => {
    const { maxBytes, ...upload } = await files.presignUpload(id, request);
    const expiresAt = new Date(app.clock().getTime() + UPLOAD_SECONDS * 1000).toISOString();
    return { id, upload: { method: "POST", ...upload }, expiresAt, maxBytes };
  };

  addCall(api, "sendTask", async (c, { name }) => {
    const task = registry.get(name);
    const { id: callerId, payload, payloadVersion, options } = await readBody(c.req.raw, "sendTask");
    const known = { options: toOptions(options), callerId, ...toVersion(task, payloadVersion) };
    const { id, state } = await sendTask(app, task, payload, known).catch((error: unknown) => {
      // Without a payload `{}` was sent, which this task does not take: so one is missing.
      if (payload !== undefined || !(error instanceof InvalidPayloadError)) throw error;
      throw new HttpError(400, "BODY_INVALID", `The body has no field 'payload': expected {"payload": {…}}.`);
    });
    return c.json({ id, task: task.name, state }, 202, { location: `/tasks/${id}` });
  });

  addCall(api, "createUpload", async (c) => {
    const task = registry.get(app.config.uploadTask, "UPLOAD_TASK");
    const id = app.newId();
    const request = toUploadRequest(await readBody(c.req.raw, "createUpload"));
    const form = await formOf(id, request);
    // The task is sent now, to run at the deadline: if S3's notification is lost it still runs, and if nothing was ever
    // uploaded it ends and says so. A notification sends it again, for at once; only one of the two will run.
    const { filename } = request;
    const options = { countdown: UPLOAD_DEADLINE_SECONDS, headers: { filename } };
    await sendTask(app, task, { key: uploadKey(id) }, { options, id });
    return c.json(form, 201, { location: `/uploads/${id}` });
  });

  addCall(api, "renewUpload", async (c, { id }) => {
    const request = toUploadRequest(await readBody(c.req.raw, "renewUpload"));
    const record = isId(id) ? await app.results.look(id) : undefined;
    if (record?.task !== app.config.uploadTask) throw new TaskNotFoundError(id);
    // A file that comes revives a task that has failed for want of it; no other is to be replaced.
    const waits = record.arrivedAt === undefined && (record.state === "PENDING" || record.state === "FAILURE");
    // Dying after it leaves a name for a form that nobody has got; the next one brings its own.
    if (!waits || !(await app.results.awaitFile(record, request.filename)))
      throw new UploadTakenError(id, record.state);
    return c.json(await formOf(id, request), 201, { location: `/uploads/${id}` });
  });

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

function toUploadRequest({ filename, contentType, size }: Record<string, Json>): UploadRequest {
  if (typeof filename !== "string") throw new InvalidOptionError("filename", filename, "text");
  if (typeof contentType !== "string")
    throw new InvalidOptionError("contentType", contentType, "a media type such as 'text/csv'");
  if (size === undefined) return { filename, contentType };
  if (typeof size !== "number") throw new InvalidOptionError("size", size, "a number of bytes");
  return { filename, contentType, size };
}
