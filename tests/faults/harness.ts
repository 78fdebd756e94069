import { type ChildProcess, spawn } from "node:child_process";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { type App, createApp } from "../../shared/index.ts";
import { createLog } from "../../shared/log.ts";
import { encodeMessage } from "../../shared/message/encoding.ts";
import type { Message } from "../../shared/message/message.ts";
import type { StoredRecord, TaskRecord } from "../../shared/results/record.ts";
import type { Engine } from "../helpers/engine.ts";
import { createGround } from "./ground.ts";
import { takeStep } from "./life.ts";
import { startProxy } from "./proxy.ts";

/** Seconds after which a dead worker's message comes back, and its function's time is over. A message that came back needs 3 s of them, on a busy machine too. */
const VISIBILITY_SECONDS = 6;

/** A scenario that has not ended by then has lost something. */
const DRAIN_MILLISECONDS = 60_000;

const QUERY = "DynamoDB.Query";

export interface KillPoint {
  /** The number of the call, 1 for the first. */
  call: number;
  /** Before the cloud has the call, or when it has answered and the caller does not know yet. */
  moment: "before" | "after";
}

export interface StepOutcome {
  output: string;
  killed: boolean;
  operations: string[];
}

/** Queues and a table of one scenario's own, and steps of a task's life, one of them in a process that can be killed. */
export interface Scenario {
  app: App;
  /** Takes a step in a process, killed at `kill`. */
  run(args: readonly string[], kill?: KillPoint): Promise<StepOutcome>;
  /** Takes a step here, without faults; answers with what it printed. */
  take(...args: readonly string[]): Promise<string>;
  /** Takes steps until both queues are empty. */
  drain(): Promise<string>;
  /** Puts any body into the default queue, as another writer would; answers with its SQS message id. */
  write(body: string): Promise<string>;
  /** Puts a message into the dead-letter queue, as if SQS had given up on it. */
  giveUp(message: Message): Promise<void>;
  read(id: string): Promise<StoredRecord | undefined>;
  /** Every task of the scenario. */
  list(): Promise<TaskRecord[]>;
  messagesLeft(): Promise<number>;
}

/** @param life the bundle of life-process.ts */
export async function createScenario(
  engine: Engine,
  life: string,
  clockOffsetMilliseconds: () => number = () => 0,
): Promise<Scenario> {
  const ground = await createGround(engine.clients, VISIBILITY_SECONDS);
  const environment = { ...engine.environment, ...ground.environment };
  const clock = (): Date => new Date(Date.now() + clockOffsetMilliseconds());
  const app = createApp(environment, { clock, random: () => 0, log: createLog({}, () => {}) });
  const functionMilliseconds = VISIBILITY_SECONDS * 1000 - 500;

  const run = async (args: readonly string[], kill?: KillPoint): Promise<StepOutcome> => {
    let child: ChildProcess | undefined;
    let killed = false;
    const operations: string[] = [];
    const isFatal = (number: number, moment: KillPoint["moment"]): boolean => {
      if (number !== kill?.call || moment !== kill.moment) return false;
      killed = true;
      return child?.kill("SIGKILL") ?? false;
    };
    const proxy = await startProxy(process.env.AWS_ENDPOINT_URL ?? "", async (call, forward) => {
      operations.push(call.operation);
      if (isFatal(call.number, "before")) return "cut";
      const answer = await forward(call);
      return isFatal(call.number, "after") ? "cut" : answer;
    });
    child = spawn(process.execPath, [life, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        ...process.env,
        ...environment,
        AWS_ENDPOINT_URL: proxy.endpoint,
        FUNCTION_MILLISECONDS: String(functionMilliseconds),
        CLOCK_OFFSET_MILLISECONDS: String(clockOffsetMilliseconds()),
      },
    });
    let output = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      output += chunk;
    });
    await new Promise((resolve) => child?.once("close", resolve));
    await proxy.close();
    return { output, killed, operations };
  };

  const take = async (...args: readonly string[]): Promise<string> => {
    let output = "";
    const print = (line: string): void => {
      output += `${line}\n`;
    };
    // A process of its own would know nothing of earlier decisions; nor does an app of its own.
    const fresh = createApp(environment, { clock, random: () => 0, log: createLog({}, () => {}) });
    await takeStep(args, { app: fresh, deadLetterUrl: ground.deadLetterUrl, functionMilliseconds, print });
    return output;
  };

  return {
    app,
    run,
    take,
    messagesLeft: ground.messagesLeft,
    read: (id) => app.results.read(id),
    // A day is 16 queries.
    list: async () => (await app.results.list({ limit: 100, from: new Date(Date.now() - 3_600_000) })).tasks,
    async write(MessageBody) {
      const QueueUrl = app.config.queueUrl("default");
      return (await engine.clients.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }))).MessageId ?? "";
    },
    async giveUp(message) {
      const command = new SendMessageCommand({ QueueUrl: ground.deadLetterUrl, MessageBody: encodeMessage(message) });
      await engine.clients.sqs.send(command);
    },
    async drain() {
      let output = "";
      const deadline = performance.now() + DRAIN_MILLISECONDS;
      while ((await ground.messagesLeft()) > 0 && performance.now() < deadline) {
        output += await take("work");
        if ((await ground.deadLetters()) > 0) output += await take("bury");
      }
      return output;
    },
  };
}

/** The id that a `send` step printed. */
export function sentId(output: string): string {
  return /sent (\S+)/.exec(output)?.[1] ?? "";
}

/** Before and after every call of a step, as a run without faults makes them; of queries, which change nothing, the first. */
export function killPoints(operations: readonly string[]): (KillPoint & { operation: string })[] {
  return operations.flatMap((operation, index) =>
    operation === QUERY && operations.indexOf(QUERY) !== index
      ? []
      : (["before", "after"] as const).map((moment) => ({ operation, call: index + 1, moment })),
  );
}

/** At most `limit` at once: each is a process or two, on a machine with two cores. */
export async function eachLimited<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  await Promise.all(
    Array.from({ length: limit }, async () => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
    }),
  );
}
