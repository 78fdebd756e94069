import { AbortMultipartUploadCommand, ListMultipartUploadsCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { AsyncResult, createWorker, files, task } from "../../../shared/index.ts";
import { type Engine, startEngine } from "../../helpers/engine.ts";
import { createUploads, type Uploads } from "../../helpers/uploads.ts";

const MEBIBYTE = 1_048_576;
/** Two parts and a piece. */
const BYTES = Buffer.alloc(17 * MEBIBYTE, "abc");

const processUpload = task({
  name: "process_upload",
  payload: z.object({ key: z.string() }),
  run: async ({ key }) => {
    const file = await files.describe(key);
    if (file === undefined) throw new Error("Nothing was uploaded");
    return { ...file };
  },
});
const modules = [{ file: "uploads.ts", exports: { processUpload } }];

interface Parts {
  id: string;
  sizeBytes: number;
  sentBytes: number;
  parts: { number: number; start: number; end: number; url: string }[];
}

let engine: Engine;
let uploads: Uploads;
beforeAll(async () => {
  engine = await startEngine();
  uploads = createUploads(engine, modules);
});
afterAll(() => engine.stop());

const request = { filename: "größe.csv", contentType: "text/csv", size: BYTES.byteLength };
const begin = async (): Promise<Parts> => {
  const { status, body } = await uploads.call("POST", "/uploads/multipart", request);
  expect(status).toBe(201);
  return JSON.parse(JSON.stringify(body));
};
const ask = async (id: string): Promise<Parts> =>
  JSON.parse(JSON.stringify((await uploads.call("POST", `/uploads/${id}/parts`)).body));
const put = async ({ url, start, end }: Parts["parts"][number]): Promise<number> =>
  (await fetch(url, { method: "PUT", body: BYTES.subarray(start, end) })).status;
const complete = (id: string) => uploads.call("POST", `/uploads/${id}/complete`);
const shown = async (id: string) => (await uploads.call("GET", `/uploads/${id}`)).body;
const begunUploads = async (): Promise<number> => {
  const command = new ListMultipartUploadsCommand({ Bucket: engine.app.config.uploadsBucket });
  return (await engine.clients.s3.send(command)).Uploads?.length ?? 0;
};

describe("a file in parts", () => {
  it("goes on where it was cut off, and becomes what a form's would", async () => {
    const { id, parts, sizeBytes } = await begin();
    expect(sizeBytes).toBe(17 * MEBIBYTE);
    expect(parts.map(({ number, start, end }) => [number, start, end])).toEqual([
      [1, 0, 8 * MEBIBYTE],
      [2, 8 * MEBIBYTE, 16 * MEBIBYTE],
      [3, 16 * MEBIBYTE, 17 * MEBIBYTE],
    ]);
    expect(await shown(id)).toMatchObject({ state: "PENDING", filename: "größe.csv" });
    for (const part of parts.slice(1)) expect(await put(part)).toBe(200);

    const rest = await ask(id);
    expect(rest).toMatchObject({ sentBytes: 9 * MEBIBYTE, parts: [{ number: 1 }] });
    expect(await complete(id)).toMatchObject({ status: 409, body: { code: "UPLOAD_INCOMPLETE" } });
    for (const part of rest.parts) await put(part);
    expect((await ask(id)).parts).toEqual([]);
    expect(await complete(id)).toMatchObject({ status: 202, body: { id, state: "PENDING" } });
    // Its answer was lost; the notification has not come yet.
    expect(await complete(id)).toMatchObject({ status: 202 });
    expect(await uploads.call("POST", `/uploads/${id}/parts`)).toMatchObject({ body: { code: "UPLOAD_TAKEN" } });
    await uploads.process();

    expect(await shown(id)).toMatchObject({
      state: "SUCCESS",
      attempt: 1,
      result: { filename: "größe.csv", contentType: "text/csv", sizeBytes: 17 * MEBIBYTE },
      original: expect.any(String),
    });
    expect(await shown(id)).not.toHaveProperty("multipart");
    expect(await complete(id)).toMatchObject({ status: 202, body: { state: "SUCCESS" } });
  });

  it("is refused by S3 where a part is not as long as was announced", async () => {
    const { id, parts } = await begin();
    const [first] = parts;
    if (first === undefined) throw new Error("no part");

    expect(await put({ ...first, end: first.end + 1 })).toBe(403);
    expect((await ask(id)).sentBytes).toBe(0);
  });

  it("is taken also after its task has failed for want of it", async () => {
    const { id, parts } = await begin();
    for (const part of parts) await put(part);
    const message = { v: 1 as const, id, task: "process_upload", attempt: 1, payload: { key: `uploads/${id}` } };
    await engine.app.broker.send({ ...message, queue: "default", sentAt: new Date().toISOString(), rootId: id }, 0);
    const worked = await engine.deliver("DefaultQueue", createWorker(modules, engine.app));
    await engine.acknowledge("DefaultQueue", worked.event.Records);
    expect(await shown(id)).toMatchObject({ state: "FAILURE" });

    expect(await complete(id)).toMatchObject({ status: 202 });
    await uploads.process();
    expect(await shown(id)).toMatchObject({ state: "SUCCESS", attempt: 2 });
  });

  it("is not taken once it was revoked, and its parts are removed", async () => {
    const before = await begunUploads();
    const { id, parts } = await begin();
    for (const part of parts) await put(part);
    await new AsyncResult(id, engine.app).revoke();

    expect(await complete(id)).toMatchObject({ status: 409, body: { code: "UPLOAD_TAKEN" } });
    expect(await begunUploads()).toBe(before);
    expect(await shown(id)).toMatchObject({ state: "REVOKED" });
  });

  it("can be given up by its sender, as often as that is said", async () => {
    const before = await begunUploads();
    const { id } = await begin();
    for (const _ of [1, 2]) {
      expect(await uploads.call("DELETE", `/uploads/${id}`)).toMatchObject({ status: 202, body: { state: "REVOKED" } });
    }
    expect(await begunUploads()).toBe(before);
  });

  it("is told when S3 has removed its parts, for it took too long", async () => {
    const { id } = await begin();
    const { multipart } = (await engine.app.results.look(id)) ?? {};
    const place = { Bucket: engine.app.config.uploadsBucket, Key: `uploads/${id}`, UploadId: multipart?.uploadId };
    await engine.clients.s3.send(new AbortMultipartUploadCommand(place));

    expect(await uploads.call("POST", `/uploads/${id}/parts`)).toMatchObject({
      status: 410,
      body: { code: "UPLOAD_EXPIRED" },
    });
    expect(await complete(id)).toMatchObject({ status: 410, body: { code: "UPLOAD_EXPIRED" } });
  });

  it("has a largest size, and one above a form's is told where to go", async () => {
    const { uploadMaxBytes } = engine.app.config;
    const large = { ...request, size: uploadMaxBytes + 1 };
    expect(await uploads.call("POST", "/uploads/multipart", large)).toMatchObject({ status: 422 });
    const { body } = await uploads.call("POST", "/uploads", { ...request, size: 200 * MEBIBYTE });
    expect(body.detail).toContain("POST /uploads/multipart");
    // S3 takes at most 10,000 parts.
    const { parts } = JSON.parse(
      JSON.stringify((await uploads.call("POST", "/uploads/multipart", { ...request, size: uploadMaxBytes })).body),
    );
    expect(parts).toHaveLength(20);
  });
});
