import type { Context, Hono } from "hono";
import { replayOrHeal } from "../canvas/heal.ts";
import type { Limits, Scope } from "../control/decisions.ts";
import { InvalidOptionError } from "../errors.ts";
import { isConcurrency, MAX_CONCURRENCY } from "../limits/concurrency.ts";
import { parseRateLimit } from "../limits/rate-limit.ts";
import type { Json } from "../message/json.ts";
import { isTag } from "../message/labels.ts";
import type { App } from "../task/current-app.ts";
import { MAX_REDRIVE_RATE, MAX_REDRIVES, type Redrive, type Redriven, redrive } from "../task/redrive.ts";
import type { Registry } from "../task/registry.ts";
import { audited } from "./audit.ts";
import { addCall, readBody } from "./base.ts";
import { createNames, type Names } from "./names.ts";
import { explain } from "./problem.ts";
import { toDate } from "./query.ts";

const DEFAULT_RATE = 10;
const DEFAULT_REDRIVES = 100;

/** The calls that decide about many tasks at once. Workers notice within seconds. */
export function addControl(api: Hono, app: App, registry: Registry): void {
  const { control } = app;
  const names = createNames(app, registry);
  const revoke = (c: Context, act: "revoke" | "purge", scope: Scope, name: string) =>
    audited({ app, c }, act, { scope, name }, async () => {
      const sentUntil = (await control.revoke(scope, name)).toISOString();
      return { answer: { revoked: { scope, name, sentUntil } }, outcome: { sentUntil } };
    });

  /** @param earlier names that the task had before, by which it is resumed, too */
  const setPaused = async (
    c: Context,
    scope: "task" | "queue",
    [name = "", ...earlier]: readonly string[],
    paused: boolean,
  ): Promise<Response> => {
    const answer = await audited({ app, c }, paused ? "pause" : "resume", { [scope]: name }, async () => {
      await (paused ? control.pause(scope, name) : control.resume(scope, name));
      for (const one of earlier) await control.resume(scope, one);
      return { answer: { [scope]: name, paused }, outcome: { paused } };
    });
    return c.json(answer, 202);
  };

  const setLimits = async (
    c: Context,
    [task = "", ...earlier]: readonly string[],
    limits: Limits | undefined,
  ): Promise<Response> => {
    const shown = limits === undefined ? null : { ...limits };
    const answer = await audited({ app, c }, "limits", { task }, async () => {
      await control.setLimits(task, limits);
      for (const one of earlier) await control.setLimits(one, undefined);
      return { answer: { task, limits: shown }, outcome: { limits: shown } };
    });
    return c.json(answer, 202);
  };

  addCall(api, "revokeTasks", async (c) => {
    const { scope, name } = toRevoke(c.req.url, names);
    return c.json(await revoke(c, "revoke", scope, name), 202);
  });

  addCall(api, "dropRevokes", async (c) => {
    const [[scope, [name = "", ...more]] = ["", []], ...others] = Object.entries(c.req.queries());
    const isScope = scope === "tag" || scope === "task" || scope === "queue";
    if (more.length > 0 || others.length > 0 || !(scope === "before" || (isScope && isTag(name)))) {
      const found = c.req.url.split("?")[1];
      throw new InvalidOptionError("query", found, "one of tag=…, task=…, queue=… or before=<ISO-8601 time>");
    }
    const meaning = "What was revoked by it and still waits may run.";
    if (isScope) {
      await audited({ app, c }, "drop", { scope, name }, async () => {
        for (const one of scope === "task" ? names.all(name) : [name]) await control.dropRevoke(scope, one);
        return { answer: undefined, outcome: {} };
      });
      return c.json({ dropped: { scope, name }, meaning }, 202);
    }
    const time = toDate("before", name);
    const before = time.toISOString();
    const { dropped, more: isMore } = await audited({ app, c }, "drop", { before }, async () => {
      const answer = await control.dropRevokesBefore(time);
      return { answer, outcome: { dropped: answer.dropped } };
    });
    return c.json({ dropped: { before, count: dropped }, more: isMore, meaning }, 202);
  });

  addCall(api, "pauseTask", (c, { name }) => setPaused(c, "task", [names.task(name)], true));

  addCall(api, "resumeTask", async (c, { name }) => setPaused(c, "task", await names.decidedTasks(name), false));

  addCall(api, "setTaskLimits", async (c, { name }) => {
    const task = names.task(name);
    const limits = toLimits(await readBody(c.req.raw, "setTaskLimits"));
    return setLimits(c, await names.decidedTasks(task), limits);
  });

  addCall(api, "resetTaskLimits", async (c, { name }) => setLimits(c, await names.decidedTasks(name), undefined));

  addCall(api, "pauseQueue", (c, { name }) => setPaused(c, "queue", [names.queue(name)], true));

  addCall(api, "resumeQueue", (c, { name }) => setPaused(c, "queue", [names.queue(name)], false));

  addCall(api, "purgeQueue", async (c, { name }) => {
    return c.json(await revoke(c, "purge", "queue", names.queue(name)), 202);
  });

  addCall(api, "redriveQueue", async (c, { name }) => {
    const queue = names.queue(name);
    const body = await readBody(c.req.raw, "redriveQueue");
    const request = toRedrive(queue, body, names);
    const target = { ...request, from: request.from?.toISOString(), to: request.to?.toISOString() };
    const answer = await audited({ app, c }, "redrive", target, async () =>
      answerOf(await redrive(app, registry, request, replayOrHeal)),
    );
    return c.json(answer, 202);
  });
}

/** Exactly one of tag, task and queue; the name of one that is gone has to be meant. */
function toRevoke(url: string, names: Names): { scope: Scope; name: string } {
  const query = new URL(url).searchParams;
  const unregistered = query.getAll("unregistered");
  query.delete("unregistered");
  const [[scope, name] = ["", ""], ...others] = [...query];
  const isScope = scope === "tag" || scope === "task" || scope === "queue";
  if (!isScope || !isTag(name) || others.length > 0 || unregistered.length > 1) {
    const given = query.toString();
    throw new InvalidOptionError("query", given, "one of tag=…, task=… or queue=…, of 1 to 128 characters");
  }
  if (scope === "tag") return { scope, name };
  const known = names.filters(unregistered[0])[scope](name);
  return { scope, name: scope === "task" ? (names.all(known)[0] ?? known) : known };
}

function toReason(error: unknown): { code: string; reason: string } {
  const { code, reason } = explain(error);
  return { code, reason };
}

/** A redrive as its caller is told of it, and as the audit trail is. */
function answerOf(outcome: Redriven) {
  const { redriven, cursor } = outcome;
  const skipped = toSkipped(outcome);
  const stopped = outcome.stopped === undefined ? {} : { stopped: toReason(outcome.stopped) };
  return {
    answer: { redriven, skipped, ...stopped, ...(cursor !== undefined && { cursor }) },
    outcome: { redriven, skipped: skipped.length, cursor, ...stopped },
  };
}

/** Failures that a redrive has left alone, and why. */
function toSkipped({ replayed, failed }: Redriven) {
  return [
    ...replayed.map(({ id, replayedBy }) => ({
      id,
      code: "ALREADY_REPLAYED",
      reason: `It was run again as ${replayedBy}.`,
      replayedBy,
    })),
    ...failed.map(({ id, error }) => ({ id, ...toReason(error) })),
  ];
}

function toLimits({ rateLimit, concurrency }: Record<string, Json>): Limits {
  const limits: Limits = {};
  if (typeof rateLimit === "string" || typeof rateLimit === "number") {
    parseRateLimit(String(rateLimit));
    limits.rateLimit = String(rateLimit);
  } else if (rateLimit === null) limits.rateLimit = null;
  else if (rateLimit !== undefined) throw new InvalidOptionError("rateLimit", rateLimit, "'100/m', or null for none");
  if (isConcurrency(concurrency) || concurrency === null) limits.concurrency = concurrency;
  else if (concurrency !== undefined) {
    throw new InvalidOptionError(
      "concurrency",
      concurrency,
      `a whole number from 1 to ${MAX_CONCURRENCY}, or null for none`,
    );
  }
  return limits;
}

function toRedrive(queue: string, body: Record<string, Json>, names: Names): Redrive {
  const { task, from, to } = body;
  const [taskName, since, until] = [toText("task", task), toText("from", from), toText("to", to)];
  return {
    queue,
    ...toRedriveLimits(body),
    ...(taskName !== undefined && { task: names.task(taskName) }),
    ...(since !== undefined && { from: toDate("from", since) }),
    ...(until !== undefined && { to: toDate("to", until) }),
  };
}

/** How many are run again, how fast, and from where on. */
function toRedriveLimits(body: Record<string, Json>): Pick<Redrive, "rate" | "limit" | "cursor"> {
  const number = (
    name: string,
    { fallback, most, whole = false }: { fallback: number; most: number; whole?: boolean },
  ): number => {
    const value = body[name];
    if (value === undefined) return fallback;
    const valid = typeof value === "number" && value > 0 && value <= most && (!whole || Number.isSafeInteger(value));
    if (!valid) throw new InvalidOptionError(name, value, `a ${whole ? "whole " : ""}number above 0, at most ${most}`);
    return value;
  };
  const cursor = toText("cursor", body.cursor);
  return {
    rate: number("rate", { fallback: DEFAULT_RATE, most: MAX_REDRIVE_RATE }),
    limit: number("limit", { fallback: DEFAULT_REDRIVES, most: MAX_REDRIVES, whole: true }),
    ...(cursor !== undefined && { cursor }),
  };
}

function toText(name: string, value: Json | undefined): string | undefined {
  if (value !== undefined && !isTag(value)) throw new InvalidOptionError(name, value, "text of 1 to 128 characters");
  return value;
}
