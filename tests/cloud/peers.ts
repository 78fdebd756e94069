/**
 * Two other clouds, run on this machine without Docker: moto_server and LocalStack 4.14.0 in host mode.
 *
 * `node tests/cloud/install-peers.ts` puts them into `.lovage/peers/`; here they are only started and stopped. Each
 * listens on 127.0.0.1 alone, keeps everything in memory, and ends with the process that started it.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createConnection, createServer, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** A cloud that answers. */
export interface Peer {
  readonly name: string;
  /** What a process needs to talk to it: the endpoint, a region, and credentials that open nothing. */
  readonly environment: Record<string, string>;
  stop(): Promise<void>;
}

/** A cloud that is not installed here. */
export interface Missing {
  readonly name: string;
  /** Why it is skipped, and the command that installs it. */
  readonly missing: string;
}

const peersFolder = fileURLToPath(new URL("../../.lovage/peers/", import.meta.url));

/**
 * What `install-peers.ts` installs for each peer; a folder made for other pins counts as missing. The day bounds the
 * releases of what the package depends on: newer cbor2 and pyOpenSSL break LocalStack 4.14.0, which bounds neither.
 */
export const installations = {
  moto: {
    folder: join(peersFolder, "moto"),
    pins: { package: "moto[server]==5.2.1", uploadedBefore: "2026-06-01", pip: "26.3" },
  },
  localstack: {
    folder: join(peersFolder, "localstack"),
    pins: {
      package: "localstack-core[runtime]==4.14.0",
      uploadedBefore: "2026-02-28",
      pip: "26.3",
      dynamodbLocal: "2.6.1",
    },
  },
} as const;

export type PeerName = keyof typeof installations;

/** Written last by the installer, so that a half-made folder never counts. */
export const markerFile = "installed.json";

/** Whether the peer is installed with exactly the pins above. */
export function isInstalled(name: PeerName): boolean {
  const { folder, pins } = installations[name];
  const marker = join(folder, markerFile);
  return existsSync(marker) && readFileSync(marker, "utf8") === JSON.stringify(pins);
}

/** Starts moto's server; its account is 123456789012. */
export async function startMoto(): Promise<Peer | Missing> {
  if (!isInstalled("moto")) return missing("moto");
  const port = await freePort();
  return start({
    name: "moto 5.2.1",
    command: [join(installations.moto.folder, "venv/bin/moto_server"), "-H", "127.0.0.1", "-p", String(port)],
    port,
    health: "/moto-api/",
    isReady: () => true,
    settings: () => ({}),
    alsoOpen: [],
  });
}

/** Starts LocalStack in host mode, with DynamoDB Local inside it; its account is 000000000000. */
export async function startLocalStack(): Promise<Peer | Missing> {
  if (!isInstalled("localstack")) return missing("localstack");
  const port = await freePort();
  const dynamodbPort = await freePort();
  return start({
    name: "LocalStack 4.14.0",
    command: [join(installations.localstack.folder, "venv/bin/python"), "-m", "localstack.runtime.main"],
    port,
    health: "/_localstack/health",
    isReady: (health) => ["sqs", "s3", "dynamodb"].every((service) => health.includes(`"${service}": "running"`)),
    settings: (workspace) => localStackSettings(workspace, port, dynamodbPort),
    alsoOpen: [dynamodbPort],
  });
}

/** Every setting that LocalStack needs to stay on this machine, and to find what it would download at its start. */
function localStackSettings(workspace: string, port: number, dynamodbPort: number): Record<string, string> {
  const libraries = join(workspace, "usr/lib");
  mkdirSync(libraries, { recursive: true });
  symlinkSync(join(installations.localstack.folder, "lib"), join(libraries, "localstack"));
  return {
    // Its Twisted server ignores the host of an IPv4 address and would listen on every interface.
    GATEWAY_LISTEN: `[::ffff:127.0.0.1]:${port}`,
    LOCALSTACK_HOST: `127.0.0.1:${port}`,
    // Otherwise queue URLs carry a name that only a public name server resolves.
    SQS_ENDPOINT_STRATEGY: "path",
    // These are up when it says that it is ready; any other service starts with its first call.
    SERVICES: "sqs,s3,dynamodb",
    EAGER_SERVICE_LOADING: "1",
    STRICT_SERVICE_LOADING: "0",
    // Streams come from DynamoDB Local itself; version 1 of the provider downloads a Kinesis for them, and hangs.
    PROVIDER_OVERRIDE_DYNAMODB: "v2",
    DYNAMODB_IN_MEMORY: "1",
    DYNAMODB_LOCAL_PORT: String(dynamodbPort),
    // Otherwise a presigned address works after it has expired, and for another key.
    S3_SKIP_SIGNATURE_VALIDATION: "0",
    FILESYSTEM_ROOT: workspace,
    CONFIG_DIR: join(workspace, "config"),
    OVERRIDE_IN_DOCKER: "0",
    DISABLE_EVENTS: "1",
    SKIP_SSL_CERT_DOWNLOAD: "1",
    DNS_ADDRESS: "0",
  };
}

function missing(name: PeerName): Missing {
  const why = existsSync(installations[name].folder)
    ? "is installed in part or in another version"
    : "is not installed";
  return {
    name,
    missing: `${name} ${why}, so its tests are skipped: run "node tests/cloud/install-peers.ts ${name}".`,
  };
}

interface Launch {
  readonly name: string;
  readonly command: readonly string[];
  readonly port: number;
  readonly health: string;
  readonly isReady: (health: string) => boolean;
  readonly settings: (workspace: string) => Record<string, string>;
  /** Ports of processes that the peer starts in a group of their own. */
  readonly alsoOpen: readonly number[];
}

/** Runs a command in a process group that ends with it, or when this process does and so closes the standard input. */
const guard = '("$@" </dev/null; kill -KILL 0) & cat >/dev/null; rm -rf "$0"; kill -KILL 0';

async function start(launch: Launch): Promise<Peer> {
  const workspace = mkdtempSync(join(tmpdir(), "lovage-peer-"));
  const logFile = join(workspace, "peer.log");
  const log = openSync(logFile, "w");
  const child = spawn("sh", ["-c", guard, workspace, ...launch.command], {
    cwd: workspace,
    detached: true,
    env: { PATH: process.env["PATH"], HOME: workspace, LANG: "C.UTF-8", ...launch.settings(workspace) },
    stdio: ["pipe", log, log],
  });
  closeSync(log);
  child.unref();
  if (child.stdin instanceof Socket) child.stdin.unref();
  const stopNow = () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) killGroup(child.pid);
    rmSync(workspace, { recursive: true, force: true });
  };
  process.once("exit", stopNow);
  const stop = async () => {
    const ended = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
    process.off("exit", stopNow);
    child.ref();
    stopNow();
    await ended;
    await Promise.all([launch.port, ...launch.alsoOpen].map(portClosed));
  };
  try {
    await ready(launch, child);
  } catch (cause) {
    const lastLines = readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-20).join("\n");
    await stop();
    throw new Error(`${launch.name} did not start. The end of its log:\n${lastLines}`, { cause });
  }
  return { name: launch.name, environment: environmentFor(launch.port), stop };
}

function environmentFor(port: number): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
  };
}

/** Polls the health address until the peer says that it is ready, it ends, or a minute has passed. */
async function ready(launch: Launch, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 60_000;
  let lastAnswer = "no answer";
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error("Its process ended before it was ready.");
    try {
      const response = await fetch(`http://127.0.0.1:${launch.port}${launch.health}`, {
        signal: AbortSignal.timeout(5_000),
      });
      lastAnswer = await response.text();
      if (response.ok && launch.isReady(lastAnswer)) return;
    } catch (error) {
      lastAnswer = String(error);
    }
    await pause(100);
  }
  throw new Error(`Not ready within 60 s; the last answer of ${launch.health}: ${lastAnswer.slice(0, 500)}`);
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** A port that was free a moment ago on 127.0.0.1. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("No free port on 127.0.0.1.");
  return address.port;
}

/** Waits until nothing listens on the port any more, so that a stopped peer leaves nothing behind. */
async function portClosed(port: number): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    const socket = createConnection({ port, host: "127.0.0.1" });
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    if (!isOpen) return;
    await pause(50);
  }
  throw new Error(`Port ${port} is still open 10 s after its process was ended.`);
}
