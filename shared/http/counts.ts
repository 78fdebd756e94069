import type { Hono } from "hono";
import type { Point } from "../counts/counts.ts";
import { sumBy } from "../counts/tally.ts";
import { InvalidOptionError } from "../errors.ts";
import type { App } from "../task/current-app.ts";
import { namesOf, type Registry } from "../task/registry.ts";
import { addCall } from "./base.ts";
import { metricsText } from "./metrics.ts";
import { toPeriod, toQuery } from "./query.ts";
import { readQueues } from "./queues.ts";

const HOUR = 3_600_000;
const MINUTE = 60_000;

/** The longest period of each step, and the one that is meant without 'from'. */
const PERIODS = {
  minute: { most: 24 * HOUR, usual: HOUR },
  hour: { most: 8 * 24 * HOUR, usual: 24 * HOUR },
};

/** Of one answer, about 1 MB; one that is cut ends with a whole minute or hour. */
const MAX_POINTS = 5000;

/** Metrics tell of so many minutes, which ended a minute ago: by then their counts are written. */
const METRIC_MINUTES = 5;

/** The calls that count. */
export function addCounts(api: Hono, app: App, registry: Registry): void {
  addCall(api, "listCounts", async (c) => {
    const { step: given = "minute", by, task, ...times } = toQuery(c.req.url, "listCounts");
    const step = given === "minute" || given === "hour" ? given : undefined;
    if (step === undefined) throw new InvalidOptionError("step", given, "minute, hour");
    const { most, usual } = PERIODS[step];
    if (by !== undefined && by !== "state" && by !== "task") throw new InvalidOptionError("by", by, "state, task");
    const asked = toPeriod(times, "from", "to");
    const to = asked.to ?? app.clock();
    const from = asked.from ?? new Date(to.getTime() - usual);
    if (from > to) throw new InvalidOptionError("from", times.from, "a time before 'to'");
    if (to.getTime() - from.getTime() > most) {
      throw new InvalidOptionError("from", times.from, `at most ${most / HOUR} hours before 'to' with step '${step}'`);
    }
    const points = await app.counts.read({
      from,
      to,
      step,
      ...(task !== undefined && { tasks: namesOf(registry, task) }),
    });
    const period = { from: from.toISOString(), to: to.toISOString(), step };
    if (by === "task")
      return c.json({
        ...period,
        points: sumBy(
          by,
          points.map(({ at, ...row }) => row),
        ),
      });
    return c.json({ ...period, ...cut(by === "state" ? byState(points) : points) });
  });

  addCall(api, "readMetrics", async (c) => {
    const until = Math.floor(app.clock().getTime() / MINUTE) * MINUTE - MINUTE;
    const [queues, points] = await Promise.all([
      readQueues(app),
      app.counts.read({ from: new Date(until - METRIC_MINUTES * MINUTE), to: new Date(until), step: "minute" }),
    ]);
    return c.text(metricsText(queues, points));
  });
}

/** One point for each step and state; the points are in the order of time. */
function byState(points: readonly Point[]): Omit<Point, "task">[] {
  const steps = Map.groupBy(points, ({ at }) => at);
  return [...steps].flatMap(([at, rows]) => sumBy("state", rows).map(({ task, ...row }) => ({ ...row, at })));
}

/** The first points, as many whole steps as fit, at least one. */
function cut<T extends { at: string }>(points: T[]): { points: T[]; cursor?: string } {
  const next = points[MAX_POINTS];
  if (next === undefined) return { points };
  const [first] = points;
  const cursor = next.at === first?.at ? points.find(({ at }) => at !== first.at)?.at : next.at;
  return cursor === undefined ? { points } : { points: points.filter(({ at }) => at < cursor), cursor };
}
