import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as email from "../../../handlers/examples/email.ts";
import * as processUpload from "../../../handlers/examples/process-upload.ts";
import { createReadApi } from "../../../shared/http/read.ts";
import { createSubmitApi } from "../../../shared/http/submit.ts";
import { createUploadListener, createWorker, files } from "../../../shared/index.ts";
import { createRegistry } from "../../../shared/task/registry.ts";
import { type Engine, startEngine } from "../../helpers/engine.ts";
import { sqsRecord } from "../../helpers/sqs-record.ts";

const modules = [
  { file: "process-upload.ts", exports: processUpload },
  { file: "email.ts", exports: email },
];
const registry = createRegistry(modules);

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

const local = { host: "127.0.0.1", "content-type": "application/json" };

async function askForUpload(
  contentType = "text/csv",
  size?: number,
  filename = "../größe & co.csv",
): Promise<{ id: string; form: { url: string; fields: Record<string, string> } }> {
  const api = createSubmitApi(engine.app, registry, files);
  const body = JSON.stringify({ filename, contentType, ...(size !== undefined && { size }) });
  const answer = await api.request("/uploads", { method: "POST", headers: local, body });
  expect(answer.status).toBe(201);
  const { id, upload } = JSON.parse(await answer.text());
  return { id, form: upload };
}

async function send(
  form: { url: string; fields: Record<string, string> },
  file: Uint8Array<ArrayBuffer>,
  change: Record<string, string> = {},
): Promise<number> {
  const body = new FormData();
  for (const [name, value] of Object.entries({ ...form.fields, ...change })) body.append(name, value);
  body.append("file", new Blob([file]));
  return (await fetch(form.url, { method: "POST", body })).status;
}

/** S3's notification to the listener, the listener's message to the worker. */
async function process(): Promise<void> {
  engine.clock.now = new Date();
  const arrived = await engine.deliver("UploadsQueue", createUploadListener(modules, engine.app));
  await engine.acknowledge("UploadsQueue", arrived.event.Records);
  const worked = await engine.deliver("DefaultQueue", createWorker(modules, engine.app));
  await engine.acknowledge("DefaultQueue", worked.event.Records);
}

async function processed(
  file: Uint8Array<ArrayBuffer>,
  contentType?: string,
  filename?: string,
): Promise<Record<string, unknown>> {
  const { id, form } = await askForUpload(contentType, undefined, filename);
  expect(await send(form, file)).toBe(204);
  for (let round = 0; round < 5; round++) {
    const record = await engine.app.results.read(id);
    if (record?.state === "SUCCESS" || record?.state === "FAILURE") break;
    await process();
  }
  const read = await createReadApi(engine.app, registry, files).request(`/uploads/${id}`, { headers: local });
  return JSON.parse(await read.text());
}

async function aPng(): Promise<Uint8Array<ArrayBuffer>> {
  const noise = { type: "gaussian" as const, mean: 128, sigma: 30 };
  return new Uint8Array(
    await sharp({ create: { width: 900, height: 600, channels: 3, background: "#000", noise } })
      .png()
      .toBuffer(),
  );
}

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

describe("an upload", () => {
  it("is known before it comes, under the id of its task, and answers without waiting", async () => {
    const { id, form } = await askForUpload();

    expect(await engine.app.results.read(id)).toMatchObject({
      state: "PENDING",
      task: "process_upload",
      payload: { key: `uploads/${id}` },
    });
    expect(form.fields.key).toBe(`uploads/${id}`);
    expect(await send(form, bytes("a,b\n1,2\n"))).toBe(204);
    expect(await engine.app.results.read(id)).toMatchObject({ state: "PENDING" });
  });

  it("of a CSV becomes its column statistics, whatever it is called", async () => {
    expect(await processed(bytes("x,y\n1,a\n2,b\n"), "image/png")).toMatchObject({
      state: "SUCCESS",
      result: {
        filename: "../größe & co.csv",
        kind: "csv",
        csv: { rows: 2, columnCount: 2 },
        declaredContentType: "image/png",
      },
    });
  });

  it("of an image becomes its dimensions and a thumbnail behind a link", async () => {
    const record = await processed(await aPng());
    const links = Object.entries(record.links ?? {});
    const thumbnail = await fetch(String(links[0]?.[1]));

    expect(record).toMatchObject({ state: "SUCCESS", result: { kind: "image", image: { width: 900, height: 600 } } });
    expect(links).toHaveLength(1);
    expect((await sharp(Buffer.from(await thumbnail.arrayBuffer())).metadata()).width).toBe(320);
  });

  it.each<[string, () => Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>, string, object]>([
    ["zero bytes", () => bytes(""), "FAILURE", { code: "UPLOAD_EMPTY" }],
    ["a broken image", async () => (await aPng()).slice(0, 400), "FAILURE", { code: "IMAGE_BROKEN" }],
    ["a text", () => bytes("one two\nthree\n"), "SUCCESS", { kind: "text", text: { lines: 2, words: 3 } }],
    [
      "an archive",
      () => new Uint8Array([0x50, 0x4b, 5, 6, ...Array<number>(18).fill(0)]),
      "SUCCESS",
      { kind: "file", sizeBytes: 22 },
    ],
  ])("of %s ends with a clear record", async (_, file, state, expected) => {
    const record = await processed(await file(), "application/octet-stream", "data.bin");

    expect(record).toMatchObject({ state, attempt: 1, [state === "SUCCESS" ? "result" : "error"]: expected });
  });

  it("is refused by S3 when it is not what was asked for", async () => {
    const { form } = await askForUpload("text/csv", 8);
    const expired = { ...form.fields, key: "uploads/other" };

    expect(await send(form, bytes("a,b\n1,2,3,4\n"))).toBe(400);
    expect(await send({ ...form, fields: expired }, bytes("a,b\n1,2\n"))).toBe(403);
    expect(await send(form, bytes("a,b\n1,2\n"))).toBe(204);
  });

  it("that never comes ends as a FAILURE at its deadline", async () => {
    const { id } = await askForUpload();
    const worker = createWorker(modules, engine.app);
    const record = await engine.app.results.read(id);
    engine.clock.now = new Date(Date.now() + 901_000);
    const body = JSON.stringify({
      v: 1,
      id,
      task: "process_upload",
      attempt: 1,
      payload: record?.payload,
      queue: "default",
      sentAt: record?.createdAt,
      rootId: id,
    });
    await worker({ Records: [sqsRecord({ body })] }, { getRemainingTimeInMillis: () => 30_000 });
    engine.clock.now = new Date();

    expect(await engine.app.results.read(id)).toMatchObject({ state: "FAILURE", error: { code: "UPLOAD_MISSING" } });
  });

  it("notified twice is processed once; a file put there by hand is processed too", async () => {
    const bucket = engine.app.config.uploadsBucket;
    const put = await engine.clients.s3.send(
      new PutObjectCommand({ Bucket: bucket, Key: "uploads/by hand+ü.txt", Body: "hello" }),
    );
    expect(put.$metadata.httpStatusCode).toBe(200);
    const listener = createUploadListener(modules, engine.app);
    const { event } = await engine.deliver("UploadsQueue", listener);
    await listener(event, { getRemainingTimeInMillis: () => 30_000 });
    await engine.acknowledge("UploadsQueue", event.Records);
    await process();
    const tasks = await createReadApi(engine.app, registry, files).request(
      "/tasks?task=process_upload&state=SUCCESS&limit=1",
      { headers: local },
    );

    expect(JSON.parse(await tasks.text()).tasks[0]).toMatchObject({
      payload: { key: "uploads/by hand+ü.txt" },
      result: { kind: "text", sizeBytes: 5 },
    });
    expect(
      (await engine.clients.s3.send(new GetObjectCommand({ Bucket: bucket, Key: "uploads/by hand+ü.txt" })))
        .ContentLength,
    ).toBe(5);
  });
});

describe("an event that is no S3 notification", () => {
  it("becomes a FAILURE under its message id; S3's test event is let pass", async () => {
    const listener = createUploadListener(modules, engine.app);
    const bad = sqsRecord({ body: '{"hello":1}' });
    const answer = await listener(
      { Records: [bad, sqsRecord({ body: '{"Service":"Amazon S3","Event":"s3:TestEvent"}' })] },
      { getRemainingTimeInMillis: () => 30_000 },
    );

    expect(answer.batchItemFailures).toEqual([]);
    expect(await engine.app.results.read(bad.messageId)).toMatchObject({
      state: "FAILURE",
      error: { code: "MESSAGE_INVALID" },
    });
  });
});
