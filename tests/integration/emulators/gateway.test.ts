import { once } from "node:events";
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { connect, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { text } from "node:stream/consumers";
import { CreateBucketCommand, ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { ListQueuesCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { startGateway } from "../../../localstack/gateway.ts";
import { type Cloud, CREDENTIALS, createQueue, errorOf, openCloud, temporaryDirectory } from "./cloud.ts";

let cloud: Cloud;

beforeAll(async () => {
  cloud = await openCloud();
});

afterAll(() => cloud.gateway.close());

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Sends a request with headers that `fetch` would not let through. */
async function send(path: string, headers: Record<string, string> = {}, method = "GET", body = ""): Promise<Answer> {
  const { port } = cloud.gateway;
  const request: ClientRequest = httpRequest({ host: "127.0.0.1", port, path, method, headers }).end(body);
  const [response]: IncomingMessage[] = await once(request, "response");
  return { status: response?.statusCode ?? 0, text: response === undefined ? "" : await text(response) };
}

/** `connected`, or the code of the error. */
function tryConnect(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2000 });
    const settle = (outcome: string) => {
      socket.destroy();
      resolve(outcome);
    };
    socket.once("connect", () => settle("connected"));
    socket.once("timeout", () => settle("timeout"));
    socket.once("error", (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
  });
}

describe("the gateway", () => {
  it.each(["/health", "/_localstack/health"])("says at %s that it is well", async (path) => {
    const response = await fetch(`${cloud.gateway.endpoint}${path}`);

    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      services: { sqs: "running", dynamodb: "running", s3: "running" },
    });
  });

  it("serves a bucket named health to those who sign", async () => {
    await cloud.s3.send(new CreateBucketCommand({ Bucket: "health" }));

    const { Buckets } = await cloud.s3.send(new ListBucketsCommand({}));

    expect(Buckets?.map(({ Name }) => Name)).toContain("health");
  });

  it("listens on 127.0.0.1 and nowhere else", async () => {
    const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    const others = addresses.filter(({ address }) => address !== "127.0.0.1" && !address.startsWith("fe80"));
    const hosts = ["127.0.0.2", ...others.map(({ address }) => address)];

    const outcomes = await Promise.all(hosts.map((host) => tryConnect(host, cloud.gateway.port)));

    expect(await tryConnect("127.0.0.1", cloud.gateway.port)).toBe("connected");
    expect(outcomes).not.toContain("connected");
  });

  it("answers nobody who calls it by another name", async () => {
    const hosts = ["evil.example", "evil.example:4566", "127.0.0.1.evil.example", "bucket.localhost", "10.0.0.1", "@"];

    const answers = await Promise.all(hosts.map((host) => send("/health", { host })));
    const welcome = await Promise.all(
      ["127.0.0.1", "localhost", "localhost:1", "[::1]:4566"].map((host) => send("/health", { host })),
    );

    expect(answers.map(({ status }) => status)).toEqual(hosts.map(() => 403));
    expect(answers[0]?.text).toContain("Host 'evil.example' was refused");
    expect(welcome.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  });

  it("answers no page of another site", async () => {
    const origins = ["https://evil.example", "http://127.0.0.1.evil.example", "null", "file://"];

    const answers = await Promise.all(origins.map((origin) => send("/health", { origin })));
    const welcome = await Promise.all(
      ["http://127.0.0.1:3000", "http://localhost:5173", "https://[::1]"].map((origin) => send("/health", { origin })),
    );

    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
    expect(answers[0]?.text).toContain("Origin 'https://evil.example' was refused");
    expect(welcome.map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it("can be reached as localhost", async () => {
    const endpoint = `http://localhost:${cloud.gateway.port}`;
    const s3 = new S3Client({ endpoint, region: "us-east-1", credentials: CREDENTIALS, forcePathStyle: true });

    const { $metadata } = await s3.send(new ListBucketsCommand({}));

    expect($metadata.httpStatusCode).toBe(200);
  });

  it("shows nothing of its parts but SQS, DynamoDB and S3", async () => {
    const json = { "content-type": "application/x-amz-json-1.0" };
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const topic = "Action=CreateTopic&Name=t&Version=2010-03-31";

    const answers = await Promise.all([
      send("/", form, "POST", topic),
      send("/", { ...form, "x-amz-target": "AmazonSQS.CreateTopic" }, "POST", topic),
      send("/", { ...json, "x-amz-target": "AWSEvents.PutRule" }, "POST", "{}"),
      send("/_fauxqs/queues"),
      send("/bucket/key", { "x-amz-target": "AmazonSQS.SendMessage" }, "PUT", "x"),
    ]);

    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400]);
    expect(answers[2]?.text).toContain("Target 'AWSEvents.PutRule' is not emulated");
  });
});

describe("starting and stopping", () => {
  it("fails with one sentence when the port is taken", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(async () => {
      server.close();
    });
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;

    const error = await errorOf(startGateway({ port }));

    expect(error).toMatchObject({
      message: `Port ${port} on 127.0.0.1 cannot be used for the local cloud: something else is listening there. If that is your cloud, set AWS_ENDPOINT_URL=http://127.0.0.1:${port} to use it; otherwise choose another \`port\`.`,
    });
  });

  it("fails with one sentence when another cloud uses the data directory, and leaves no listener", async () => {
    const dataDir = await temporaryDirectory();
    const first = await openCloud({ dataDir });
    onTestFinished(() => first.gateway.close());

    const error = await errorOf(startGateway({ port: 0, dataDir }));

    expect(error).toMatchObject({ message: expect.stringContaining(`Data directory '${dataDir}' cannot be opened`) });
    expect(await createQueue(first.sqs)).toContain(first.gateway.endpoint);
  });

  it("frees the port, so that the next cloud can have it", async () => {
    const first = await openCloud();
    await first.sqs.send(new ListQueuesCommand({}));
    const { port } = first.gateway;

    await Promise.all([first.gateway.close(), first.gateway.close()]);
    const second = await openCloud({ port });
    const { QueueUrls } = await second.sqs.send(new ListQueuesCommand({}));
    await second.gateway.close();

    expect(second.gateway.port).toBe(port);
    expect(QueueUrls).toBeUndefined();
  });
});
