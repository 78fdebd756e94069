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
import { audit } from "./audit.ts";
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
  const revoke = async (scope: Scope, name: string) => {
    const sentUntil = (await control.revoke(scope, name)).toISOString();
    return { revoked: { scope, name, sentUntil } };
  };

  const paused = (c: Context, target: { task: string } | { queue: string }, isPaused: boolean): Response => {
    audit(app, c, isPaused ? "pause" : "resume", { ...target, outcome: { paused: isPaused } });
    return c.json({ ...target, paused: isPaused }, 202);
  };

  addCall(api, "revokeTasks", async (c) => {
    const { scope, name } = toRevoke(c.req.url, names);
    const answer = await revoke(scope, name);
    audit(app, c, "revoke", { scope, name, outcome: answer.revoked });
    return c.json(answer, 202);
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
      await control.dropRevoke(scope, name);
      audit(app, c, "drop", { scope, name, outcome: {} });
      return c.json({ dropped: { scope, name }, meaning }, 202);
    }
    const time = toDate("before", name);
    const { dropped, more: isMore } = await control.dropRevokesBefore(time);
    audit(app, c, "drop", { before: time.toISOString(), outcome: { dropped } });
    return c.json({ dropped: { before: time.toISOString(), count: dropped }, more: isMore, meaning }, 202);
  });

  addCall(api, "pauseTask", async (c, { name }) => {
    const task = names.task(name);
    await control.pause("task", task);
    return paused(c, { task }, true);
  });

  addCall(api, "resumeTask", async (c, { name }) => {
    const task = await names.decidedTask(name);
    await control.resume("task", task);
    return paused(c, { task }, false);
  });

  addCall(api, "setTaskLimits", async (c, { name }) => {
    const task = names.task(name);
    const limits = toLimits(await readBody(c.req.raw, "setTaskLimits"));
    await control.setLimits(task, limits);
    audit(app, c, "limits", { task, outcome: { limits } });
    return c.json({ task, limits }, 202);
  });

  addCall(api, "resetTaskLimits", async (c, { name }) => {
    const task = await names.decidedTask(name);
    await control.setLimits(task, undefined);
    audit(app, c, "limits", { task, outcome: { limits: null } });
    return c.json({ task, limits: null }, 202);
  });

  addCall(api, "pauseQueue", async (c, { name }) => {
    const queue = names.queue(name);
    await control.pause("queue", queue);
    return paused(c, { queue }, true);
  });

  addCall(api, "resumeQueue", async (c, { name }) => {
    const queue = names.queue(name);
    await control.resume("queue", queue);
    return paused(c, { queue }, false);
  });

  addCall(api, "purgeQueue", async (c, { name }) => {
    const queue = names.queue(name);
    const answer = await revoke("queue", queue);
    audit(app, c, "purge", { queue, outcome: answer.revoked });
    return c.json(answer, 202);
  });

  addCall(api, "redriveQueue", async (c, { name }) => {
    const queue = names.queue(name);
    const body = await readBody(c.req.raw, "redriveQueue");
    const request = toRedrive(queue, body, names);
    const outcome = await redrive(app, registry, request, replayOrHeal);
    const { redriven, cursor } = outcome;
    const skipped = toSkipped(outcome);
    const stopped = outcome.stopped === undefined ? undefined : { stopped: toReason(outcome.stopped) };
    audit(app, c, "redrive", { ...request, outcome: { redriven, skipped: skipped.length, cursor, ...stopped } });
    return c.json({ redriven, skipped, ...stopped, ...(cursor !== undefined && { cursor }) }, 202);
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
  return { scope, name: scope === "tag" ? name : names.filters(unregistered[0])[scope](name) };
}

function toReason(error: unknown): { code: string; reason: string } {
  const { code, reason } = explain(error);
  return { code, reason };
}

/** Failures that a redrive has left alone, and why. */
function toSkipped({ replayed, failed }: Redriven) {
  return [
    ...replayed.map(({ id, replayedBy }) => ({
      ...{ id, code: "ALREADY_REPLAYED", reason: `It was run again as ${replayedBy}.`, replayedBy },
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

function toRedrive(
  queue: string,
  { rate, task, from, to, limit, cursor }: Record<string, Json>,
  names: Names,
): Redrive {
  const number = (
    name: string,
    value: Json | undefined,
    { fallback, most, whole = false }: { fallback: number; most: number; whole?: boolean },
  ): number => {
    if (value === undefined) return fallback;
    const valid = typeof value === "number" && value > 0 && value <= most && (!whole || Number.isSafeInteger(value));
    if (!valid) throw new InvalidOptionError(name, value, `a ${whole ? "whole " : ""}number above 0, at most ${most}`);
    return value;
  };
  const text = (name: string, value: Json | undefined): string | undefined => {
    if (value !== undefined && !isTag(value)) throw new InvalidOptionError(name, value, "text of 1 to 128 characters");
    return value;
  };
  const [taskName, since, until, after] = [
    text("task", task),
    text("from", from),
    text("to", to),
    text("cursor", cursor),
  ];
  return {
    queue,
    rate: number("rate", rate, { fallback: DEFAULT_RATE, most: MAX_REDRIVE_RATE }),
    limit: number("limit", limit, { fallback: DEFAULT_REDRIVES, most: MAX_REDRIVES, whole: true }),
    ...(taskName !== undefined && { task: names.task(taskName) }),
    ...(since !== undefined && { from: toDate("from", since) }),
    ...(until !== undefined && { to: toDate("to", until) }),
    ...(after !== undefined && { cursor: after }),
  };
}
