import type { Context } from "hono";
import type { Act, Fields } from "../audit/trail.ts";
import { describeError } from "../errors.ts";
import type { App } from "../task/current-app.ts";
import { callerOf, sourceOf } from "./key.ts";
import { explain, HttpError } from "./problem.ts";

/**
 * Does an act of an operator, and leaves it in the audit trail: before, so that nothing is done that nobody can be asked about, and after,
 * with its outcome. Dying in between leaves it as asked.
 * @param target the thing that it is done to
 * @param run answers with the outcome beside its own answer
 * @throws HttpError 503 if the trail takes no write: nothing was done
 */
export async function audited<T>(
  { app, c }: { app: App; c: Context },
  act: Act,
  target: Fields,
  run: () => Promise<{ answer: T; outcome: Fields }>,
): Promise<T> {
  const by = callerOf(c)?.name ?? "local";
  const source = sourceOf(c);
  const begun = await app.audit.begin({ act, by, target, ...source }).catch((error: unknown) => {
    app.log.error("An act could not be written down, and was not done", { act, by, error: describeError(error) });
    throw new HttpError(
      503,
      "AUDIT_FAILED",
      "The act could not be written down, so nothing was done. Repeat the call.",
      {
        "retry-after": "1",
      },
    );
  });
  const end = async (state: "done" | "refused", outcome: Fields): Promise<void> => {
    app.log.info("An operator acted", { act, by, ...target, state, outcome, ...source });
    // It is done: that its outcome is missing in the trail must not look as if it were not.
    await begun.end(state, outcome).catch((error: unknown) => {
      app.log.error("The outcome of an act could not be written down", { act, by, error: describeError(error) });
    });
  };
  try {
    const { answer, outcome } = await run();
    await end("done", outcome);
    return answer;
  } catch (error) {
    const { code, reason } = explain(error);
    await end("refused", { code, reason });
    throw error;
  }
}
