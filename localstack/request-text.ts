import type { IncomingMessage } from "node:http";

/** The body of a request as text; undefined for one of more than `maxBytes`. Quicker than an iteration over its chunks. */
export function textOf(request: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) resolve(undefined);
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= maxBytes) chunks.push(chunk);
    else resolve(undefined);
  });
  request.once("end", () => resolve(Buffer.concat(chunks).toString()));
  request.once("error", reject);
  return promise;
}
