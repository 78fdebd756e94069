import { describeError } from "../errors.ts";
import type { Log } from "../log.ts";
import { parseJson } from "../message/json.ts";
import { progressText } from "../message/user-values.ts";
import type { Claim } from "../results/claims.ts";
import type { App } from "../task/current-app.ts";

/** Calls that follow sooner are not written: a record shows where a run is, not each step of it. */
const PROGRESS_MILLISECONDS = 1000;

/** The run whose progress is told. */
interface Teller {
  log: Log;
  /** Aborted once the task's own code has failed: it can begin nothing more. */
  failed: AbortSignal;
  /** Ends the run, and throws: another worker has taken the task over. */
  lost: () => void;
}

/** `ctx.progress`: writes `meta` into the record of a claimed run, at most once a second. */
export function createProgress(
  app: App,
  claim: Claim,
  { log, failed, lost }: Teller,
): (meta: unknown) => Promise<void> {
  let lastWrite = Number.NEGATIVE_INFINITY;
  return async (meta) => {
    failed.throwIfAborted();
    const json = parseJson(progressText(meta));
    const now = app.clock().getTime();
    if (now - lastWrite < PROGRESS_MILLISECONDS) return;
    lastWrite = now;
    try {
      if (await app.results.progress(claim, json)) return;
    } catch (error) {
      // A progress that is not shown is not worth a run.
      log.warn("Progress could not be stored", { error: describeError(error) });
      return;
    }
    lost();
  };
}
