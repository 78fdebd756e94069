import type { TaskRecord } from "../results/record.ts";

/** Tasks ended as a FAILURE while a test let them run. */
export class TasksFailedError extends Error {
  override name = "TasksFailedError";
  readonly failures: readonly TaskRecord[];

  /** @param runs with the thrown errors, the last of which is the cause */
  constructor(failures: readonly TaskRecord[], runs: readonly { id: string; error: unknown }[]) {
    const lines = failures.map(({ task, id, error }) => `  ${task} ${id}: ${error?.code}: ${error?.message}`);
    const first = failures[0]?.id;
    super(
      `${failures.length} tasks ended as a FAILURE:\n${lines.join("\n")}\nA test that expects it says { failures: "keep" }.`,
      { cause: runs.findLast(({ id, error }) => id === first && error !== undefined)?.error },
    );
    this.failures = failures;
  }
}
