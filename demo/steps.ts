import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { GetQueueUrlCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import sharp from "sharp";
import { type Answer, type Client, toAnswer } from "../localstack/client.ts";
import type { Service } from "../localstack/service.ts";
import { CODE, firingId } from "../shared/schedules/name.ts";
import { nextFireTime } from "../shared/schedules/timing.ts";
import { makeCsv, makeJpeg, seeded } from "./inputs.ts";

/** A step's line in the table. */
export interface Outcome {
  id: string;
  state: string;
  attempts: number;
  milliseconds: number;
  note: string;
}

export interface Step {
  name: string;
  run(): Promise<Outcome>;
}

const SEED = 20_261_122;
const CSV_ROWS = 60_000;
const PARTS = 8;
const IMAGE = { width: 2000, height: 1500 };

/** The tutorial and its two exercises, then what goes wrong in practice. Each step throws if it did not get what it should. */
export function createSteps(service: Service, client: Client, outbox: string): Step[] {
  const random = seeded(SEED);

  const send = async (task: string, payload: Answer): Promise<{ answer: Answer; since: number }> => {
    const since = performance.now();
    return { answer: await client.post(`/tasks/${task}`, { payload }), since };
  };
  const finish = async (
    id: string,
    since: number,
    path = `/tasks/${id}`,
  ): Promise<{ record: Answer; outcome: Outcome }> => {
    const record = await client.waitFor(path);
    const outcome = {
      id,
      state: String(record.state),
      attempts: Number(record.attempt),
      milliseconds: performance.now() - since,
      note: "",
    };
    return { record, outcome };
  };
  const run = async (task: string, payload: Answer): Promise<{ record: Answer; outcome: Outcome }> => {
    const { answer, since } = await send(task, payload);
    return finish(String(answer.id), since);
  };
  const upload = async (filename: string, contentType: string, file: Uint8Array<ArrayBuffer>) => {
    const { id, upload: form } = await client.post("/uploads", { filename, contentType, size: file.byteLength });
    const since = performance.now();
    await client.upload(toAnswer(form), file);
    const answeredAt = Date.now();
    const finished = await finish(String(id), since, `/uploads/${id}`);
    const { record } = finished;
    expectThat(record.state === "SUCCESS", `The upload ended as ${record.state}: ${JSON.stringify(record.error)}`);
    // The answer does not wait for the work: at the earliest it begins in the moment in which the answer is on its way.
    const startedAt = Date.parse(String(record.startedAt));
    expectThat(
      Date.parse(String(record.finishedAt)) > answeredAt || startedAt >= answeredAt - 50,
      "The upload was answered only after it was processed.",
    );
    return { ...finished, result: toAnswer(record.result), links: toAnswer(record.links) };
  };

  return [
    {
      name: "add(4, 6)",
      async run() {
        const { record, outcome } = await run("add", { x: 4, y: 6 });
        expectThat(record.result === 10, `Expected 10, got ${JSON.stringify(record)}.`);
        return { ...outcome, note: "= 10" };
      },
    },
    {
      name: "send_email",
      async run() {
        const { record, outcome } = await run("send_email", {
          to: "ada@example.com",
          subject: "Grüße",
          message: "Hello.",
        });
        expectThat(record.state === "SUCCESS", `The mail ended as ${JSON.stringify(record)}.`);
        const mail = await readFile(join(outbox, `${outcome.id}.eml`), "utf8");
        expectThat(mail.includes("To: ada@example.com"), `The .eml file is not the mail that was sent: ${mail}`);
        return { ...outcome, note: `${outcome.id.slice(0, 8)}….eml` };
      },
    },
    {
      name: "upload a CSV",
      async run() {
        const csv = makeCsv(CSV_ROWS, random);
        const { outcome, result } = await upload("orders.csv", "text/csv", new TextEncoder().encode(csv.text));
        const { rows, columns: found } = toAnswer(result.csv);
        const columns = Array.isArray(found) ? found.map(toAnswer) : [];
        const amount = columns.find(({ name }) => name === "amount") ?? {};
        expectThat(rows === csv.rows, `Expected a CSV of ${csv.rows} rows, got ${JSON.stringify(result)}.`);
        expectThat(
          amount.max === csv.amountMax && Math.abs(Number(amount.mean) - csv.amountMean) < 1e-6,
          `Expected the maximum ${csv.amountMax} and mean ${csv.amountMean} of 'amount', got ${JSON.stringify(amount)}.`,
        );
        return { ...outcome, note: `${csv.rows} rows, mean amount ${csv.amountMean.toFixed(2)}` };
      },
    },
    {
      name: "a chord over a CSV's parts",
      async run() {
        const csv = makeCsv(CSV_ROWS, random);
        const file = await upload("parts.csv", "text/csv", new TextEncoder().encode(csv.text));
        const since = performance.now();
        const { id } = await client.post("/workflows", {
          chain: [
            { task: "split_csv", payload: { key: `uploads/${file.outcome.id}`, column: "amount", parts: PARTS } },
            { each: { task: "sum_part" } },
            { task: "add_up", into: "parts" },
          ],
        });
        const { record, outcome } = await finish(String(id), since);
        const { rows, sum } = toAnswer(record.result ?? {});
        const wanted = csv.amountMean * csv.rows;
        expectThat(
          rows === csv.rows && Math.abs(Number(sum) - wanted) < 1e-3,
          `Expected ${csv.rows} rows and a sum of ${wanted}, got ${JSON.stringify(record)}.`,
        );
        return { ...outcome, note: `${PARTS} parts, ${rows} rows, sum ${Number(sum).toFixed(2)}` };
      },
    },
    {
      name: "upload a JPEG",
      async run() {
        const jpeg = await makeJpeg(IMAGE.width, IMAGE.height, random);
        // Declared as something else on purpose: the task looks for itself.
        const { outcome, result, links } = await upload("photo.bin", "application/octet-stream", new Uint8Array(jpeg));
        const { width, height } = toAnswer(result.image);
        expectThat(
          width === IMAGE.width && height === IMAGE.height,
          `Expected ${IMAGE.width}×${IMAGE.height}, got ${JSON.stringify(result)}.`,
        );
        const [link] = Object.values(links);
        const thumbnail = await sharp(Buffer.from(await (await fetch(String(link))).arrayBuffer())).metadata();
        expectThat(
          Math.max(thumbnail.width, thumbnail.height) <= 320,
          `The thumbnail is ${thumbnail.width}×${thumbnail.height}.`,
        );
        return { ...outcome, note: `${IMAGE.width}×${IMAGE.height}, thumbnail ${thumbnail.width}×${thumbnail.height}` };
      },
    },
    {
      name: "daily e-mail, 08:00 Berlin",
      async run() {
        const now = new Date();
        const timing = { schedule: "cron(0 8 * * ? *)", timezone: "Europe/Berlin", anchor: now };
        const due = nextFireTime(timing, now) ?? now;
        const since = performance.now();
        await service.turnClock(due);
        const { record, outcome } = await finish(firingId({ name: "send-daily-email", incarnation: CODE }, due), since);
        const children = toAnswer(record.result).sent;
        const mails = await Promise.all(
          (Array.isArray(children) ? children : []).map((id) => finish(String(id), since)),
        );
        const files = await readdir(outbox);
        expectThat(
          mails.length === 1 && mails.every(({ outcome: { id } }) => files.includes(`${id}.eml`)),
          `Expected one mail, got ${JSON.stringify(record)}.`,
        );
        return { ...outcome, note: `for ${due.toISOString()}, ${mails.length} mail` };
      },
    },
    {
      name: "fails twice, then succeeds",
      async run() {
        const { record, outcome } = await run("flaky", { failures: 2 });
        expectThat(
          record.state === "SUCCESS" && outcome.attempts === 3,
          `Expected SUCCESS at attempt 3, got ${JSON.stringify(record)}.`,
        );
        return outcome;
      },
    },
    {
      name: "always fails",
      async run() {
        const { record, outcome } = await run("always_fails", { reason: "the printer is on fire" });
        return { ...outcome, note: failureOf(record, "the printer is on fire") };
      },
    },
    {
      name: "unreadable: not JSON",
      async run() {
        const since = performance.now();
        const { record, outcome } = await finish(await sendPoison(service), since);
        return { ...outcome, note: failureOf(record, "is not JSON") };
      },
    },
  ];
}

function failureOf(record: Answer, reason: string): string {
  const message = String(toAnswer(record.error ?? {}).message);
  expectThat(
    record.state === "FAILURE" && message.includes(reason),
    `Expected a FAILURE because '${reason}', got ${JSON.stringify(record)}.`,
  );
  return message;
}

/** Puts what is no message on the queue; its SQS message id is the id of the record that will explain it. */
async function sendPoison({ endpoint }: Service): Promise<string> {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const sqs = new SQSClient({ endpoint, region: "us-east-1", credentials, useQueueUrlAsEndpoint: false });
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: "lovage-local-default" }));
  const { MessageId } = await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "{ this is not JSON" }));
  sqs.destroy();
  return String(MessageId);
}

/** @throws Error saying what was expected of what */
function expectThat(condition: boolean, sentence: string): void {
  if (!condition) throw new Error(sentence);
}
