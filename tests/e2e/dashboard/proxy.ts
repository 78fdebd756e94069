import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

export interface Prefixed {
  /** With the prefix, and without a slash at its end. */
  url: string;
  /** Addresses outside of the prefix that somebody has asked for. */
  strays: string[];
  close(): void;
}

/** A reverse proxy with the service below a prefix, which the service does not see, and nothing beside it. @param prefix such as `/production` */
export async function startProxy(target: string, prefix: string): Promise<Prefixed> {
  const strays: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const { url = "", method, headers } = incoming;
    if (!url.startsWith(`${prefix}/`)) {
      strays.push(url);
      outgoing.writeHead(404).end();
      return;
    }
    const asked = request(
      new URL(url.slice(prefix.length), target),
      { method, headers: { ...headers, host: new URL(target).host } },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    asked.on("error", () => outgoing.destroy());
    incoming.pipe(asked);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = addressOf(server.address());
  return {
    url: `http://127.0.0.1:${port}${prefix}`,
    strays,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function addressOf(address: string | AddressInfo | null): AddressInfo {
  if (address === null || typeof address === "string") throw new Error("The proxy does not listen on a port.");
  return address;
}
