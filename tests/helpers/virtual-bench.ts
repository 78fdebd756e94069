import { beforeEach } from "vitest";
import type { Table } from "../../shared/aws/dynamodb.ts";
import { type App, createTimerSweep, useApp } from "../../shared/index.ts";
import { createRegistry } from "../../shared/task/registry.ts";
import { createCloud, type Handle } from "../../shared/testing/cloud.ts";
import { createGround, type Ground } from "../../shared/testing/ground.ts";
import { createIds } from "../../shared/testing/ids.ts";
import type { Queued } from "../../shared/testing/queues.ts";
import { createApi } from "./api.ts";

/** The engine on the test kit's cloud, a step at a time: what a test of the engine itself needs beyond `testApp`. */
interface VirtualEngine {
  app: App;
  /** The app's table; a test may put one of its calls in the way of another. */
  table: Ground["table"];
  bucket: Ground["bucket"];
  /** Another app on the same cloud, with this table in the place of its own. */
  appOn(table: Table): App;
  /** The clock's time; a test moves it, also back. */
  clock: { now: Date };
  /** Lines that the app logged, parsed. */
  logged: Record<string, unknown>[];
}

/** The queues and timers of a virtual engine, whose time goes on when a test says so. */
interface VirtualQueues {
  /** Everything that waits, timers included. */
  readonly waiting: readonly Waiting[];
  /** Seconds by which every delivery is late: a backlog of other tasks. */
  latencySeconds: number;
  /** Puts a body into a queue as a foreign writer would; `dead` is the dead-letter queue. Answers with its SQS message id. */
  put(queue: string, body: string): string;
  /** Hands over what is due now, timers included, to `worker`, or to the tasks' own. */
  deliver(worker?: Handle): Promise<void>;
  /** Lets time go on, with deliveries as they fall due. */
  until(time: Date, worker?: Handle): Promise<void>;
  /** Lets time go on, but nothing is delivered. */
  jump(seconds: number): Promise<void>;
  /** Begins anew, with nothing waiting. */
  clear(): void;
}

interface Waiting {
  /** `dead` is the dead-letter queue, `timer` what is not yet in any queue. */
  queue: string;
  body: string;
  group: string | undefined;
  visibleAt: number;
  receiveCount: number;
}

interface VirtualBench {
  call: Caller;
  /** Receives one batch of a queue and runs it. */
  work(queue?: string): Promise<void>;
  sweep(): Promise<{ sent: number; failed: number }>;
}

/** One call of the API, by whichever of its three functions answers. */
type Caller = (
  method: string,
  path: string,
  body?: unknown,
) => Promise<{ status: number; body: Record<string, unknown> }>;

const DEAD = "dead";
const SETTINGS = { API_KEY_HASHES: "none", UPLOAD_MAX_BYTES: "1073741824" };

/** Calls of an API that knows these tasks. */
export function createCaller(app: App, tasks: Record<string, unknown>): Caller {
  const api = createApi(app, createRegistry([{ file: "tests.ts", exports: tasks }]));
  return async (method, path, body) => {
    const answer = await api.request(method, path, { body });
    return { status: answer.status, body: Object(await answer.json()) };
  };
}

interface VirtualCloud {
  engine: VirtualEngine;
  bench: VirtualBench;
  queues: VirtualQueues;
}

/** An engine of a test file's own with its tasks, on the kit's cloud. Time goes on from test to test; nothing waits when one begins. */
export function startVirtualBench(tasks: Record<string, unknown>): VirtualCloud {
  const cloud = createVirtualCloud(tasks);
  beforeEach(() => cloud.queues.clear());
  return cloud;
}

export function createVirtualCloud(tasks: Record<string, unknown>): VirtualCloud {
  // SQS knows delays of whole seconds: what is due at a part of one comes later.
  const time = { now: Math.floor(Date.now() / 1000) * 1000 };
  const clock = (): Date => new Date(time.now);
  let latencySeconds = 0;
  const arrived = (message: Queued): void => {
    message.visibleAt += latencySeconds * 1000;
  };
  const ground = createGround({ tasks, queues: {}, environment: SETTINGS, clock, newId: createIds(clock), arrived });
  const { table, bucket, config, dead } = ground;
  const appOn = (other: Table): App => ground.createApp({ random: () => 0.5, table: other });
  const app = appOn(table);
  useApp(app);
  const cloud = createCloud(ground, app, time);
  const urlOf = (queue: string): string => (queue === DEAD ? dead : config.queueUrl(queue));
  const nameOf = (url: string): string =>
    url === dead ? DEAD : String(config.queueNamed(url.split("/").at(-1) ?? ""));

  const queues: VirtualQueues = {
    get waiting() {
      const timers = table.items("timer#").map(({ body, eta }) => ({
        queue: "timer",
        body: String(body),
        group: undefined,
        visibleAt: Date.parse(String(eta)),
        receiveCount: 0,
      }));
      return [...ground.queues.all().map((one) => ({ ...one, queue: nameOf(one.url) })), ...timers];
    },
    get latencySeconds() {
      return latencySeconds;
    },
    set latencySeconds(seconds) {
      latencySeconds = seconds;
    },
    put: (queue, body) => ground.queues.put(urlOf(queue), body),
    deliver: (worker) => cloud.turnTo(time.now, { worker }),
    until: (end, worker) => cloud.turnTo(end.getTime(), { worker }),
    async jump(seconds) {
      cloud.jumpTo(time.now + seconds * 1000);
    },
    clear() {
      for (const { messageId } of ground.queues.all()) ground.queues.acknowledge(messageId);
      for (const { pk, sk } of table.items("timer#")) void table.remove({ pk: String(pk), sk: String(sk) });
      latencySeconds = 0;
    },
  };
  return {
    queues,
    engine: {
      app,
      table,
      bucket,
      appOn,
      clock: {
        get now() {
          return clock();
        },
        set now(value) {
          time.now = value.getTime();
        },
      },
      logged: ground.logged,
    },
    bench: {
      sweep: () => createTimerSweep(app)(undefined, { getRemainingTimeInMillis: () => 60_000 }),
      async work(queue = "default") {
        await cloud.deliver({ wanted: ({ url }) => url === urlOf(queue) });
      },
      call: createCaller(app, tasks),
    },
  };
}

/** A worker that never comes up, or dies before it begins anything. */
export const deadWorker: Handle = async ({ Records }) => ({
  batchItemFailures: Records.map(({ messageId }) => ({ itemIdentifier: messageId })),
});
