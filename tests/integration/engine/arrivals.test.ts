import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { AsyncResult, createUploadListener, createWorker, files, task } from "../../../shared/index.ts";
import { type Engine, startEngine } from "../../helpers/engine.ts";
import { createUploads, type Uploads } from "../../helpers/uploads.ts";

/** Counts the bytes; a file that begins with `!` is one that it cannot read. */
const processUpload = task({
  name: "process_upload",
  payload: z.object({ key: z.string() }),
  run: async ({ key }) => {
    const file = await files.describe(key);
    if (file === undefined) throw new Error("Nothing was uploaded");
    let text = "";
    for await (const chunk of await files.open(key)) text += String(chunk);
    if (text.startsWith("!")) throw new Error("This cannot be read");
    return { sizeBytes: file.sizeBytes };
  },
});
const modules = [{ file: "uploads.ts", exports: { processUpload } }];

let uploads: Uploads;
let engine: Engine;
afterAll(() => engine.stop());
beforeAll(async () => {
  engine = await startEngine();
  uploads = createUploads(engine, modules);
});

const shown = async (id: string) => (await uploads.call("GET", `/uploads/${id}`)).body;

/** The message that waits for the deadline runs now: nothing has arrived. */
async function deadline(id: string): Promise<void> {
  const record = await engine.app.results.read(id);
  if (record === undefined) throw new Error(`no record of ${id}`);
  const { task: name, attempt, payload, queue, createdAt, rootId } = record;
  const message = { v: 1 as const, id, task: name, attempt, payload, queue, sentAt: createdAt, rootId };
  await engine.app.broker.send(message, 0);
  const { event } = await engine.deliver("DefaultQueue", createWorker(modules, engine.app));
  await engine.acknowledge("DefaultQueue", event.Records);
}

const encoded = (text: string) => new TextEncoder().encode(text);

describe("a form", () => {
  it("says how large a file may be, and the record whose file it waits for", async () => {
    const { status, body } = await uploads.call("POST", "/uploads", {
      filename: "größe.csv",
      contentType: "text/csv",
      size: 7,
    });
    const id = String(body.id);

    expect({ status, body }).toMatchObject({ status: 201, body: { maxBytes: 7 } });
    expect(await shown(id)).toMatchObject({ state: "PENDING", filename: "größe.csv" });
    expect(await shown(id)).not.toHaveProperty("arrivedAt");
    expect((await uploads.call("POST", "/uploads", { filename: "a", contentType: "text/csv" })).body.maxBytes).toBe(
      104_857_600,
    );
  });

  it("can be asked for again, for the same upload, as long as no file has come", async () => {
    const { id } = await uploads.ask({ contentType: "text/csv" });
    const renewed = await uploads.call("POST", `/uploads/${id}`, { filename: "b.csv", contentType: "text/csv" });
    const { upload } = JSON.parse(JSON.stringify(renewed.body));

    expect(renewed.status).toBe(201);
    expect(await shown(id)).toMatchObject({ state: "PENDING", filename: "b.csv" });
    expect(await uploads.send(upload, encoded("a,b\n"))).toBe(204);
    await uploads.process();
    expect(await shown(id)).toMatchObject({ state: "SUCCESS", result: { sizeBytes: 4 }, filename: "b.csv" });
    expect(await uploads.call("POST", `/uploads/${id}`, { filename: "b.csv", contentType: "text/csv" })).toMatchObject({
      status: 409,
      body: { code: "UPLOAD_TAKEN" },
    });
    const unknown = "01a20545-3078-75ef-b431-9dde9371f6cf";
    const answer = await uploads.call("POST", `/uploads/${unknown}`, { filename: "b.csv", contentType: "text/csv" });
    expect(answer).toMatchObject({ status: 404, body: { code: "TASK_NOT_FOUND" } });
  });
});

describe("a file", () => {
  it("that has arrived is told apart from one that is waited for, and has a link", async () => {
    const { id, form } = await uploads.ask({ filename: "über.html", contentType: "text/html" });
    expect(await uploads.send(form, encoded("<b>"))).toBe(204);
    engine.clock.now = new Date();
    const { event } = await engine.deliver("UploadsQueue", createUploadListener(modules, engine.app));
    await engine.acknowledge("UploadsQueue", event.Records);
    const record = await shown(id);

    expect(record).toMatchObject({ state: "PENDING", arrivedAt: expect.any(String), original: expect.any(String) });
    const original = await fetch(String(record.original));
    expect(await original.text()).toBe("<b>");
    // Saved, never shown: it may be a stranger's page.
    expect(original.headers.get("content-type")).toBe("application/octet-stream");
    expect(original.headers.get("content-disposition")).toBe("attachment; filename*=UTF-8''%C3%BCber.html");
    await uploads.process();
    expect(await shown(id)).toMatchObject({ state: "SUCCESS" });
  });

  it("that comes after its task has failed for want of it is processed all the same", async () => {
    const { id, form } = await uploads.ask();
    await deadline(id);
    expect(await shown(id)).toMatchObject({ state: "FAILURE", attempt: 1, filename: "../größe & co.csv" });
    const renewed = await uploads.call("POST", `/uploads/${id}`, { filename: "late.csv", contentType: "text/csv" });
    expect(renewed.status).toBe(201);

    expect(await uploads.send(form, encoded("a,b\n1,2\n"))).toBe(204);
    await uploads.process();

    const record = await shown(id);
    expect(record).toMatchObject({
      state: "SUCCESS",
      attempt: 2,
      result: { sizeBytes: 8 },
      filename: "late.csv",
    });
    expect(record).not.toHaveProperty("error");
  });

  it("is processed once, however often S3 says that it has come", async () => {
    const { id, form } = await uploads.ask();
    await deadline(id);
    expect(await uploads.send(form, encoded("a,b\n"))).toBe(204);
    engine.clock.now = new Date();
    const listener = createUploadListener(modules, engine.app);
    const { event } = await engine.deliver("UploadsQueue", listener);
    for (let time = 0; time < 3; time++) {
      expect(await listener(event, { getRemainingTimeInMillis: () => 30_000 })).toEqual({ batchItemFailures: [] });
    }
    await engine.acknowledge("UploadsQueue", event.Records);
    const worked = await engine.deliver("DefaultQueue", createWorker(modules, engine.app));
    await engine.acknowledge("DefaultQueue", worked.event.Records);

    expect(await shown(id)).toMatchObject({ state: "SUCCESS", attempt: 2 });
    const after = await listener(event, { getRemainingTimeInMillis: () => 30_000 });
    expect(after).toEqual({ batchItemFailures: [] });
    expect(await shown(id)).toMatchObject({ state: "SUCCESS", attempt: 2 });
  });

  it("that comes while a run is under way which may not have seen it is kept until that has ended", async () => {
    const { id, form } = await uploads.ask();
    const record = await engine.app.results.read(id);
    if (record === undefined) throw new Error("no record");
    const message = { v: 1 as const, id, task: record.task, attempt: 1, payload: record.payload };
    const sent = { ...message, queue: "default", sentAt: record.createdAt, rootId: id };
    engine.clock.now = new Date();
    const claimed = await engine.app.results.claim(sent, { messageId: "m", receiveCount: 1 }, 30);
    if (!claimed.claimed) throw new Error("not claimed");
    expect(await uploads.send(form, encoded("a,b\n"))).toBe(204);
    const listener = createUploadListener(modules, engine.app);
    const { event, kept } = await engine.deliver("UploadsQueue", listener);
    expect(kept).toHaveLength(1);

    await engine.app.results.fail(claimed.claim, { name: "Error", message: "Nothing was uploaded" });
    expect(await listener(event, { getRemainingTimeInMillis: () => 30_000 })).toEqual({ batchItemFailures: [] });
    await engine.acknowledge("UploadsQueue", event.Records);
    const worked = await engine.deliver("DefaultQueue", createWorker(modules, engine.app));
    await engine.acknowledge("DefaultQueue", worked.event.Records);
    expect(await shown(id)).toMatchObject({ state: "SUCCESS", attempt: 2 });
  });

  it("of a revoked upload is removed", async () => {
    const { id, form } = await uploads.ask();
    await new AsyncResult(id, engine.app).revoke();
    expect(await uploads.send(form, encoded("a,b\n"))).toBe(204);
    await uploads.process();

    expect(await shown(id)).toMatchObject({ state: "REVOKED" });
    expect(await files.describe(`uploads/${id}`)).toBeUndefined();
    const renewed = await uploads.call("POST", `/uploads/${id}`, { filename: "b.csv", contentType: "text/csv" });
    expect(renewed).toMatchObject({ status: 409, body: { code: "UPLOAD_TAKEN" } });
  });

  it("that could not be read is replaced by one that can, sent with the same form", async () => {
    const { id, form } = await uploads.ask();
    expect(await uploads.send(form, encoded("!"))).toBe(204);
    await uploads.process();
    expect(await shown(id)).toMatchObject({ state: "FAILURE", error: { message: "This cannot be read" } });

    expect(await uploads.send(form, encoded("a,b\n"))).toBe(204);
    await uploads.process();
    expect(await shown(id)).toMatchObject({ state: "SUCCESS", attempt: 2 });
  });
});
