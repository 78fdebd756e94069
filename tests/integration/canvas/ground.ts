import { expect } from "vitest";
import { startVirtualBench } from "../../helpers/workbench.ts";

/** An engine with tasks, on which a workflow comes to its end. Called at the top of the file. */
export async function startGround(tasks: Record<string, unknown>) {
  const bench = await startVirtualBench(tasks);
  const { engine, queues } = bench;
  /** Lets everything run that waits, up to an hour of it. */
  const settle = (): Promise<void> => queues.until(new Date(engine.clock.now.getTime() + 3_600_000));
  /** The result of a workflow that has come to its end, after which nothing waits. */
  async function resultOf<T>(handle: { get(options: { timeout: number }): Promise<T> }): Promise<T> {
    await settle();
    expect(queues.waiting).toEqual([]);
    return handle.get({ timeout: 0 });
  }
  return { ...bench, settle, resultOf };
}
