import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { createUploadListener, files, task } from "../../../shared/index.ts";
import { type Engine, startEngine } from "../../helpers/engine.ts";
import { sqsRecord } from "../../helpers/sqs-record.ts";
import { createUploads, type Uploads } from "../../helpers/uploads.ts";
import { createWorkbench } from "../../helpers/workbench.ts";

/** Says what arrived, and makes a copy of it. */
const processUpload = task({
  name: "process_upload",
  payload: z.object({ key: z.string() }),
  run: async ({ key }, { id }) => {
    const file = await files.describe(key);
    if (file === undefined) throw new Error("Nothing was uploaded");
    const chunks: Uint8Array[] = [];
    for await (const chunk of await files.open(key)) chunks.push(chunk);
    await files.saveDerived(id, "copy.txt", Buffer.concat(chunks), "text/plain");
    return { filename: file.filename, contentType: file.contentType, sizeBytes: file.sizeBytes, derived: ["copy.txt"] };
  },
});
const other = task({ name: "other", payload: z.object({}), run: () => null });
const modules = [{ file: "uploads.ts", exports: { processUpload } }];

let engine: Engine;
let uploads: Uploads;
beforeAll(async () => {
  engine = await startEngine();
  uploads = createUploads(engine, modules);
});
afterAll(() => engine.stop());

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const inTime = { getRemainingTimeInMillis: () => 30_000 };

describe("an upload", () => {
  it("is known before it comes, under the id of its task, and answers without waiting", async () => {
    const { id, form } = await uploads.ask();

    expect(await engine.app.results.read(id)).toMatchObject({
      state: "PENDING",
      task: "process_upload",
      payload: { key: `uploads/${id}` },
    });
    expect(form.fields.key).toBe(`uploads/${id}`);
    expect(await uploads.send(form, bytes("a,b\n1,2\n"))).toBe(204);
    expect(await engine.app.results.read(id)).toMatchObject({ state: "PENDING" });
  });

  it("becomes the result of its task, with links to what that made of it", async () => {
    const record = await uploads.upload(bytes("hello"), { contentType: "text/plain", filename: "../größe & co.txt" });
    const [name, link] = Object.entries(Object(record.links))[0] ?? [];

    expect(record).toMatchObject({
      state: "SUCCESS",
      result: { filename: "../größe & co.txt", contentType: "text/plain", sizeBytes: 5 },
    });
    expect(name).toBe("copy.txt");
    expect(await (await fetch(String(link))).text()).toBe("hello");
  });

  it("is refused by S3 when it is not what was asked for", async () => {
    const { form } = await uploads.ask({ size: 8 });
    const elsewhere = { ...form, fields: { ...form.fields, key: "uploads/other" } };

    expect(await uploads.send(form, bytes("a,b\n1,2,3,4\n"))).toBe(400);
    expect(await uploads.send(elsewhere, bytes("a,b\n1,2\n"))).toBe(403);
    expect(await uploads.send(form, bytes("a,b\n1,2\n"))).toBe(204);
  });

  it("notified twice is processed once; a file put there by hand is processed too", async () => {
    const bucket = engine.app.config.uploadsBucket;
    const put = await engine.clients.s3.send(
      new PutObjectCommand({ Bucket: bucket, Key: "uploads/by hand+ü.txt", Body: "hello" }),
    );
    expect(put.$metadata.httpStatusCode).toBe(200);
    const listener = createUploadListener(modules, engine.app);
    const { event } = await engine.deliver("UploadsQueue", listener);
    await listener(event, inTime);
    await engine.acknowledge("UploadsQueue", event.Records);
    await uploads.process();
    const tasks = await uploads.call("GET", "/tasks?task=process_upload&state=SUCCESS&limit=1");

    expect(Object(tasks.body.tasks)[0]).toMatchObject({
      payload: { key: "uploads/by hand+ü.txt" },
      result: { sizeBytes: 5 },
    });
    expect(
      (await engine.clients.s3.send(new GetObjectCommand({ Bucket: bucket, Key: "uploads/by hand+ü.txt" })))
        .ContentLength,
    ).toBe(5);
  });
});

describe("without a task for uploads", () => {
  const without = [{ file: "other.ts", exports: { other } }];
  const sentence =
    "Task 'process_upload' (UPLOAD_TASK) is not registered. Known tasks: 'other'. " +
    "Is it exported from a module in handlers/tasks/? Or set UPLOAD_TASK to a task that is.";

  it("a form is refused, with the setting that names the task", async () => {
    const fields = { filename: "a.csv", contentType: "text/csv" };
    const answer = await createUploads(engine, without).call("POST", "/uploads", fields);

    expect(answer).toMatchObject({ status: 404, body: { code: "TASK_NOT_REGISTERED", detail: sentence } });
  });

  it("a file that arrives ends as a FAILURE that says so, and can be replayed once there is one", async () => {
    const { id, form } = await uploads.ask();
    expect(await uploads.send(form, bytes("hello"))).toBe(204);
    const { event, kept } = await engine.deliver("UploadsQueue", createUploadListener(without, engine.app));
    await engine.acknowledge("UploadsQueue", event.Records);

    expect(kept).toEqual([]);
    expect((await uploads.call("GET", `/uploads/${id}`)).body).toMatchObject({
      task: "process_upload",
      state: "FAILURE",
      payload: { key: `uploads/${id}` },
      error: { code: "TASK_NOT_REGISTERED", message: sentence },
    });

    const later = createWorkbench(engine, { processUpload });
    const replayed = String((await later.call("POST", `/tasks/${id}/replay`)).body.id);
    await later.workUntilFinal(replayed);
    expect(await engine.app.results.read(replayed)).toMatchObject({ state: "SUCCESS", result: { sizeBytes: 5 } });
  });

  it("S3's test event is still let pass", async () => {
    const test = sqsRecord({ body: '{"Service":"Amazon S3","Event":"s3:TestEvent"}' });

    expect(await createUploadListener([], engine.app)({ Records: [test] }, inTime)).toEqual({ batchItemFailures: [] });
  });
});

describe("an event that is no S3 notification", () => {
  it("becomes a FAILURE under its message id; S3's test event is let pass", async () => {
    const listener = createUploadListener(modules, engine.app);
    const bad = sqsRecord({ body: '{"hello":1}' });
    const answer = await listener(
      { Records: [bad, sqsRecord({ body: '{"Service":"Amazon S3","Event":"s3:TestEvent"}' })] },
      inTime,
    );

    expect(answer.batchItemFailures).toEqual([]);
    expect(await engine.app.results.read(bad.messageId)).toMatchObject({
      state: "FAILURE",
      error: { code: "MESSAGE_INVALID" },
    });
  });
});
