import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { afterAll } from "vitest";
import type { Template } from "../../localstack/template/template.ts";
import { createDeadLetterWorker, createTimerSweep, createWorker } from "../../shared/index.ts";
import { createRegistry } from "../../shared/task/registry.ts";
import { createApi } from "./api.ts";
import { type Engine, startEngine } from "./engine.ts";

/** An engine with tasks, its worker and its API, a step at a time. */
export interface Workbench {
  /** Receives once and runs what came; answers with the ids of SQS messages that were kept. */
  work(queue?: string): Promise<string[]>;
  bury(): Promise<void>;
  sweep(): Promise<{ sent: number; failed: number }>;
  /** Works, with the clock at the real time, until the task has ended. */
  workUntilFinal(id: string, queue?: string): Promise<void>;
  /** One call of the API, by whichever of its three functions answers. */
  call(method: string, path: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }>;
}

/** An engine of a test file's own with its tasks, which ends with the file. Called at the top of the file. */
export async function startBench(
  tasks: Record<string, unknown>,
  change?: (template: Template) => void,
): Promise<{ engine: Engine; bench: Workbench }> {
  const engine = await startEngine(change);
  afterAll(() => engine.stop());
  return { engine, bench: createWorkbench(engine, tasks) };
}

/** Rejects with the reason of a signal, once it aborts: a task that waits for nothing else. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

type Handle = (event: SQSEvent, context: { getRemainingTimeInMillis(): number }) => Promise<SQSBatchResponse>;

export function createWorkbench(engine: Engine, tasks: Record<string, unknown>): Workbench {
  const modules = [{ file: "tests.ts", exports: tasks }];
  const registry = createRegistry(modules);
  const worker = createWorker(modules, engine.app);
  const api = createApi(engine.app, registry);

  const deliver = async (queue: string, run: Handle): Promise<string[]> => {
    const { event, kept } = await engine.deliver(queue, run);
    const done = event.Records.filter(({ messageId }) => !kept.includes(messageId));
    await engine.acknowledge(queue, done);
    return kept;
  };

  return {
    work: (queue = "DefaultQueue") => deliver(queue, worker),
    bury: async () => void (await deliver("DeadLetterQueue", createDeadLetterWorker(engine.app))),
    sweep: () => createTimerSweep(engine.app)(undefined, { getRemainingTimeInMillis: () => 60_000 }),
    async workUntilFinal(id, queue = "DefaultQueue") {
      for (let round = 0; round < 40; round++) {
        const found = await engine.app.results.read(id);
        if (found && ["SUCCESS", "FAILURE", "REVOKED"].includes(found.state)) return;
        engine.clock.now = new Date();
        await deliver(queue, worker);
      }
      throw new Error(`Task ${id} did not end.`);
    },
    async call(method, path, body) {
      const answer = await api.request(method, path, { body });
      return { status: answer.status, body: Object(await answer.json()) };
    },
  };
}
