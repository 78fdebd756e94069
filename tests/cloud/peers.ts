/**
 * Other clouds, run on this machine without Docker: moto_server, LocalStack 4.14.0 in host mode, and AWS's DynamoDB Local.
 *
 * `node tests/cloud/install-peers.ts` puts them into `.lovage/peers/`; here they are only started and stopped. Each
 * listens on 127.0.0.1 alone, keeps everything in memory, and ends with the process that started it.
 */

import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, start } from "./peer-process.ts";

/** A cloud that answers. */
export interface Peer {
  readonly name: string;
  /** The variables that a process needs to talk to it: the endpoint, a region, and credentials that open nothing. */
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
 * The packages that `install-peers.ts` installs for each peer; a folder made for other pins counts as missing. The day bounds the
 * releases of what the package depends on: newer cbor2 and pyOpenSSL break LocalStack 4.14.0, which bounds neither.
 */
export const installations = {
  moto: {
    folder: join(peersFolder, "moto"),
    pins: { packages: ["moto[server]==5.2.1"], uploadedBefore: "2026-06-01", pip: "26.3" },
  },
  localstack: {
    folder: join(peersFolder, "localstack"),
    pins: {
      packages: ["localstack-core[runtime]==4.14.0"],
      uploadedBefore: "2026-02-28",
      pip: "26.3",
      dynamodbLocal: "2.6.1",
    },
  },
  celery: {
    folder: join(peersFolder, "celery"),
    pins: { packages: ["celery==5.7.0", "boto3", "pycurl"], uploadedBefore: "2026-11-25", pip: "26.3" },
  },
  /** It needs Redis besides, from the system. */
  bullmq: { folder: join(peersFolder, "bullmq"), pins: { packages: ["bullmq@6.7.0", "ioredis@6.0.0"] } },
  "dynamodb-local": { folder: join(peersFolder, "dynamodb-local"), pins: { dynamodbLocal: "2.6.1" } },
  /** No cloud: moto's own tests, out of its source package, with boto3 and the AWS CLI. */
  suites: {
    folder: join(peersFolder, "suites"),
    pins: {
      packages: [
        "moto[all,server]==5.2.5",
        "awscli==1.46.2",
        "boto3==1.43.123",
        ...["pytest==9.2.0", "pytest-order==1.5.0", "pytest-timeout==2.4.0", "freezegun==1.5.5", "pyotp"],
      ],
      source: "moto==5.2.5",
      uploadedBefore: "2026-11-01",
      pip: "26.3",
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
  const { stop } = await start({
    name: "moto 5.2.1",
    command: [join(installations.moto.folder, "venv/bin/python"), "-c", motoServer, String(port)],
    port,
    health: "/moto-api/",
    isReady: (_health, hasSucceeded) => hasSucceeded,
    settings: () => ({ MOTO_PORT: String(port) }),
    alsoOpen: [],
  });
  return { name: "moto", environment: environmentFor(port), stop };
}

/**
 * `moto_server`, with one request at a time except to SQS, whose long polls must not hold up the rest. moto checks a
 * condition and writes without a lock in between: of several threads, two can win one conditional update.
 */
const motoServer = `
import sys, threading
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

moto = DomainDispatcherApplication(create_backend_app)
turn = threading.Lock()

def answer(environ, start_response):
    if environ.get("HTTP_X_AMZ_TARGET", "").startswith("AmazonSQS."):
        return moto(environ, start_response)
    with turn:
        return moto(environ, start_response)

run_simple("127.0.0.1", int(sys.argv[1]), answer, threaded=True)
`;

/** Starts LocalStack in host mode, with DynamoDB Local inside it; its account is 000000000000. */
export async function startLocalStack(): Promise<Peer | Missing> {
  if (!isInstalled("localstack")) return missing("localstack");
  const port = await freePort();
  const dynamodbPort = await freePort();
  const { stop } = await start({
    name: "LocalStack 4.14.0",
    command: [join(installations.localstack.folder, "venv/bin/python"), "-m", "localstack.runtime.main"],
    port,
    health: "/_localstack/health",
    isReady: (health, hasSucceeded) =>
      hasSucceeded && ["sqs", "s3", "dynamodb"].every((service) => health.includes(`"${service}": "running"`)),
    settings: (workspace) => localStackSettings(workspace, port, dynamodbPort),
    alsoOpen: [dynamodbPort],
  });
  return { name: "localstack", environment: environmentFor(port), stop };
}

/** Starts AWS's own DynamoDB Local, which answers PartiQL as AWS does. */
export async function startDynamoDBLocal(): Promise<Peer | Missing> {
  if (!isInstalled("dynamodb-local")) return missing("dynamodb-local");
  const port = await freePort();
  const jar = join(installations["dynamodb-local"].folder, "DynamoDBLocal.jar");
  const { stop } = await start({
    name: "DynamoDB Local 2.6.1",
    command: ["java", "-Xmx512m", "-jar", jar, "-inMemory", "-port", String(port)],
    port,
    // It has no page of its own: this is its answer to a request without a signature.
    health: "/",
    isReady: (health) => health.includes("MissingAuthenticationToken"),
    settings: () => ({}),
    alsoOpen: [],
  });
  return { name: "dynamodb-local", environment: environmentFor(port), stop };
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

export function missing(name: PeerName): Missing {
  const why = existsSync(installations[name].folder)
    ? "is installed in part or in another version"
    : "is not installed";
  return {
    name,
    missing: `${name} ${why}, so its tests are skipped: run "node tests/cloud/install-peers.ts ${name}".`,
  };
}

function environmentFor(port: number): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
  };
}
