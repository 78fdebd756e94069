import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { CreateTableCommand } from "@aws-sdk/client-dynamodb";
import { CreateQueueCommand, GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { createApp } from "../../shared/index.ts";
import type { StoredRecord } from "../../shared/results/record.ts";
import { type Engine, uniqueName } from "../helpers/engine.ts";
import { type Moment, startKillProxy } from "./kill-proxy.ts";

const LIFE = join(import.meta.dirname, "life.ts");

/** Seconds after which a dead worker's message comes back, and its lease has ended. */
const VISIBILITY_SECONDS = 4;

export interface KillPoint {
  /** The number of the call, 1 for the first. */
  call: number;
  moment: Moment;
}

export interface StepOutcome {
  output: string;
  killed: boolean;
  operations: string[];
}

/** Queues and a table of one scenario's own, and steps of a task's life in processes that can be killed at any call. */
export interface Scenario {
  /** @param args the step, and for `send` the task, the idempotency key and the countdown */
  run(args: readonly string[], kill?: KillPoint): Promise<StepOutcome>;
  /** Runs steps without faults until both queues are empty. */
  drain(): Promise<string>;
  read(id: string): Promise<StoredRecord | undefined>;
  messagesLeft(): Promise<number>;
}

export async function createScenario(
  engine: Engine,
  clockOffsetMilliseconds: () => number = () => 0,
): Promise<Scenario> {
  const { sqs, dynamodb } = engine.clients;
  const name = uniqueName("fault");
  const create = async (suffix: string, attributes: Record<string, string>): Promise<string> => {
    const { QueueUrl = "" } = await sqs.send(
      new CreateQueueCommand({
        QueueName: `${name}_${suffix}`,
        Attributes: { VisibilityTimeout: String(VISIBILITY_SECONDS), ...attributes },
      }),
    );
    return QueueUrl;
  };
  const deadLetterUrl = await create("dead", {});
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: deadLetterUrl, AttributeNames: ["QueueArn"] }),
  );
  const redrive = { deadLetterTargetArn: Attributes?.QueueArn, maxReceiveCount: 3 };
  const queueUrl = await create("default", { RedrivePolicy: JSON.stringify(redrive) });
  await dynamodb.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: ["pk", "sk"].map((AttributeName) => ({ AttributeName, AttributeType: "S" as const })),
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
    }),
  );
  const environment = { ...engine.environment, BROKER_URL: queueUrl, RESULT_BACKEND: `dynamodb://${name}` };
  const app = createApp(environment);

  const count = async (url: string): Promise<number> => {
    const { Attributes: found = {} } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["All"] }),
    );
    return (
      Number(found.ApproximateNumberOfMessages) +
      Number(found.ApproximateNumberOfMessagesNotVisible) +
      Number(found.ApproximateNumberOfMessagesDelayed)
    );
  };

  const run = async (args: readonly string[], kill?: KillPoint): Promise<StepOutcome> => {
    let child: ChildProcess | undefined;
    let killed = false;
    const proxy = await startKillProxy(process.env.AWS_ENDPOINT_URL ?? "", (call, moment) => {
      if (call.number !== kill?.call || moment !== kill.moment) return false;
      killed = true;
      return child?.kill("SIGKILL") ?? false;
    });
    child = spawn(process.execPath, [LIFE, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        ...process.env,
        ...environment,
        DEAD_LETTER_URL: deadLetterUrl,
        AWS_ENDPOINT_URL: proxy.endpoint,
        FUNCTION_MILLISECONDS: String(VISIBILITY_SECONDS * 1_000 - 500),
        CLOCK_OFFSET_MILLISECONDS: String(clockOffsetMilliseconds()),
      },
    });
    let output = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      output += chunk;
    });
    await new Promise((resolve) => child?.once("close", resolve));
    await proxy.close();
    return { output, killed, operations: proxy.calls.map(({ operation }) => operation) };
  };

  const messagesLeft = async (): Promise<number> => (await count(queueUrl)) + (await count(deadLetterUrl));
  return {
    run,
    messagesLeft,
    read: (id) => app.results.read(id),
    async drain() {
      let output = "";
      for (let round = 0; round < 20 && (await messagesLeft()) > 0; round++) {
        output += (await run(["work"])).output;
        if ((await count(deadLetterUrl)) > 0) output += (await run(["bury"])).output;
      }
      return output;
    },
  };
}

/** The id that a `send` step printed. */
export function sentId({ output }: StepOutcome): string {
  return /sent (\S+)/.exec(output)?.[1] ?? "";
}

/** Before and after every call of a step, as a run without faults makes them. */
export function killPoints(operations: readonly string[]): (KillPoint & { operation: string })[] {
  return operations.flatMap((operation, index) =>
    (["before", "after"] as const).map((moment) => ({ operation, call: index + 1, moment })),
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
