/** The calls that count. */

import type { Call } from "./call.ts";
import { bound, query } from "./parameters.ts";
import { text } from "./schema-parts.ts";
import { ref } from "./schemas.ts";

export const COUNT_CALLS = {
  listCounts: {
    route: "GET /counts",
    function: "read",
    summary: "About how many tasks ended, by minute or hour, task and state; kept for eight days",
    parameters: [
      { ...query("from", bound), description: "By default an hour before 'to', or a day where the step is an hour." },
      { ...query("to", bound), description: "By default now." },
      query("step", { enum: ["minute", "hour"], default: "minute" }),
      {
        ...query("by", { enum: ["state", "task"] }),
        description: "'state' adds up the tasks, 'task' the whole period.",
      },
      query("task", text),
    ],
    status: 200,
    answer: ref("Counts"),
    refusals: [422],
  },
  readMetrics: {
    route: "GET /metrics",
    function: "read",
    summary: "Queues and counts in the text format of Prometheus",
    status: 200,
    answer: text,
    answerType: "text/plain",
  },
} satisfies Record<string, Call>;
