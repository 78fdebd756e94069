/** The clouds that suites of others run against, each with an address that empties it. */

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ACCOUNT_ID } from "../../localstack/account.ts";
import { type Gateway, startGateway } from "../../localstack/gateway.ts";
import { type Missing, type Peer, startLocalStack, startMoto } from "../cloud/peers.ts";

export interface Stage {
  /** `http://127.0.0.1:4566` */
  readonly endpoint: string;
  readonly account: string;
  /** A POST to it empties the cloud. */
  readonly resetUrl: string;
  stop(): Promise<void>;
}

/** Starts the embedded cloud on a free port. A reset closes it and opens another on the same port. */
export async function startEmbedded(): Promise<Stage> {
  let gateway = await startGateway({ port: 0 });
  const { endpoint, port } = gateway;
  const reset = async (): Promise<Gateway> => {
    await gateway.close();
    return startGateway({ port });
  };
  const server = createServer((_request, response) => {
    reset().then(
      (fresh) => {
        gateway = fresh;
        response.end();
      },
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const resetUrl = `http://127.0.0.1:${portOf(server.address())}`;
  return {
    endpoint,
    account: ACCOUNT_ID,
    resetUrl,
    async stop() {
      server.close();
      server.closeAllConnections();
      await gateway.close();
    },
  };
}

/** Starts moto's server, if it is installed. */
export async function startMotoStage(): Promise<Stage | Missing> {
  return staged(await startMoto(), { account: "123456789012", resetPath: "/moto-api/reset" });
}

/** Starts LocalStack, if it is installed. */
export async function startLocalStackStage(): Promise<Stage | Missing> {
  return staged(await startLocalStack(), { account: "000000000000", resetPath: "/_localstack/state/reset" });
}

function staged(peer: Peer | Missing, { account, resetPath }: { account: string; resetPath: string }): Stage | Missing {
  if ("missing" in peer) return peer;
  const endpoint = peer.environment.AWS_ENDPOINT_URL ?? "";
  return { endpoint, account, resetUrl: `${endpoint}${resetPath}`, stop: peer.stop };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("The server of resets has no port.");
  return address.port;
}
