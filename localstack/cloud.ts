/**
 * The local cloud, whole: emulators behind one port, the template's resources, its functions in sandboxes, and the parts of
 * AWS that call them: SQS event source mappings and schedules. With an endpoint given, the emulators stay away.
 */

import { availableParallelism } from "node:os";
import { type Clock, systemClock } from "./clock.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { isObject } from "./json.ts";
import { readAsyncConfigs } from "./lambda/async-configs.ts";
import { createAsyncInvocations } from "./lambda/async-invocations.ts";
import { createFunctions, type FunctionDefinition, type Functions, type InvocationResult } from "./lambda/functions.ts";
import { boundWaitingReads } from "./lambda/waiting-reads.ts";
import { namedOrigins } from "./loopback.ts";
import { startMappings } from "./mapping/from-template.ts";
import { callsInProcess, callsOverHttp, type QueueCalls } from "./mapping/queue-calls.ts";
import { createDeliveries } from "./scheduler/delivery.ts";
import { describeChanges, readSchedules } from "./scheduler/from-template.ts";
import { type Scheduler, startScheduler } from "./scheduler/scheduler.ts";
import { createTurning } from "./scheduler/turning.ts";
import { createSendToQueue } from "./send-to-queue.ts";
import {
  type Clients,
  type CloudAccess,
  createClients,
  createResources,
  type Resources,
} from "./template/resources.ts";
import { numberField, objectField, resourcesOf, type Template, textField } from "./template/template.ts";
import { createTurnedClock } from "./turned-clock.ts";

export interface LocalCloudOptions {
  template: Template;
  /** Absolute path of the bundle of a handler. */
  bundleOf: (handler: string) => string;
  /** `AWS_ENDPOINT_URL` and what belongs to it. Without an endpoint the embedded cloud is started. */
  environment: Readonly<Record<string, string | undefined>>;
  /** Port of the embedded cloud; 0 takes a free one. @defaultValue 4566 */
  port?: number;
  /** Keeps the embedded cloud's data; absent: in memory. */
  dataDir?: string;
  region: string;
  log: (line: string) => void;
  /** Time of the schedules, for tests. */
  clock?: Clock;
}

export interface LocalCloud {
  readonly endpoint: string;
  readonly clients: Clients;
  /** Environment by which any AWS SDK finds this cloud. */
  readonly environment: Readonly<Record<string, string>>;
  readonly functions: Functions;
  /** URL or name of a declared resource. */
  ref(logicalId: string): Promise<string>;
  /** As API Gateway and Lambda's Invoke call do. Reads that only wait hold half of a function's sandboxes at most. */
  invoke(functionName: string, event: unknown): Promise<InvocationResult>;
  /** Puts freshly built code in place, and the functions and schedules of a template that has changed. */
  reload(template?: Template): Promise<void>;
  /** Ends polling, drains what runs for up to 10 s, frees everything. Called again, it waits no longer. */
  stop(): Promise<void>;
}

/** How long running invocations may take to end when the cloud stops. */
const DRAIN_MILLISECONDS = 10_000;
/** More than event source mappings use at once on a small machine, so that requests over HTTP find one too. */
const LEAST_SANDBOXES_OF_A_FUNCTION = 10;

export async function startLocalCloud(options: LocalCloudOptions): Promise<LocalCloud> {
  const { template, log } = options;
  let turnClock = (_: Date): Promise<void> => Promise.reject(new Error("The clock cannot be turned yet. Try again."));
  const gateway = options.environment.AWS_ENDPOINT_URL
    ? undefined
    : await startGateway({
        ...gatewayOptions(options),
        origins: namedOrigins(options.environment.CORS_ORIGIN),
        turnClock: (to) => turnClock(to),
        log,
      });
  const running: { stop(): Promise<void> }[] = [];
  let functions: Functions | undefined;
  try {
    const access = toAccess(options, gateway);
    const clients = createClients(access);
    if (gateway === undefined) await checkEndpoint(clients, access.endpoint);
    const resources = await createResources(template, clients, access);
    const environment = toEnvironment(options.environment, access);
    const define = (newest: Template): Promise<FunctionDefinition[]> =>
      defineFunctions({ ...options, template: newest }, resources, environment);
    const sandboxes = Math.max(4, availableParallelism());
    const pool = Math.max(LEAST_SANDBOXES_OF_A_FUNCTION, sandboxes);
    functions = createFunctions({ definitions: await define(template), log, maxSandboxesPerFunction: pool });
    const invoke = functions.invoke.bind(functions);
    const queueOf = (url: string): QueueCalls =>
      gateway ? callsInProcess(gateway.queues, url) : callsOverHttp(clients.sqs, url);
    const mappings = await startMappings({ ...options, invoke, queueOf, sandboxes }, resources);
    running.push(...mappings);
    const clock = createTurnedClock();
    const scheduler = await startSchedules({ clock, ...options }, resources, clients, functions);
    running.push(scheduler);
    const started = functions;
    if (gateway) {
      const { queues } = gateway;
      const polled = mappings.map(({ queueUrl }) => queueUrl);
      turnClock = createTurning({
        scheduler,
        clock,
        log,
        idle: started.idle,
        nextMessage: queues.nextVisible,
        ask: (name, until) => askNext(invoke, name, until),
        isQuiet: () =>
          started.running() === 0 && !mappings.some((one) => one.isWorking()) && !queues.isReceivable(polled),
      });
    }
    let stopping: Promise<void> | undefined;
    return {
      endpoint: access.endpoint,
      clients,
      environment,
      functions,
      invoke: boundWaitingReads(invoke, Math.floor(pool / 2)),
      ref: async (logicalId) => String(await resources.resolve({ Ref: logicalId })),
      async reload(newest = template) {
        const [definitions, schedules] = await Promise.all([define(newest), readSchedules(newest, resources)]);
        started.replace(definitions);
        const line = describeChanges(scheduler.replace(schedules));
        if (line !== undefined) log(line);
      },
      stop() {
        if (stopping !== undefined) void started.close({ drainMilliseconds: 0 });
        stopping ??= stopAll(running, started, clients, gateway);
        return stopping;
      },
    };
  } catch (error) {
    await Promise.all(running.map((part) => part.stop()));
    await functions?.close({ drainMilliseconds: 0 });
    await gateway?.close();
    throw error;
  }
}

async function stopAll(
  running: readonly { stop(): Promise<void> }[],
  functions: Functions,
  clients: Clients,
  gateway: Gateway | undefined,
): Promise<void> {
  // The pollers wait for their invocations, and those need the emulators: so the order matters.
  const drained = Promise.all(running.map((part) => part.stop()));
  const patience = setTimeout(() => void functions.close({ drainMilliseconds: 0 }), DRAIN_MILLISECONDS);
  await drained;
  clearTimeout(patience);
  await functions.close({ drainMilliseconds: DRAIN_MILLISECONDS });
  for (const client of Object.values(clients)) client.destroy();
  await gateway?.close();
}

function gatewayOptions({ port, dataDir }: LocalCloudOptions): { port?: number; dataDir?: string } {
  return { ...(port !== undefined && { port }), ...(dataDir !== undefined && { dataDir }) };
}

function toAccess(options: LocalCloudOptions, gateway: Gateway | undefined): CloudAccess {
  const { AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_DYNAMODB, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = options.environment;
  const { region } = options;
  // Real credentials have no business in an emulator that runs on this machine, so the embedded one gets made-up ones.
  const made = { accessKeyId: "test", secretAccessKey: "test" };
  if (gateway) return { endpoint: gateway.endpoint, region, credentials: made };
  return {
    endpoint: AWS_ENDPOINT_URL ?? "",
    ...(AWS_ENDPOINT_URL_DYNAMODB && { dynamodbEndpoint: AWS_ENDPOINT_URL_DYNAMODB }),
    region,
    credentials:
      AWS_ACCESS_KEY_ID && AWS_SECRET_ACCESS_KEY
        ? { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY }
        : made,
  };
}

async function checkEndpoint({ sqs }: Clients, endpoint: string): Promise<void> {
  const { ListQueuesCommand } = await import("@aws-sdk/client-sqs");
  try {
    await sqs.send(new ListQueuesCommand({ MaxResults: 1 }));
  } catch (error) {
    throw new Error(
      `No AWS endpoint answers at AWS_ENDPOINT_URL '${endpoint}' (${error instanceof Error ? error.message || error.name : String(error)}): start it, or unset AWS_ENDPOINT_URL to use the embedded cloud.`,
    );
  }
}

function toEnvironment(environment: LocalCloudOptions["environment"], access: CloudAccess): Record<string, string> {
  const endpoints = Object.entries(environment).filter(([name]) => /^AWS_ENDPOINT_URL_/.test(name));
  return {
    ...Object.fromEntries(endpoints.map(([name, value]) => [name, value ?? ""])),
    AWS_ENDPOINT_URL: access.endpoint,
    AWS_REGION: access.region,
    AWS_ACCESS_KEY_ID: access.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: access.credentials.secretAccessKey,
  };
}

async function defineFunctions(
  { template, bundleOf }: LocalCloudOptions,
  resources: Resources,
  environment: Record<string, string>,
): Promise<FunctionDefinition[]> {
  return Promise.all(
    resourcesOf(template, "AWS::Lambda::Function").map(async ({ id, properties }) => {
      const handler = textField(properties, "Handler") ?? "";
      const declared = await resources.resolve(objectField(properties, "Environment")?.Variables ?? {});
      const variables = Object.entries(isObject(declared) ? declared : {}).map(([name, value]) => [
        name,
        String(value),
      ]);
      const reserved = properties.ReservedConcurrentExecutions;
      return {
        name: textField(properties, "FunctionName") ?? id,
        module: bundleOf(handler),
        handler: handler.slice(handler.lastIndexOf(".") + 1),
        timeoutSeconds: numberField(properties, "Timeout", 6),
        memorySizeMb: numberField(properties, "MemorySize", 1024),
        environment: { ...Object.fromEntries(variables), ...environment },
        ...(reserved !== undefined && { reservedConcurrency: Number(reserved) }),
      };
    }),
  );
}

/** @throws Error for an answer that is none */
async function askNext(invoke: Functions["invoke"], name: string, until: Date): Promise<Date | undefined> {
  const answer = await invoke(name, { nextUntil: until.toISOString() });
  if (!answer.ok) throw new Error(`${answer.errorType}: ${answer.errorMessage}`);
  const told: unknown = JSON.parse(answer.payload);
  if (!isObject(told) || typeof told.next !== "string") return undefined;
  return new Date(told.next);
}

async function startSchedules(
  { template, region, log, clock = systemClock }: LocalCloudOptions,
  resources: Resources,
  { sqs }: Clients,
  functions: Functions,
): Promise<Scheduler> {
  const send = createSendToQueue(sqs);
  const configs = await readAsyncConfigs(template, resources);
  const calls = createAsyncInvocations({ invoke: functions.invoke, configs, send, region, log, clock });
  const deliveries = createDeliveries({ invoke: calls.invoke, hasFunction: functions.has, send, log, clock });
  const scheduler = startScheduler({
    schedules: await readSchedules(template, resources),
    deliver: deliveries.deliver,
    clock,
  });
  return {
    ...scheduler,
    async stop() {
      deliveries.stop();
      calls.stop();
      await scheduler.stop();
    },
  };
}
