import type { Hono } from "hono";
import type { Limits } from "../control/control.ts";
import { echo } from "../echo.ts";
import { InvalidOptionError } from "../errors.ts";
import { isConcurrency, MAX_CONCURRENCY } from "../limits/concurrency.ts";
import { parseRateLimit } from "../limits/rate-limit.ts";
import type { Json } from "../message/json.ts";
import { isTag } from "../message/labels.ts";
import type { App } from "../task/current-app.ts";
import type { Registry } from "../task/registry.ts";
import { type Redrive, redrive } from "../task/replay.ts";
import { readBody, readOptionalBody, toDate } from "./base.ts";
import { HttpError } from "./problem.ts";

const DEFAULT_RATE = 10;
const MAX_RATE = 1_000;
const DEFAULT_REDRIVES = 100;
const MAX_REDRIVES = 1_000;

/** The calls that decide about many tasks at once. Whoever runs tasks notices within seconds. */
export function addControl(api: Hono, app: App, registry: Registry): void {
  const { control } = app;
  const knownQueue = (name: string): string => {
    if (app.config.queues.includes(name)) return name;
    const known = app.config.queues.join(", ");
    throw new HttpError(404, "QUEUE_NOT_FOUND", `No queue has the name ${echo(name)}: expected ${known}.`);
  };
  // What no module exports any more can still be resumed.
  const anyTask = (name: string): string => (isTag(name) ? name : knownTask(name));
  const knownTask = (name: string): string => registry.get(name).name;

  api.delete("/tasks", async (c) => {
    const [[scope, [name, ...more]] = ["", []], ...others] = Object.entries(c.req.queries());
    const isScope = scope === "tag" || scope === "task" || scope === "queue";
    if (!isScope || !isTag(name) || more.length > 0 || others.length > 0) {
      throw new InvalidOptionError(
        "query",
        c.req.url.split("?")[1],
        "one of tag=…, task=… or queue=…, of 1 to 128 characters",
      );
    }
    const sentUntil = await control.revoke(scope, scope === "queue" ? knownQueue(name) : name);
    return c.json({ revoked: { scope, name, sentUntil: sentUntil.toISOString() } }, 202);
  });

  api.delete("/control", async (c) => {
    const [[scope, [name = "", ...more]] = ["", []], ...others] = Object.entries(c.req.queries());
    const isScope = scope === "tag" || scope === "task" || scope === "queue";
    if (more.length > 0 || others.length > 0 || !(scope === "before" || (isScope && isTag(name)))) {
      const found = c.req.url.split("?")[1]?.slice(0, 80);
      throw new InvalidOptionError("query", found, "one of tag=…, task=…, queue=… or before=<ISO-8601 time>");
    }
    const meaning = "What was revoked by it and still waits may run.";
    if (isScope) {
      await control.dropRevoke(scope, name);
      return c.json({ dropped: { scope, name }, meaning }, 202);
    }
    const time = toDate("before", name);
    const { dropped, more: isMore } = await control.dropRevokesBefore(time);
    return c.json({ dropped: { before: time.toISOString(), count: dropped }, more: isMore, meaning }, 202);
  });

  api.post("/tasks/:name/pause", async (c) => {
    const task = knownTask(c.req.param("name"));
    await control.pause("task", task);
    return c.json({ task, paused: true }, 202);
  });

  api.post("/tasks/:name/resume", async (c) => {
    const task = anyTask(c.req.param("name"));
    await control.resume("task", task);
    return c.json({ task, paused: false }, 202);
  });

  api.put("/tasks/:name/limits", async (c) => {
    const task = knownTask(c.req.param("name"));
    const limits = toLimits(await readBody(c.req.raw, ["rateLimit", "concurrency"]));
    await control.setLimits(task, limits);
    return c.json({ task, limits }, 202);
  });

  api.delete("/tasks/:name/limits", async (c) => {
    const task = anyTask(c.req.param("name"));
    await control.setLimits(task, undefined);
    return c.json({ task, limits: null }, 202);
  });

  api.post("/queues/:name/pause", async (c) => {
    const queue = knownQueue(c.req.param("name"));
    await control.pause("queue", queue);
    return c.json({ queue, paused: true }, 202);
  });

  api.post("/queues/:name/resume", async (c) => {
    const queue = knownQueue(c.req.param("name"));
    await control.resume("queue", queue);
    return c.json({ queue, paused: false }, 202);
  });

  api.post("/queues/:name/purge", async (c) => {
    const queue = knownQueue(c.req.param("name"));
    const sentUntil = await control.revoke("queue", queue);
    return c.json({ revoked: { scope: "queue", name: queue, sentUntil: sentUntil.toISOString() } }, 202);
  });

  api.post("/queues/:name/redrive", async (c) => {
    const queue = knownQueue(c.req.param("name"));
    const body = await readOptionalBody(c.req.raw, ["rate", "task", "from", "to", "limit", "cursor"]);
    return c.json(await redrive(app, registry, toRedrive(queue, body)), 202);
  });
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

function toRedrive(queue: string, { rate, task, from, to, limit, cursor }: Record<string, Json>): Redrive {
  const number = (name: string, value: Json | undefined, fallback: number, most: number, whole: boolean): number => {
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
    rate: number("rate", rate, DEFAULT_RATE, MAX_RATE, false),
    limit: number("limit", limit, DEFAULT_REDRIVES, MAX_REDRIVES, true),
    ...(taskName !== undefined && { task: taskName }),
    ...(since !== undefined && { from: toDate("from", since) }),
    ...(until !== undefined && { to: toDate("to", until) }),
    ...(after !== undefined && { cursor: after }),
  };
}
