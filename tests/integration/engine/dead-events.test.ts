import { PutObjectCommand } from "@aws-sdk/client-s3";
import type { SQSRecord } from "aws-lambda";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { beatInput } from "../../../shared/beat/beat.ts";
import {
  beatSchedule,
  createBeat,
  createDeadLetterWorker,
  createUploadListener,
  crontab,
  task,
} from "../../../shared/index.ts";
import { derivedId } from "../../../shared/message/id.ts";
import { type Engine, startEngine, visibility } from "../../helpers/engine.ts";
import { sqsRecord } from "../../helpers/sqs-record.ts";
import { createWorkbench, type Workbench } from "../../helpers/workbench.ts";

let engine: Engine;
let bench: Workbench;

const mail = task({ name: "mail", queue: "low", payload: z.object({ to: z.string() }), run: ({ to }) => to });
const processUpload = task({ name: "process_upload", payload: z.object({ key: z.string() }), run: ({ key }) => key });
const daily = { task: mail, payload: { to: "ada" }, schedule: crontab({ hour: 8, minute: 0 }) };
const schedule = beatSchedule({ "daily-mail": daily });
const tasks = { mail, processUpload, schedule };
const modules = [{ file: "tests.ts", exports: tasks }];

beforeAll(async () => {
  engine = await startEngine((template) => {
    visibility(1, "UploadsQueue")(template);
    const uploads = template.Resources.UploadsQueue?.Properties;
    // Once is as good as five times.
    Object.assign(uploads ?? {}, { RedrivePolicy: { ...Object(uploads?.RedrivePolicy), maxReceiveCount: 1 } });
  });
  bench = createWorkbench(engine, tasks);
});
afterAll(() => engine.stop());

/** A time of its own for each test. */
let hours = 0;
function aFiring(): { time: string; id: string; input: unknown } {
  hours += 1;
  const time = new Date(Date.UTC(2026, 10, 1, hours)).toISOString().replace(".000", "");
  const [entry] = schedule.entries;
  const input: unknown = JSON.parse(
    entry ? beatInput(entry).replaceAll("<aws.scheduler.scheduled-time>", time) : "null",
  );
  return { time, id: derivedId(new Date(time), `beat/daily-mail/${new Date(time).toISOString()}`), input };
}

/** As Lambda writes it when the function has failed for good. */
function invocationRecord(input: unknown, change: object = {}): string {
  return JSON.stringify({
    version: "1.0",
    timestamp: "2026-11-23T07:03:05.568Z",
    requestContext: { requestId: "e4b46cbf", condition: "RetriesExhausted", approximateInvokeCount: 3 },
    requestPayload: input,
    responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
    responsePayload: { errorType: "BrokerError", errorMessage: "Queue 'low' did not accept the message: down" },
    ...change,
  });
}

async function bury(body: string, attributes: Record<string, string> = {}): Promise<SQSRecord> {
  const record = {
    ...sqsRecord({ body }),
    eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:lovage-local-dead-letter",
    messageAttributes: Object.fromEntries(
      Object.entries(attributes).map(([name, stringValue]) => [name, { dataType: "String", stringValue }]),
    ),
  };
  const answer = await createDeadLetterWorker(engine.app)(
    { Records: [record] },
    { getRemainingTimeInMillis: () => 30_000 },
  );
  expect(answer.batchItemFailures).toEqual([]);
  return record;
}

describe("a firing that failed for good", () => {
  it("is a FAILURE of its task under the id that it would have had, with its payload and the reason", async () => {
    const { id, input, time } = aFiring();
    await bury(invocationRecord(input));
    // SQS may deliver it twice.
    await bury(invocationRecord(input));

    expect(await engine.app.results.read(id)).toMatchObject({
      task: "mail",
      state: "FAILURE",
      queue: "low",
      payload: { to: "ada" },
      error: {
        code: "TASK_NOT_SENT",
        message: `Task 'mail' was not sent: schedule entry 'daily-mail' was due at ${new Date(time).toISOString()}, and the beat function failed 3 times: BrokerError: Queue 'low' did not accept the message: down. Mend the cause, then replay it or redrive its queue.`,
      },
    });
  });

  it("is listed among the failures, and runs when it is replayed or redriven", async () => {
    const { id, input } = aFiring();
    await bury(invocationRecord(input));

    const { body } = await bench.call(
      "GET",
      "/tasks?state=FAILURE&task=mail&from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z",
    );
    expect(JSON.stringify(body)).toContain(id);
    const replayed = await bench.call("POST", `/tasks/${id}/replay`);
    expect(replayed.status).toBe(202);
    await bench.workUntilFinal(String(replayed.body.id), "LowQueue");
    expect(await engine.app.results.read(String(replayed.body.id))).toMatchObject({
      state: "SUCCESS",
      result: "ada",
      replayOf: id,
    });
    const redriven = await bench.call("POST", "/queues/low/redrive", {
      task: "mail",
      from: "2026-11-01T00:00:00Z",
      to: "2026-11-02T00:00:00Z",
    });
    expect(Number(redriven.body.redriven)).toBeGreaterThan(0);
  });

  it("leaves a task alone that was sent after all", async () => {
    const { id, input } = aFiring();
    await createBeat(modules, engine.app)(input);
    await bury(invocationRecord(input));
    expect(await engine.app.results.read(id)).toMatchObject({ state: "PENDING" });

    await bench.workUntilFinal(id, "LowQueue");
    await bury(invocationRecord(input));
    expect(await engine.app.results.read(id)).toMatchObject({ state: "SUCCESS", result: "ada" });
  });

  it.each<[string, (input: object, time: string) => Promise<unknown>]>([
    ["the beat function failed", (input) => bury(invocationRecord(input))],
    ["Scheduler could not invoke it", (input, time) => bury(JSON.stringify(input), { SCHEDULED_TIME: time })],
  ])("keeps the version of a payload that is newer than this code, where %s", async (_, die) => {
    const { id, input, time } = aFiring();
    const newer = { address: "ada" };
    await die({ ...Object(input), payload: newer, payloadVersion: 2 }, time);
    expect(await engine.app.results.read(id)).toMatchObject({ state: "FAILURE", payload: newer, payloadVersion: 2 });

    // A replay waits for the code that knows it, and is not failed by this one.
    const replayed = String((await bench.call("POST", `/tasks/${id}/replay`)).body.id);
    await bench.work("LowQueue");
    expect(await engine.app.results.read(replayed)).toMatchObject({
      state: "PENDING",
      payloadVersion: 2,
      error: { code: "PAYLOAD_NEWER" },
    });
    await bench.call("DELETE", `/tasks/${replayed}`);
  });

  it("keeps a large payload, and cuts a long error short", async () => {
    const { id, input } = aFiring();
    const payload = { to: "x".repeat(100_000) };
    const responsePayload = { errorType: "Error", errorMessage: "y".repeat(200_000) };
    await bury(invocationRecord({ ...Object(input), payload }, { responsePayload }));

    const record = await engine.app.results.read(id);
    expect(record?.error?.message.length).toBeLessThan(1500);
    expect(record && (await engine.app.results.complete(record)).payload).toEqual(payload);
  });

  it.each<[string, object, string]>([
    [
      "was throttled until it was too old",
      { requestContext: { condition: "EventAgeExceeded" }, responsePayload: undefined },
      "and the beat function could not be run in time.",
    ],
    [
      "timed out",
      { responsePayload: { errorMessage: "2026 x Task timed out after 28.00 seconds" } },
      "failed 3 times: 2026 x Task timed out after 28.00 seconds.",
    ],
  ])("says that the function %s", async (_, change, sentence) => {
    const { id, input } = aFiring();
    await bury(invocationRecord(input, change));

    expect((await engine.app.results.read(id))?.error?.message).toContain(sentence);
  });

  it("comes from Scheduler itself when it could not invoke the function", async () => {
    const { id, input, time } = aFiring();
    const attributes = { ERROR_CODE: "AccessDenied", ERROR_MESSAGE: "not allowed.", SCHEDULED_TIME: time };
    const unfilled = { ...Object(input), scheduledTime: "<aws.scheduler.scheduled-time>" };
    await bury(JSON.stringify(unfilled), attributes);

    expect(await engine.app.results.read(id)).toMatchObject({
      task: "mail",
      state: "FAILURE",
      payload: { to: "ada" },
      error: {
        code: "TASK_NOT_SENT",
        message: expect.stringContaining(
          "EventBridge Scheduler could not invoke the beat function (AccessDenied: not allowed). Mend",
        ),
      },
    });
  });

  it("of an older deployment, which does not name its task, names its entry", async () => {
    const { id, time } = aFiring();
    await bury(invocationRecord({ schedule: "daily-mail", scheduledTime: time }));

    expect(await engine.app.results.read(id)).toMatchObject({
      task: "(unknown)",
      state: "FAILURE",
      payload: { schedule: "daily-mail" },
      error: { message: expect.stringContaining("schedule entry 'daily-mail'") },
    });
  });

  it("that names what no message may name is kept as unreadable", async () => {
    const { input } = aFiring();
    const { messageId } = await bury(invocationRecord({ ...Object(input), task: "" }));

    expect(await engine.app.results.read(messageId)).toMatchObject({
      task: "(unreadable)",
      error: { code: "MESSAGE_INVALID" },
    });
  });

  it.each([
    ['{"requestContext":{},"requestPayload":{"hello":1}}'],
    ['{"schedule":1,"scheduledTime":"2026-11-23T07:00:00Z"}'],
    ["[]"],
    ["null"],
    ['{"requestContext":{},"requestPayload":null}'],
  ])("is not what %s is", async (body) => {
    const { messageId } = await bury(body);

    expect(await engine.app.results.read(messageId)).toMatchObject({ task: "(unreadable)", payload: body });
  });
});

describe("a notification of S3 that failed for good", () => {
  const dying = async () => {
    throw new Error("the uploads function cannot start");
  };

  it("is a FAILURE of the upload task, and processes the file when it is replayed", async () => {
    const Bucket = engine.app.config.uploadsBucket;
    const key = "uploads/by hand+ü.txt";
    await engine.clients.s3.send(new PutObjectCommand({ Bucket, Key: key, Body: "hello" }));
    await expect(engine.deliver("UploadsQueue", dying)).rejects.toThrow("cannot start");
    await expect
      .poll(
        async () => {
          await engine.deliver("UploadsQueue", async () => ({ batchItemFailures: [] }));
          await bench.bury();
          engine.clock.now = new Date();
          return (await bench.call("GET", "/tasks?state=FAILURE&task=process_upload")).body.tasks;
        },
        { timeout: 20_000 },
      )
      .toMatchObject([{ payload: { key }, queue: "default", error: { code: "TASK_NOT_SENT" } }]);

    const [failure] = Object((await bench.call("GET", "/tasks?state=FAILURE&task=process_upload")).body).tasks;
    expect(failure.error.message).toContain(`did not take the notification of '${key}'`);
    const { body } = await bench.call("POST", `/tasks/${failure.id}/replay`);
    await bench.workUntilFinal(String(body.id));
    expect(await engine.app.results.read(String(body.id))).toMatchObject({ state: "SUCCESS", result: key });
  });

  const notification = (key: string): string =>
    JSON.stringify({
      Records: [
        {
          eventName: "ObjectCreated:Put",
          eventTime: "2026-11-23T07:00:00.000Z",
          s3: { object: { key, sequencer: "01" } },
        },
      ],
    });

  it("leaves alone what the function has sent, or what a form waits for", async () => {
    const body = notification("uploads/twice.txt");
    const id = derivedId(new Date("2026-11-23T07:00:00.000Z"), "s3/uploads/twice.txt/01");
    await createUploadListener(modules, engine.app)(
      { Records: [sqsRecord({ body })] },
      { getRemainingTimeInMillis: () => 30_000 },
    );
    await bury(body);

    expect(await engine.app.results.read(id)).toMatchObject({ state: "PENDING" });
  });

  it("of a key that looks like an id, but is none of ours, is listed too", async () => {
    await bury(notification("uploads/0b6a7a0e-9d7c-4a51-8f5c-2f4f4a5d7b10"));

    const { body } = await bench.call(
      "GET",
      "/tasks?state=FAILURE&task=process_upload&from=2026-11-23T00:00:00Z&to=2026-11-23T23:59:59Z",
    );
    expect(JSON.stringify(body)).toContain("0b6a7a0e-9d7c-4a51-8f5c-2f4f4a5d7b10");
  });

  it("that is only S3's test, or of a deletion, is let pass; one that cannot be read is kept", async () => {
    const test = await bury('{"Service":"Amazon S3","Event":"s3:TestEvent"}');
    const gone = await bury('{"Records":[{"eventName":"ObjectRemoved:Delete","s3":{"object":{"key":"uploads/x"}}}]}');
    const broken = await bury('{"Records":[{"eventName":"ObjectCreated:Put","s3":{"object":{}}}]}');

    expect(await engine.app.results.read(test.messageId)).toBeUndefined();
    expect(await engine.app.results.read(gone.messageId)).toBeUndefined();
    expect(await engine.app.results.read(broken.messageId)).toMatchObject({ task: "(unreadable)" });
  });
});
