import { createServer, request as forward, type IncomingMessage, type ServerResponse } from "node:http";

/** One AWS call that went through the proxy. */
export interface Call {
  /** 1 for the first. */
  number: number;
  /** `DynamoDB.UpdateItem`, `SQS.SendMessageBatch`. */
  operation: string;
}

export type Moment = "before" | "after";

export interface KillProxy {
  endpoint: string;
  calls: Call[];
  close(): Promise<void>;
}

/**
 * Stands between the SDK and the cloud. `at` is asked before a call is passed on, and again after the cloud has answered
 * but before the answer is given: if it says true, the connection is dropped there, and the caller with it.
 */
export async function startKillProxy(target: string, at: (call: Call, moment: Moment) => boolean): Promise<KillProxy> {
  const calls: Call[] = [];
  const { hostname, port } = new URL(target);

  const pass = (incoming: IncomingMessage, outgoing: ServerResponse, body: Buffer): void => {
    const call = { number: calls.length + 1, operation: operationOf(incoming) };
    calls.push(call);
    if (at(call, "before")) {
      incoming.socket.destroy();
      return;
    }
    const sent = forward(
      { hostname, port, method: incoming.method, path: incoming.url, headers: incoming.headers },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () => {
          if (at(call, "after")) {
            incoming.socket.destroy();
            return;
          }
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers).end(Buffer.concat(chunks));
        });
      },
    );
    sent.on("error", () => incoming.socket.destroy());
    sent.end(body);
  };

  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => pass(incoming, outgoing, Buffer.concat(chunks)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    endpoint: `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`,
    calls,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function operationOf({ headers, method }: IncomingMessage): string {
  const target = String(headers["x-amz-target"] ?? `S3.${method}`);
  const [service = "", operation = ""] = target.split(".");
  return `${service.startsWith("DynamoDB") ? "DynamoDB" : service.replace("AmazonSQS", "SQS")}.${operation}`;
}
