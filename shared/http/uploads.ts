/** The calls that send files: by a form, or in parts. The bucket takes them; what comes is processed by the upload's task. */

import type { Hono } from "hono";
import { createMultipartStore, type MultipartUpload } from "../aws/s3-multipart.ts";
import {
  describeError,
  InvalidOptionError,
  TaskNotFoundError,
  TaskRevokedError,
  UploadExpiredError,
  UploadIncompleteError,
  UploadTakenError,
} from "../errors.ts";
import { type Files, UPLOAD_SECONDS, type UploadRequest, uploadKey } from "../files/files.ts";
import { createFileParts, PART_SECONDS } from "../files/parts.ts";
import { isId } from "../message/id.ts";
import type { Json } from "../message/json.ts";
import type { StoredRecord } from "../results/record.ts";
import type { App } from "../task/current-app.ts";
import type { ApplyOptions } from "../task/options.ts";
import type { Registry } from "../task/registry.ts";
import { sendTask } from "../task/send.ts";
import { addCall, missingField, readBody } from "./base.ts";

/** When nothing has arrived by then, the upload's own message ends its task; equal to the longest delay of SQS. */
const FORM_DEADLINE_SECONDS = 900;
/** As long as the bucket's lifecycle rule leaves the parts of a file that is not whole. */
const PARTS_DEADLINE_SECONDS = 86_400;

export function addUploads(api: Hono, { app, registry }: { app: App; registry: Registry }, files: Files): void {
  const parts = createFileParts({
    store: createMultipartStore(() => app.config.uploadsBucket),
    maxBytes: () => app.config.uploadMaxBytes,
  });
  const after = (seconds: number): string => new Date(app.clock().getTime() + seconds * 1000).toISOString();
  const uploadTask = () => registry.get(app.config.uploadTask, "UPLOAD_TASK");

  const formOf = async (id: string, request: UploadRequest) => {
    const { maxBytes, ...upload } = await files.presignUpload(id, request);
    return { id, upload: { method: "POST", ...upload }, expiresAt: after(UPLOAD_SECONDS), maxBytes };
  };

  /**
   * Sends the task of an upload, to run at the deadline: if S3's notification is lost it still runs, and if nothing was ever uploaded it
   * ends and says so. A notification sends it again, for at once; only one of the two will run.
   */
  const sendLater = (id: string, { filename }: UploadRequest, options: ApplyOptions) =>
    sendTask(app, uploadTask(), { key: uploadKey(id) }, { id, options: { ...options, headers: { filename } } });

  /** The record of an upload. @throws TaskNotFoundError */
  const recordOf = async (id: string): Promise<StoredRecord> => {
    const record = isId(id) ? await app.results.look(id) : undefined;
    if (record?.task !== app.config.uploadTask) throw new TaskNotFoundError(id);
    return record;
  };

  /** An upload in parts whose file has not come. @throws TaskNotFoundError, UploadTakenError */
  const openParts = async (id: string): Promise<StoredRecord & { multipart: MultipartUpload }> => {
    const record = await recordOf(id);
    const { multipart } = record;
    if (multipart === undefined) throw new TaskNotFoundError(id);
    if (isAwaited(record)) return { ...record, multipart };
    // Nobody will need them.
    await parts.giveUp(id, multipart);
    throw new UploadTakenError(id, record.state);
  };

  /** How far the parts have come. @throws UploadTakenError, UploadExpiredError */
  const shownParts = async (id: string, multipart: MultipartUpload) => {
    const missing = await parts.missing(id, multipart);
    if (missing !== undefined) {
      return { id, sizeBytes: multipart.sizeBytes, ...missing, expiresAt: after(PART_SECONDS) };
    }
    // The notification may be on its way.
    if (await parts.isJoined(id, multipart)) throw new UploadTakenError(id, "complete");
    throw new UploadExpiredError(id);
  };

  addCall(api, "createUpload", async (c) => {
    uploadTask();
    const id = app.newId();
    const request = toUploadRequest(await readBody(c.req.raw, "createUpload"));
    const form = await formOf(id, request);
    await sendLater(id, request, { countdown: FORM_DEADLINE_SECONDS });
    return c.json(form, 201, { location: `/uploads/${id}` });
  });

  addCall(api, "createMultipartUpload", async (c) => {
    uploadTask();
    const id = app.newId();
    const { size, ...request } = toUploadRequest(await readBody(c.req.raw, "createMultipartUpload"));
    if (size === undefined) throw missingField("size", ["size"]);
    const multipart = await parts.begin(id, { ...request, size });
    // Its record is written in any case, for it keeps the upload. Dying before it leaves parts to the lifecycle rule.
    await sendLater(id, request, { countdown: PARTS_DEADLINE_SECONDS, ignoreResult: false });
    const { filename } = request;
    const isNoted = await app.results.awaitFile({ id, headers: { filename } }, { filename, multipart });
    if (!isNoted) throw new UploadTakenError(id, "taken");
    return c.json(await shownParts(id, multipart), 201, { location: `/uploads/${id}` });
  });

  addCall(api, "renewUpload", async (c, { id }) => {
    const request = toUploadRequest(await readBody(c.req.raw, "renewUpload"));
    const record = await recordOf(id);
    // Dying after it leaves a name for a form that nobody has got; the next one brings its own.
    if (!isAwaited(record) || !(await app.results.awaitFile(record, { filename: request.filename })))
      throw new UploadTakenError(id, record.state);
    return c.json(await formOf(id, request), 201, { location: `/uploads/${id}` });
  });

  addCall(api, "listMissingParts", async (c, { id }) => {
    const { multipart } = await openParts(id);
    return c.json(await shownParts(id, multipart));
  });

  addCall(api, "completeMultipartUpload", async (c, { id }) => {
    const record = await recordOf(id);
    const answer = () => c.json({ id, task: record.task, state: record.state }, 202, { location: `/uploads/${id}` });
    // The call before has done it, and its answer was lost.
    if (record.multipart !== undefined && record.arrivedAt !== undefined) return answer();
    const { multipart, attempt, state, headers = {} } = await openParts(id);
    const missingBytes = await parts.join(id, multipart);
    if (missingBytes === undefined) throw new UploadExpiredError(id);
    if (missingBytes > 0) throw new UploadIncompleteError(id, missingBytes, multipart.sizeBytes);
    // S3's notification starts it. If that is lost, this does; dying before it leaves that to the deadline of the parts.
    if (state === "PENDING") {
      const options = { countdown: FORM_DEADLINE_SECONDS, headers };
      await sendTask(app, uploadTask(), { key: uploadKey(id) }, { id, attempt, options });
    }
    return answer();
  });

  addCall(api, "giveUpUpload", async (c, { id }) => {
    const record = await recordOf(id);
    if (record.state !== "REVOKED") {
      if (!isAwaited(record)) throw new UploadTakenError(id, record.state);
      // A file that comes after all is removed. Dying after it leaves the parts to the lifecycle rule, or to the next call.
      await app.results.requestRevoke(id, describeError(new TaskRevokedError(id, "the upload was given up")));
    }
    if (record.multipart !== undefined) await parts.giveUp(id, record.multipart);
    return c.json({ id, task: record.task, state: (await recordOf(id)).state }, 202, { location: `/uploads/${id}` });
  });
}

/** A file that comes revives a task that has failed for want of it; no other is to be replaced. */
function isAwaited({ arrivedAt, state }: StoredRecord): boolean {
  return arrivedAt === undefined && (state === "PENDING" || state === "FAILURE");
}

function toUploadRequest({ filename, contentType, size }: Record<string, Json>): UploadRequest {
  if (typeof filename !== "string") throw new InvalidOptionError("filename", filename, "text");
  if (typeof contentType !== "string")
    throw new InvalidOptionError("contentType", contentType, "a media type such as 'text/csv'");
  if (size === undefined) return { filename, contentType };
  if (typeof size !== "number") throw new InvalidOptionError("size", size, "a number of bytes");
  return { filename, contentType, size };
}
