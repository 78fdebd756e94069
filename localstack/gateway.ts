/**
 * The local cloud: SQS, DynamoDB and S3 in this process, behind one port of the loopback interface.
 *
 * Any AWS SDK works with it when its endpoint is the gateway's. A request is routed by its `x-amz-target` header, which S3
 * requests do not have.
 */

import { once } from "node:events";
import { access, constants, mkdir } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { openingError } from "./data-folder.ts";
import type { DynamoDb } from "./dynamodb/server.ts";
import { parseObject } from "./json.ts";
import { guardServer } from "./loopback.ts";
import type { S3 } from "./s3/server.ts";
import type { Sqs } from "./sqs/server.ts";

export interface GatewayOptions {
  /** 0 takes a free port. @defaultValue 4566 */
  readonly port?: number | undefined;
  /** Keeps queues, tables and objects here; absent: in memory, and objects in a temporary directory. */
  readonly dataDir?: string | undefined;
  /** Pages of these origins are let in, as far as a bucket's CORS rules allow; pages of this machine always are. */
  readonly origins?: readonly string[] | undefined;
  /** Gets what an operator should know, line by line. @defaultValue nothing is said */
  readonly log?: ((line: string) => void) | undefined;
  /** Seconds between two runs that delete expired DynamoDB items; AWS takes up to days. @defaultValue 60 */
  readonly ttlSweepSeconds?: number | undefined;
  /** Milliseconds since the epoch, for what expires: DynamoDB items and presigned requests. @defaultValue Date.now */
  readonly now?: (() => number) | undefined;
  /** Turns the cloud's clock, as `POST /_lovage/clock` asks; rejects with a sentence. Absent: there is no such call. */
  readonly turnClock?: ((to: Date) => Promise<void>) | undefined;
}

export interface Gateway {
  /** `http://127.0.0.1:4566` */
  readonly endpoint: string;
  readonly port: number;
  readonly queues: Pick<Sqs, "call" | "isReceivable" | "nextVisible">;
  /** Answers what is in flight, then frees the port and the data directory. */
  close(): Promise<void>;
}

interface Services {
  readonly sqs: Sqs;
  readonly dynamodb: DynamoDb;
  readonly s3: S3;
}

const LOOPBACK = "127.0.0.1";
const DEFAULT_PORT = 4566;
/** How long `close` waits for requests in flight. */
const DRAIN_MILLISECONDS = 5000;

/** Starts the local cloud. @throws Error one sentence when the port is taken or the data directory is in use */
export async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const opened = Promise.withResolvers<Services>();
  const traffic = createTraffic((request, response) => {
    // Node's own would be that of the machine's clock, and an SDK that sees another than its own signs by it.
    response.setHeader("date", new Date().toUTCString());
    const { turnClock } = options;
    if (turnClock && isAboutClock(request)) return answerClock(turnClock, request, response);
    return answer(opened.promise, request, response);
  });
  guardServer(traffic.server, { origins: options.origins ?? [], takesForms: true });
  const port = await listen(traffic.server, options.port ?? DEFAULT_PORT);
  const endpoint = `http://${LOOPBACK}:${port}`;
  const services = await openServices(endpoint, options).catch(async (error) => {
    opened.promise.catch(() => {});
    opened.reject(error);
    await traffic.stop();
    throw error;
  });
  opened.resolve(services);
  services.s3.startNotifying();
  let closing: Promise<void> | undefined;

  return {
    endpoint,
    port,
    queues: services.sqs,
    close() {
      closing ??= closeServices(services, traffic);
      return closing;
    },
  };
}

async function openServices(endpoint: string, options: GatewayOptions): Promise<Services> {
  // A clock that is turned later replaces Date: its `now` is looked up at each call.
  const { dataDir, ttlSweepSeconds, now = () => Date.now() } = options;
  const log = options.log ?? (() => {});
  if (dataDir !== undefined) {
    await opening(dataDir, ".", () => mkdir(dataDir, { recursive: true }));
    await opening(dataDir, ".", () => access(dataDir, constants.W_OK));
  }
  const [{ openSqs }, { openDynamoDb }, { openS3 }] = await Promise.all([
    import("./sqs/server.ts"),
    import("./dynamodb/server.ts"),
    import("./s3/server.ts"),
  ]);
  // First, because it locks the data directory: the others would tidy up what another cloud is using.
  const dynamodb = await opening(dataDir, "dynamodb", () => openDynamoDb({ dataDir, ttlSweepSeconds, now, log }));
  const opened: { close(): Promise<void> }[] = [dynamodb];
  try {
    const sqs = await opening(dataDir, "sqs.db", () => openSqs({ endpoint, dataDir, log }));
    opened.push(sqs);
    const s3 = await opening(dataDir, "s3", () => openS3({ endpoint, dataDir, now, log }));
    return { sqs, dynamodb, s3 };
  } catch (error) {
    await Promise.all(opened.map((service) => service.close()));
    throw error;
  }
}

/** Opens a part of the data directory. @throws Error one sentence if that cannot be read or written */
async function opening<T>(dataDir: string | undefined, part: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    throw dataDir === undefined ? error : openingError(error, dataDir, join(dataDir, part));
  }
}

async function closeServices({ sqs, dynamodb, s3 }: Services, traffic: Traffic): Promise<void> {
  // Notifications are delivered over the gateway's own SQS, so they stop while it still answers.
  await s3.stopNotifying();
  sqs.stopWaiting();
  await traffic.stop();
  await Promise.all([sqs.close(), dynamodb.close(), s3.close()]);
}

async function answer(services: Promise<Services>, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { sqs, dynamodb, s3 } = await services;
  const target = String(request.headers["x-amz-target"] ?? "");
  if (target.startsWith("DynamoDB_")) return dynamodb.handle(request, response);
  if (target.startsWith("AmazonSQS.")) return sqs.handle(request, response);
  if (target !== "") {
    return answerText(response, 400, `Target '${target}' is not emulated: expected SQS, DynamoDB or S3.`);
  }
  if (isHealthCheck(request)) return answerHealth(response);
  if (request.url === "/" && String(request.headers["content-type"]).startsWith("application/x-www-form-urlencoded")) {
    return answerText(
      response,
      400,
      "The AWS Query protocol is not spoken here: expected JSON. Use an SDK of 2023 or later.",
    );
  }
  return s3.handle(request, response);
}

/** Signed requests are for S3: a bucket may be named `health`. */
function isHealthCheck({ method, url, headers }: IncomingMessage): boolean {
  const reads = method === "GET" || method === "HEAD";
  return reads && (url === "/health" || url === "/_localstack/health") && headers.authorization === undefined;
}

function isAboutClock({ method, url, headers }: IncomingMessage): boolean {
  const isMethod = method === "GET" || method === "POST";
  return isMethod && url === "/_lovage/clock" && headers.authorization === undefined;
}

/** `{ now }`; a POST turns the clock before, as its body `{ to }` says. */
async function answerClock(
  turnClock: (to: Date) => Promise<void>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method === "POST") {
    const to = parseObject(await text(request))?.to;
    try {
      await turnClock(new Date(typeof to === "string" ? to : Number.NaN));
    } catch (error) {
      return answerText(response, 409, error instanceof Error ? error.message : String(error));
    }
  }
  answerJson(response, { now: new Date().toISOString() });
}

function answerHealth(response: ServerResponse): void {
  const services = { sqs: "running", dynamodb: "running", s3: "running" };
  answerJson(response, { status: "ok", services, edition: "lovage" });
}

function answerJson(response: ServerResponse, body: object): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function answerText(response: ServerResponse, status: number, sentence: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${sentence}\n`);
}

interface Traffic {
  readonly server: Server;
  /** Refuses what is new, waits for what is in flight, then cuts every connection. */
  stop(): Promise<void>;
}

function createTraffic(handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>): Traffic {
  const inFlight = new Set<Promise<void>>();
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      await handle(request, response);
    } catch (error) {
      failResponse(response, error);
    }
    if (!response.closed) await once(response, "close");
    // A body that was refused before it was read is taken in, so that the client can finish sending and read the answer.
    request.resume();
  };
  let stopping = false;
  const server = createServer((request, response) => {
    if (stopping) {
      response.setHeader("connection", "close");
      answerText(response, 503, "The local cloud is stopping.");
      return;
    }
    const handled = serve(request, response).finally(() => inFlight.delete(handled));
    inFlight.add(handled);
  });
  // Slow uploads are no attack here, and SDKs hold their connections longer than Node's five seconds.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 65_000;

  return {
    server,
    async stop() {
      stopping = true;
      const closed = new Promise((resolve) => server.close(resolve));
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise((resolve) => {
        timer = setTimeout(resolve, DRAIN_MILLISECONDS);
      });
      await Promise.race([Promise.allSettled(inFlight), late]);
      clearTimeout(timer);
      server.closeAllConnections();
      await closed;
    },
  };
}

function failResponse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
  } else {
    answerText(response, 500, `The local cloud failed: ${error instanceof Error ? error.message : error}`);
  }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "EADDRINUSE" ? portTaken(port, error) : error);
    });
    server.listen(port, LOOPBACK, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

function portTaken(port: number, cause: unknown): Error {
  return new Error(
    `Port ${port} on ${LOOPBACK} cannot be used for the local cloud: something else is listening there. If that is your cloud, set AWS_ENDPOINT_URL=http://${LOOPBACK}:${port} to use it; otherwise choose another \`port\`.`,
    { cause },
  );
}
