import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as processUpload from "../../../handlers/examples/process-upload.ts";
import { createWorker } from "../../../shared/index.ts";
import { type Engine, startEngine } from "../../helpers/engine.ts";
import { sqsRecord } from "../../helpers/sqs-record.ts";
import { createUploads, type Uploads } from "../../helpers/uploads.ts";

const modules = [{ file: "process-upload.ts", exports: processUpload }];

let engine: Engine;
let uploads: Uploads;
beforeAll(async () => {
  engine = await startEngine();
  uploads = createUploads(engine, modules);
});
afterAll(() => engine.stop());

async function aPng(): Promise<Uint8Array<ArrayBuffer>> {
  const noise = { type: "gaussian" as const, mean: 128, sigma: 30 };
  return new Uint8Array(
    await sharp({ create: { width: 900, height: 600, channels: 3, background: "#000", noise } })
      .png()
      .toBuffer(),
  );
}

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

describe("process_upload", () => {
  it("makes column statistics of a CSV, whatever it is called", async () => {
    expect(await uploads.upload(bytes("x,y\n1,a\n2,b\n"), { contentType: "image/png" })).toMatchObject({
      state: "SUCCESS",
      result: {
        filename: "../größe & co.csv",
        kind: "csv",
        csv: { rows: 2, columnCount: 2 },
        declaredContentType: "image/png",
      },
    });
  });

  it("makes of an image its dimensions and a thumbnail behind a link", async () => {
    const record = await uploads.upload(await aPng());
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
  ])("ends for %s with a clear record", async (_, file, state, expected) => {
    const record = await uploads.upload(await file(), {
      contentType: "application/octet-stream",
      filename: "data.bin",
    });

    expect(record).toMatchObject({ state, attempt: 1, [state === "SUCCESS" ? "result" : "error"]: expected });
  });

  it("fails at the deadline of a form that was never used", async () => {
    const { id } = await uploads.ask();
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
    await createWorker(modules, engine.app)(
      { Records: [sqsRecord({ body })] },
      { getRemainingTimeInMillis: () => 30_000 },
    );
    engine.clock.now = new Date();

    expect(await engine.app.results.read(id)).toMatchObject({ state: "FAILURE", error: { code: "UPLOAD_MISSING" } });
  });
});
