import { PutObjectCommand } from "@aws-sdk/client-s3";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { task } from "../../../shared/index.ts";
import { MAX_INLINE_BYTES, MAX_VALUE_BYTES } from "../../../shared/message/large-values.ts";
import { visibility } from "../../helpers/engine.ts";
import { aMessage } from "../../helpers/message.ts";
import { startBench } from "../../helpers/workbench.ts";

const echo = task({ name: "echo", payload: z.object({ text: z.string() }), run: ({ text }) => text });
const swells = task({
  name: "swells",
  payload: z.object({ bytes: z.number(), fail: z.boolean().default(false) }),
  run: ({ bytes, fail }) => {
    const text = "é".repeat(bytes / 2);
    if (fail) throw new Error(text);
    return text;
  },
});
const retriesLarge = task({
  name: "retries_large",
  payload: z.object({ text: z.string() }),
  retry: { maxRetries: 1, backoff: { base: 0 } },
  run: ({ text }, { attempt }) => {
    if (attempt === 1) throw new Error("again");
    return text.length;
  },
});

const { engine, bench } = await startBench({ echo, swells, retriesLarge }, visibility(2, "DefaultQueue"));

const itemOf = async (id: string) => {
  const record = await engine.app.results.read(id);
  return { record, refs: record?.refs ?? {} };
};

/** Sends a message that says where its payload lies. */
async function sendRaw(
  id: string,
  payloadRef: { key: string; sizeBytes: number; until: string },
): Promise<{ body: string; messageId: string }> {
  const sentAt = engine.clock.now.toISOString();
  const body = JSON.stringify({ ...aMessage({ id, task: "echo", queue: "default", sentAt, rootId: id }), payloadRef });
  const QueueUrl = engine.app.config.queueUrl("default");
  const { MessageId = "" } = await engine.clients.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: body }));
  return { body, messageId: MessageId };
}

describe("a large value", () => {
  it("goes through S3 unseen: payload and result of 50 MB come back as they were", { timeout: 90_000 }, async () => {
    // Two bytes are the quotes of JSON, and twelve are {"text":""} around it.
    const text = "x".repeat(MAX_VALUE_BYTES - 11);
    const result = await echo.delay({ text });
    expect((await engine.app.results.read(result.id))?.payload).toBeNull();
    await bench.work();

    expect(await result.get()).toBe(text);
    const record = await result.fetch();
    expect(record.payload).toEqual({ text });
    expect(record.large).toBeUndefined();
    const { refs } = await itemOf(result.id);
    expect(refs.payload).toMatchObject({ sizeBytes: MAX_VALUE_BYTES, key: `claims/30d/${result.id}/payload-1` });
    expect(refs.result?.key).toContain(`claims/2d/${result.id}/result-`);
  });

  it("that is too large says so with both numbers: payload, result and error", { timeout: 90_000 }, async () => {
    const tooLarge = echo.delay({ text: "x".repeat(MAX_VALUE_BYTES) });
    await expect(tooLarge).rejects.toMatchObject({
      code: "PAYLOAD_TOO_LARGE",
      message: `Payload of task 'echo' is ${MAX_VALUE_BYTES + 11} bytes: at most ${MAX_VALUE_BYTES} bytes are accepted. Upload large data as a file and pass its key.`,
    });

    const result = await swells.delay({ bytes: MAX_VALUE_BYTES });
    const error = await swells.delay({ bytes: MAX_VALUE_BYTES, fail: true });
    await bench.work();
    expect((await result.fetch()).error).toMatchObject({
      code: "RESULT_TOO_LARGE",
      message: expect.stringContaining(
        `is ${MAX_VALUE_BYTES + 2} bytes: at most ${MAX_VALUE_BYTES} bytes are accepted`,
      ),
    });
    const { message = "" } = (await error.fetch()).error ?? {};
    expect(message).toMatch(/… \(this error is 5\d{7} bytes: at most 52428800 bytes are kept\)$/);
    expect(message.length).toBeLessThan(10_000);
  });

  it("stays inline up to 8 KiB, and not beyond", async () => {
    const small = await echo.delay({ text: "x".repeat(MAX_INLINE_BYTES - 11) });
    const large = await echo.delay({ text: "x".repeat(MAX_INLINE_BYTES - 10) });
    await bench.work();

    expect((await itemOf(small.id)).refs).toEqual({});
    expect(Object.keys((await itemOf(large.id)).refs)).toEqual(["payload"]);
  });

  it("of an error is kept whole", async () => {
    const result = await swells.delay({ bytes: 400_000, fail: true });
    await bench.work();

    const { error } = await result.fetch();
    expect(error?.message).toBe("é".repeat(200_000));
    expect(error?.stack).toContain("large.test.ts");
    await expect(result.get()).rejects.toMatchObject({ code: "TASK_FAILED" });
  });

  it("is there for a retry and for a replay, and a revoked task leaves none unread", async () => {
    const text = "y".repeat(100_000);
    const result = await retriesLarge.delay({ text });
    await bench.workUntilFinal(result.id);
    expect(await result.get()).toBe(100_000);

    const { status, body } = await bench.call("POST", `/tasks/${result.id}/replay`);
    expect(status).toBe(202);
    await bench.workUntilFinal(String(body.id));
    expect((await bench.call("GET", `/tasks/${body.id}`)).body).toMatchObject({ result: 100_000, payload: { text } });
  });

  it("that waits for longer than its object would live is copied to where it lives longer", async () => {
    const text = "z".repeat(100_000);
    const far = await echo.applyAsync({ text }, { countdown: 399 * 86_400 });
    expect((await itemOf(far.id)).refs.payload?.key).toContain("claims/460d/");

    const { largeValues, clock } = engine.app;
    const stored = await largeValues.store({ id: far.id, part: "payload", version: "7" }, text, clock());
    if (!("ref" in stored)) throw new Error("it is large");
    const later = new Date(clock().getTime() + 100 * 86_400_000);
    const name = { id: far.id, part: "payload", version: "8" } as const;
    const copy = await largeValues.renew(name, stored.ref, later);
    expect(copy.key).toBe(`claims/460d/${far.id}/payload-8`);
    expect(await largeValues.load(copy)).toBe(text);
    expect(await largeValues.renew(name, stored.ref, clock())).toBe(stored.ref);
  });

  it("is linked to where an answer cannot hold it, and left out of lists", async () => {
    const result = await swells.delay({ bytes: 3_000_000 });
    await bench.work();
    engine.clock.now = new Date();

    const { body } = await bench.call("GET", `/tasks/${result.id}`);
    const { large } = z
      .object({ large: z.object({ result: z.object({ sizeBytes: z.number(), url: z.url() }) }) })
      .parse(body);
    expect(body.result).toBeUndefined();
    expect(large.result.sizeBytes).toBe(3_000_002);
    expect(await (await fetch(large.result.url)).json()).toBe("é".repeat(1_500_000));

    const { tasks } = (await bench.call("GET", "/tasks?task=swells&state=SUCCESS")).body;
    expect(tasks).toContainEqual(
      expect.objectContaining({ id: result.id, large: { result: { sizeBytes: 3_000_002 } } }),
    );
  });

  it("makes a page of a list end early, so that it fits into an answer of Lambda", { timeout: 60_000 }, async () => {
    const { results } = engine.app;
    // As large as a record can be without S3. Each quote is two bytes in JSON, and four in Lambda's answer.
    const [text, meta] = ['"'.repeat(MAX_INLINE_BYTES / 2 - 10), '"'.repeat(8000)];
    const write = async (): Promise<string> => {
      const id = engine.app.newId();
      const sentAt = engine.clock.now.toISOString();
      const message = {
        v: 1 as const,
        id,
        task: "echo_large",
        attempt: 1,
        payload: { text },
        queue: "default",
        sentAt,
        rootId: id,
      };
      const outcome = await results.claim(message, { messageId: id, receiveCount: 1 }, 30);
      if (!outcome.claimed) throw new Error("not claimed");
      await results.progress(outcome.claim, { meta });
      await results.succeed(outcome.claim, JSON.stringify(text));
      return id;
    };
    const ids: string[] = [];
    for (let ten = 0; ten < 10; ten++) ids.push(...(await Promise.all(Array.from({ length: 10 }, write))));

    engine.clock.now = new Date();
    const read: string[] = [];
    let cursor = "";
    for (let page = 0; page === 0 || (cursor !== "" && page < 10); page++) {
      const { status, body } = await bench.call(
        "GET",
        `/tasks?task=echo_large&unregistered=true&limit=100${cursor && `&cursor=${cursor}`}`,
      );
      expect(status).toBe(200);
      expect(Buffer.byteLength(JSON.stringify({ body: JSON.stringify(body) }))).toBeLessThan(6 * 1024 * 1024);
      const { tasks } = z.object({ tasks: z.array(z.object({ id: z.string() })) }).parse(body);
      read.push(...tasks.map(({ id }) => id));
      cursor = typeof body.cursor === "string" ? body.cursor : "";
    }
    expect(read.toSorted()).toEqual(ids.toSorted());
  });

  it("that is gone from S3 ends its task with a sentence, and is no crash", async () => {
    const id = engine.app.newId();
    const sentAt = engine.clock.now.toISOString();
    await sendRaw(id, { key: `claims/30d/${id}/payload-1`, sizeBytes: 123_456, until: sentAt });
    await bench.work();

    expect((await engine.app.results.read(id))?.error).toMatchObject({
      code: "VALUE_EXPIRED",
      message: expect.stringContaining("A value of 123456 bytes is no longer stored"),
    });
  });

  it.each(["payload", "result"] as const)("that is damaged does not hide its record: %s", async (part) => {
    const sent = await echo.delay({ text: "x".repeat(10_000) });
    await bench.work();
    const { refs } = await itemOf(sent.id);
    const Bucket = engine.app.config.uploadsBucket;
    await engine.clients.s3.send(new PutObjectCommand({ Bucket, Key: refs[part]?.key, Body: "x" }));
    engine.clock.now = new Date();

    const { status, body } = await bench.call("GET", `/tasks/${sent.id}`);

    expect({ status, body }).toMatchObject({
      status: 200,
      body: { state: "SUCCESS", large: { [part]: { damaged: true } } },
    });
    if (part === "result") {
      await expect(sent.get()).rejects.toMatchObject({ message: expect.stringContaining("is damaged") });
    } else {
      const replayed = await bench.call("POST", `/tasks/${sent.id}/replay`);
      expect(replayed).toMatchObject({ status: 410, body: { code: "VALUE_EXPIRED" } });
    }
  });

  it("is read from nowhere but where Lovage puts it", async () => {
    const stranger = engine.app.newId();
    for (const key of ["uploads/secret", "claims/2d/../../uploads/secret", `claims/30d/${stranger}/payload-1`]) {
      const id = engine.app.newId();
      const { body, messageId } = await sendRaw(id, { key, sizeBytes: 1, until: "2099-01-01T00:00:00Z" });
      await bench.work();

      const record = await engine.app.results.read(messageId);
      expect(record?.error?.message).toContain("its field 'payloadRef' is");
      expect(record?.payload).toBe(body);
    }
  });
});
