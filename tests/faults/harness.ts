import { type ChildProcess, spawn } from "node:child_process";
import { createApp } from "../../shared/index.ts";
import type { StoredRecord } from "../../shared/results/record.ts";
import type { Engine } from "../helpers/engine.ts";
import { createGround } from "./ground.ts";
import { startProxy } from "./proxy.ts";

/** Seconds after which a dead worker's message comes back, and its lease has ended. */
const VISIBILITY_SECONDS = 4;

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

/** Queues and a table of one scenario's own, and steps of a task's life in processes that can be killed at any call. */
export interface Scenario {
  /** @param args the step, and for `send` the task, the idempotency key and the countdown */
  run(args: readonly string[], kill?: KillPoint): Promise<StepOutcome>;
  /** Runs steps without faults until both queues are empty. */
  drain(): Promise<string>;
  read(id: string): Promise<StoredRecord | undefined>;
  messagesLeft(): Promise<number>;
}

/** @param life the bundle of life.ts */
export async function createScenario(
  engine: Engine,
  life: string,
  clockOffsetMilliseconds: () => number = () => 0,
): Promise<Scenario> {
  const ground = await createGround(engine.clients, VISIBILITY_SECONDS);
  const app = createApp({ ...engine.environment, ...ground.environment });

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
        ...engine.environment,
        ...ground.environment,
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
    return { output, killed, operations };
  };

  return {
    run,
    messagesLeft: ground.messagesLeft,
    read: (id) => app.results.read(id),
    async drain() {
      let output = "";
      for (let round = 0; round < 20 && (await ground.messagesLeft()) > 0; round++) {
        output += (await run(["work"])).output;
        if ((await ground.deadLetters()) > 0) output += (await run(["bury"])).output;
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
