import type { SQSRecord } from "aws-lambda";
import { expect } from "vitest";
import { createWorker } from "../../../shared/index.ts";
import { startVirtualBench } from "../../helpers/virtual-bench.ts";

/** An engine with tasks, on which a workflow comes to its end. Called at the top of the file. */
export async function startGround(tasks: Record<string, unknown>) {
  const bench = startVirtualBench(tasks);
  const { engine, queues } = bench;
  /** Lets everything run that waits, up to an hour of it. */
  const settle = (): Promise<void> => queues.until(new Date(engine.clock.now.getTime() + 3_600_000));
  /** The result of a workflow that has come to its end, after which nothing waits. */
  async function resultOf<T>(handle: { get(options: { timeout: number }): Promise<T> }): Promise<T> {
    await settle();
    expect(queues.waiting).toEqual([]);
    return handle.get({ timeout: 0 });
  }
  const worker = createWorker([{ file: "tests.ts", exports: tasks }], engine.app);
  /** Runs all that is due beside each other; each message comes once more. */
  async function together(): Promise<void> {
    const records: SQSRecord[] = [];
    await queues.deliver(async ({ Records }) => {
      records.push(...Records);
      return { batchItemFailures: Records.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    });
    await worker({ Records: records }, { getRemainingTimeInMillis: () => 30_000 });
  }
  return { ...bench, settle, together, resultOf };
}
