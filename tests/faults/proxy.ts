/** Stands between the SDK and the cloud: every fault of the network or of AWS is a route of this proxy. */

import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";

/** One AWS call that goes through the proxy. */
export interface Call {
  /** 1 for the first. */
  number: number;
  /** `DynamoDB.UpdateItem`, `SQS.SendMessageBatch`. */
  operation: string;
  /** With the query; of S3, bucket and key. */
  path: string;
  body: Buffer;
}

export interface Answer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Buffer;
}

/** Passes a call on to the cloud. @throws Error if the cloud is not there */
export type Forward = (call: Call) => Promise<Answer>;

/** The fate of a call: an answer, or a connection that is cut. Routes nest, for each is given how to go on. */
export type Route = (call: Call, forward: Forward) => Promise<Answer | "cut">;

export interface Proxy {
  endpoint: string;
  calls(): number;
  close(): Promise<void>;
}

/** Longer than the SDK keeps an idle connection: a race about who closes it would be a fault that nobody asked for. */
const KEEP_ALIVE_MILLISECONDS = 65_000;

/** Of the answer's connection, not of the answer. */
const HOP_HEADERS = ["connection", "keep-alive", "transfer-encoding", "content-length"];

export async function startProxy(target: string, route: Route): Promise<Proxy> {
  const { hostname, port } = new URL(target);
  const agent = new Agent({ keepAlive: true });
  let calls = 0;

  const pass = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const call = {
      number: ++calls,
      operation: operationOf(incoming),
      path: incoming.url ?? "/",
      body: await read(incoming),
    };
    const forward: Forward = ({ body }) =>
      new Promise((resolve, reject) => {
        const headers = { ...incoming.headers, "content-length": String(body.length) };
        const sent = request(
          { hostname, port, agent, method: incoming.method, path: incoming.url, headers },
          (answer) =>
            read(answer).then(
              (received) => resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: received }),
              reject,
            ),
        );
        sent.once("error", reject);
        sent.end(body);
      });
    const answer = await route(call, forward);
    if (answer === "cut") incoming.socket.resetAndDestroy();
    else outgoing.writeHead(answer.status, headersOf(answer)).end(answer.body);
  };

  const server = createServer((incoming, outgoing) => {
    // A cloud that is gone, or goes away in the middle, is a cut connection to the caller.
    pass(incoming, outgoing).catch(() => incoming.socket.destroy());
  });
  server.keepAliveTimeout = KEEP_ALIVE_MILLISECONDS;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    endpoint: `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`,
    calls: () => calls,
    close: () =>
      new Promise((resolve) => {
        agent.destroy();
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function read(stream: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.once("end", () => resolve(Buffer.concat(chunks)));
    // After `end` this changes nothing.
    stream.once("close", () => reject(new Error("The connection was closed in the middle.")));
  });
}

function headersOf({ headers, body }: Answer): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = { "content-length": String(body.length) };
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !HOP_HEADERS.includes(name)) kept[name] = value;
  }
  return kept;
}

function operationOf({ headers, method }: IncomingMessage): string {
  const target = String(headers["x-amz-target"] ?? `S3.${method}`);
  const [service = "", operation = ""] = target.split(".");
  return `${service.startsWith("DynamoDB") ? "DynamoDB" : service.replace("AmazonSQS", "SQS")}.${operation}`;
}
