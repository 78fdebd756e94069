import { describeError } from "../errors.ts";
import type { Log } from "../log.ts";
import { parseJson } from "../message/json.ts";
import { type CurrentRun, withRun } from "../task/context.ts";
import type { Outcome, RegisteredTask } from "../task/registered-task.ts";
import type { Invocation } from "./invocation.ts";
import { createOpenCalls } from "./open-calls.ts";
import type { Payload } from "./payload.ts";
import type { Run } from "./run.ts";

/** Kept of the function's time for what comes after a hook. */
const HOOK_RESERVE_MILLISECONDS = 500;

/** The run whose hook is called. */
export interface Hooked {
  task: RegisteredTask;
  run: Run;
  payload: Payload;
  log: Log;
  invocation: Invocation;
}

/** Calls the hook for an outcome that is stored, so that a hook which fails, or does not come back in time, changes nothing. */
export async function callHook({ task, run, payload, log, invocation }: Hooked, outcome: Outcome): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const left = Math.max(0, invocation.remainingMilliseconds() - HOOK_RESERVE_MILLISECONDS);
  const tooLate = new Promise<void>((_, reject) => {
    timer = setTimeout(() => reject(new Error("It did not end within the function's time.")), left);
  });
  // A task that it sends is the task's child, though the run itself is over.
  const { signal } = new AbortController();
  const open = createOpenCalls();
  const hook: CurrentRun = { context: { ...run.context, signal }, over: signal, add: open.add, blocked: () => {} };
  const call = async (): Promise<void> => {
    const json = payload.text === undefined ? undefined : parseJson(payload.text);
    await withRun(hook, () => task.callHook(json, hook.context, outcome, payload.shape));
    const left = await open.ended();
    if (left) throw left.error;
  };
  try {
    await Promise.race([call(), tooLate]);
  } catch (error) {
    log.error("A hook failed", { state: outcome.state, error: describeError(error) });
  } finally {
    clearTimeout(timer);
  }
}
