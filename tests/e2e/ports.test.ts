import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { availableParallelism, networkInterfaces } from "node:os";
import { join } from "node:path";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT, WORK_FOLDER } from "../../build/paths.ts";
import { createClient } from "../../localstack/client.ts";
import { type Service, startService } from "../../localstack/service.ts";
import { ask, type Headers } from "../helpers/raw-request.ts";

/** Let in by name. */
const FRIEND = "https://app.example.com";
const FOREIGN = "https://evil.example";
const json = { "content-type": "application/json" };

let service: Service;
beforeAll(async () => {
  service = await startService({ environment: { CORS_ORIGIN: `${FRIEND}, https://admin.example.com` } });
});
afterAll(async () => {
  await service.stop();
});

const lambda = (name: string): string => `${service.lambdaUrl}/2015-03-31/functions/lovage-local-${name}/invocations`;
const ports = (): [string, string][] => [
  ["HTTP", `${service.url}/tasks`],
  ["Lambda", lambda("read")],
  ["cloud", `${service.endpoint}/health`],
];

/** An event that would run a task past the API and its key. */
function forgedEvent(): { id: string; event: string } {
  const id = randomUUID();
  const sentAt = new Date().toISOString();
  const message = { v: 1, id, task: "add", attempt: 1, payload: { x: 1, y: 1 }, queue: "default", sentAt, rootId: id };
  const record = {
    messageId: id,
    receiptHandle: "x",
    body: JSON.stringify(message),
    attributes: {
      ApproximateReceiveCount: "1",
      SentTimestamp: "0",
      SenderId: "x",
      ApproximateFirstReceiveTimestamp: "0",
    },
    messageAttributes: {},
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:lovage-local-default",
    awsRegion: "us-east-1",
  };
  return { id, event: JSON.stringify({ Records: [record] }) };
}

describe("a page of another site", () => {
  it("reaches no port by its origin, and by no method", async () => {
    for (const [port, url] of ports()) {
      for (const origin of [FOREIGN, "null", `${FRIEND}.evil.example`, "http://127.0.0.1.evil.example"]) {
        for (const method of ["GET", "POST", "OPTIONS"]) {
          const answer = await ask(url, method, { origin, ...json, "access-control-request-method": "POST" });

          expect([port, method, answer.status]).toEqual([port, method, 403]);
          expect(answer.text).toContain(`Origin '${origin}' was refused: expected a page served from 127.0.0.1`);
          expect(answer.headers).not.toHaveProperty("access-control-allow-origin");
        }
      }
    }
  });

  it("reaches no port by a name of its own that leads here", async () => {
    for (const [, url] of ports()) {
      for (const method of ["GET", "POST", "HEAD"]) {
        const answer = await ask(url, method, { host: "evil.example:3000", ...json });

        expect(answer.status).toBe(403);
        if (method !== "HEAD") expect(answer.text).toContain("Host 'evil.example:3000' was refused");
      }
      const upgrade = await ask(url, "GET", { host: "evil.example", connection: "Upgrade", upgrade: "websocket" });
      expect(upgrade.status).toBe(403);
    }
  });

  it("runs no task by a forged event, whatever type it has and whether the browser says its origin or not", async () => {
    const { id, event } = forgedEvent();
    const attempts: [Headers, number][] = [
      [{ "content-type": "text/plain" }, 415],
      [{ "content-type": "Text/Plain; charset=UTF-8" }, 415],
      [{ "content-type": "application/x-www-form-urlencoded" }, 415],
      [{ "content-type": "multipart/form-data; boundary=x" }, 415],
      [{ "content-type": "text/plain", origin: FOREIGN }, 403],
      [{ ...json, origin: FOREIGN }, 403],
      [{ ...json, "sec-fetch-site": "cross-site" }, 403],
      [{ origin: FOREIGN }, 403],
    ];
    for (const [headers, status] of attempts) {
      const answer = await ask(lambda("worker"), "POST", headers, event);

      expect([headers, answer.status]).toEqual([headers, status]);
      expect(JSON.parse(answer.text)).toMatchObject({
        status,
        detail: expect.stringMatching(/^[A-Z].* was refused.*\.$/),
      });
    }
    expect((await ask(`${service.url}/tasks/${id}`)).status).toBe(404);

    // The same event, sent by a program of this machine, runs it.
    expect((await ask(lambda("worker"), "POST", json, event)).text).toBe('{"batchItemFailures":[]}');
    expect(JSON.parse((await ask(`${service.url}/tasks/${id}`)).text)).toMatchObject({ state: "SUCCESS", result: 2 });
  });

  it("decides nothing by calls that need no body", async () => {
    for (const path of ["/queues/low/pause", "/queues/low/purge", "/queues/low/resume", "/queues/low/redrive"]) {
      for (const headers of [{ origin: FOREIGN }, { origin: "null" }, { "sec-fetch-site": "cross-site" }]) {
        expect((await ask(service.url + path, "POST", headers)).status).toBe(403);
      }
      expect((await ask(service.url + path, "POST", { "content-type": "text/plain" })).status).toBe(415);
    }
    expect(JSON.parse((await ask(`${service.url}/control`)).text)).toEqual({ decisions: [] });
  });
});

describe("who is welcome", () => {
  it("is any program of this machine, on each port", async () => {
    const s3 = new S3Client({
      endpoint: service.endpoint,
      region: "us-east-1",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
      forcePathStyle: true,
    });
    expect((await s3.send(new ListBucketsCommand({}))).Buckets).not.toEqual([]);
    s3.destroy();
    expect(execFileSync("curl", ["-s", `${service.url}/health`], { encoding: "utf8" })).toBe('{"status":"ok"}');
    for (const host of ["localhost:1", "127.0.0.1", "[::1]:3000"]) {
      expect((await ask(`${service.url}/health`, "GET", { host })).status).toBe(200);
    }
  });

  it.each(["http://localhost:5173", "http://127.0.0.1:8080", FRIEND, "https://admin.example.com"])(
    "is a page of %s, which may call the API and upload by a form",
    async (origin) => {
      const preflight = await ask(`${service.url}/tasks/add`, "OPTIONS", {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
      });
      expect(preflight.status).toBe(204);
      const headers = { origin, ...json, "sec-fetch-site": "cross-site" };
      const sent = await ask(`${service.url}/tasks/add`, "POST", headers, '{"payload":{"x":1,"y":2}}');
      expect(sent.status).toBe(202);
      expect(sent.headers["access-control-allow-origin"]).toBe(origin);

      const upload = { filename: "a.csv", contentType: "text/csv" };
      const { upload: form } = JSON.parse(
        (await ask(`${service.url}/uploads`, "POST", headers, JSON.stringify(upload))).text,
      );
      const body = new FormData();
      for (const [name, value] of Object.entries(form.fields)) body.append(name, String(value));
      body.append("file", new Blob(["a,b\n1,2\n"]));
      const answer = await fetch(form.url, { method: "POST", body, headers: { origin } });
      expect(answer.status).toBe(204);
      expect(answer.headers.get("access-control-allow-origin")).toBeTruthy();
    },
  );
});

describe("the ports", () => {
  it("are on the loopback interface only", async () => {
    const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    const others = addresses.filter(({ internal, address }) => !internal && !address.startsWith("fe80"));
    for (const [, url] of ports()) {
      for (const { address, family } of others) {
        const port = new URL(url).port;
        const host = family === "IPv6" ? `[${address}]` : address;
        await expect(ask(`http://${host}:${port}/`, "GET", { host: "localhost" })).rejects.toThrow();
      }
    }
  });
});

describe("reads that wait", () => {
  it("leave half of the function's sandboxes to every other call", async () => {
    const client = createClient(service.url);
    const { id } = await client.post("/tasks/add", { payload: { x: 1, y: 2 }, options: { countdown: 600 } });
    let ended = 0;
    // As many as may wait, and seven more.
    const most = Math.floor(Math.max(10, availableParallelism()) / 2);
    const waits = Array.from({ length: most + 7 }, async () => {
      const answer = await ask(`${service.url}/tasks/${id}?wait=20`);
      ended += 1;
      return answer;
    });
    // Those beyond the bound are answered as it is now, and so is all else, while the others still wait.
    await expect.poll(() => ended, { timeout: 15_000 }).toBe(7);
    expect((await ask(`${service.url}/health`)).status).toBe(200);
    expect(JSON.parse((await ask(`${service.url}/tasks/${id}`)).text)).toMatchObject({ state: "PENDING" });
    expect(ended).toBe(7);

    await ask(`${service.url}/tasks/${id}`, "DELETE");
    const states = (await Promise.all(waits)).map(({ text }) => JSON.parse(text).state);
    expect(states.toSorted()).toEqual([...Array(7).fill("PENDING"), ...Array(most).fill("REVOKED")]);
  });

  it("have a bound on AWS if one is set, and none otherwise", async () => {
    const folder = await mkdtemp(join(WORK_FOLDER, "template-"));
    const output = join(folder, "template.json");
    const bound = async (setting: { READ_CONCURRENCY?: string }): Promise<unknown> => {
      const command = join(ROOT, "node_modules", ".bin", "serverless");
      const env = { ...process.env, ...setting };
      execFileSync(command, ["template", "--stage", "production", "--output", output], { cwd: ROOT, env });
      const { Resources } = JSON.parse(await readFile(output, "utf8"));
      return Resources.ReadLambdaFunction.Properties.ReservedConcurrentExecutions;
    };

    expect([await bound({ READ_CONCURRENCY: "40" }), await bound({})]).toEqual([40, undefined]);
    await rm(folder, { recursive: true });
  });
});
