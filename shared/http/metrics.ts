/** Queues and counts in the text format of Prometheus. https://prometheus.io/docs/instrumenting/exposition_formats/ */

import type { Point } from "../counts/counts.ts";
import { createTally } from "../counts/tally.ts";
import type { Queues } from "./queues.ts";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [Labels, number];

/** @param points counts of the five minutes that ended a minute ago */
export function metricsText({ queues, dead }: Queues, points: readonly Point[]): string {
  const depths = queues.flatMap((queue): Sample[] =>
    "unreadable" in queue
      ? []
      : (["waiting", "inFlight", "delayed"] as const).map((kind) => [{ queue: queue.name, kind }, queue[kind]]),
  );
  const tally = createTally();
  for (const { at, ...row } of points) tally.add(row);
  const rows = tally.rows();
  const ran = rows.filter(({ runs }) => runs > 0);
  const of = ({ task, state }: { task: string; state: string }): Labels => ({ task, state });
  return [
    gauge("queue_messages", "Messages of a queue, about: those in flight are with workers.", depths),
    gauge(
      "queue_paused",
      "1 while the queue is paused.",
      queues.map(({ name, paused }) => [{ queue: name }, paused ? 1 : 0]),
    ),
    gauge(
      "dead_letters",
      "Messages that SQS gave up on and that no function has handled yet.",
      dead === null ? [] : [[{}, dead]],
    ),
    gauge(
      "task_ends",
      "Tasks that ended, and runs that are retried, in the five minutes that ended a minute ago.",
      rows.map((row) => [of(row), row.count]),
    ),
    ...(["wait", "run"] as const).flatMap((kind) => [
      gauge(
        `task_${kind}_seconds_mean`,
        `Mean ${kind} of those that ran, in the same minutes.`,
        ran.map((row) => [of(row), row[`${kind}Milliseconds`].sum / row.runs / 1000]),
      ),
      gauge(
        `task_${kind}_seconds_max`,
        `Longest ${kind} of those that ran, in the same minutes.`,
        ran.map((row) => [of(row), row[`${kind}Milliseconds`].max / 1000]),
      ),
    ]),
  ].join("");
}

function gauge(name: string, help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => `lovage_${name}${labelsText(labels)} ${value}\n`);
  return `# HELP lovage_${name} ${help}\n# TYPE lovage_${name} gauge\n${lines.join("")}`;
}

function labelsText(labels: Labels): string {
  const texts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return texts.length === 0 ? "" : `{${texts.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
