import { parseArgs } from "node:util";
import type { GraphNode } from "../shared/canvas/graph.ts";
import type { Json } from "../shared/message/json.ts";
import type { TaskState } from "../shared/results/record.ts";
import { type Answer, type Command, createServiceClient, UsageError } from "./command.ts";

type ServiceClient = ReturnType<typeof createServiceClient>;

/** The places in which a payload rests. */
type Place = "sent" | "schedule" | "workflow" | "failed";

/** Payloads of one task, in one version, in one kind of place. */
interface Row {
  task: string;
  payloadVersion: number;
  place: Place;
  count: number;
  /** Of those that were sent, the oldest, and the one that waits longest. */
  oldest?: string;
  latest?: string;
  /** Why the code that was looked at does not run them; absent if it does. */
  problem?: string;
}

/** The versions that some code reads of a task. */
interface Reads {
  oldest: number;
  newest: number;
}

/** All that was found. */
interface Findings {
  service: string;
  code: string;
  rows: Row[];
  /** Messages by queue, `dead-letter` among them. */
  messages: Record<string, number>;
  unseen: string[];
}

/** No task that may still run is older. */
const LONGEST_DAYS = 460;

/** Says what is under way in which version, before code is deployed that reads others (docs/upgrading.md). */
export const doctor: Command = {
  usage: "doctor <address of a service> [--code <address>] [--days <number>] [--failed] [--json]",
  help: "lists what is under way in which version of its payload; ends with 1 if there is something that the code, by default that of the service itself, cannot run, and with 2 if it could not look",
  async run(words): Promise<Answer> {
    const { values, positionals } = parseArgs({
      args: [...words],
      options: {
        code: { type: "string" },
        days: { type: "string", default: String(LONGEST_DAYS) },
        failed: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
      },
      allowPositionals: true,
    });
    const [service] = positionals;
    const days = Number(values.days);
    if (service === undefined || positionals.length > 1 || !(days > 0 && days <= LONGEST_DAYS)) {
      throw new UsageError(`${doctor.usage}, of at most ${LONGEST_DAYS} days`);
    }
    const code = values.code ?? service;
    const findings = await examine({ service, code, days, isFailedAsked: values.failed });
    const exitCode = findings.rows.some(({ problem }) => problem !== undefined) ? 1 : 0;
    return { text: values.json ? JSON.stringify(findings, null, 2) : describe(findings), exitCode };
  },
};

interface Examination {
  service: string;
  code: string;
  days: number;
  isFailedAsked: boolean;
}

/** @throws ClientError if the service does not answer, or refuses */
async function examine({ service, code, days, isFailedAsked }: Examination): Promise<Findings> {
  const client = createServiceClient(service);
  const rows = new Rows(await readsOf(createServiceClient(code)));
  const from = new Date(Date.now() - days * 86_400_000);
  const state: TaskState[] = ["PENDING", "STARTED", "RETRY"];
  if (isFailedAsked) state.push("FAILURE");
  for await (const one of client.list({ state, from, values: false, limit: 100 })) {
    const { createdAt: sentAt, eta: due = sentAt } = one;
    rows.add(one.state === "FAILURE" ? "failed" : "sent", one.task, one.payloadVersion, { sentAt, due });
  }
  for await (const { task, payloadVersion, workflow } of client.schedules.list({ limit: 100 })) {
    if (task !== undefined) rows.add("schedule", task, payloadVersion);
    for (const node of nodesIn(workflow)) rows.add("schedule", node.task, node.payloadVersion);
  }
  let folded = 0;
  for await (const { id, sentAt } of client.workflows.list({ state: "PENDING", from, limit: 100 })) {
    const { nodes } = await client.call<{ nodes: GraphNode[] }>("GET", `/workflows/${id}`);
    folded += nodes.filter((node) => node.folded).length;
    // One with an attempt has a record, and was counted as sent.
    const waiting = nodes.filter(({ state, attempt }) => state === "PENDING" && attempt === undefined);
    for (const { task, payloadVersion } of waiting) {
      if (task !== undefined) rows.add("workflow", task, payloadVersion, { sentAt, due: sentAt });
    }
  }
  return { service, code, rows: rows.sorted(), messages: await messagesOf(client), unseen: unseenOf(days, folded) };
}

/** The tasks that the code at an address has, by each name that they have or had. */
async function readsOf(client: ServiceClient): Promise<Map<string, Reads>> {
  const index = await client.call<{ tasks: string[]; versions?: (Reads & { task: string; aliases?: string[] })[] }>(
    "GET",
    "/",
  );
  const reads = new Map<string, Reads>(index.tasks.map((task) => [task, { oldest: 1, newest: 1 }]));
  for (const { task, aliases = [], oldest, newest } of index.versions ?? []) {
    for (const name of [task, ...aliases]) reads.set(name, { oldest, newest });
  }
  return reads;
}

async function messagesOf(client: ServiceClient): Promise<Record<string, number>> {
  const { queues, dead } = await client.call<{
    queues: { name: string; waiting?: number; inFlight?: number; delayed?: number }[];
    dead: number | null;
  }>("GET", "/queues");
  const counts = queues.map(({ name, waiting = 0, inFlight = 0, delayed = 0 }) => [name, waiting + inFlight + delayed]);
  return Object.fromEntries([...counts, ["dead-letter", dead ?? 0]]);
}

/** The tasks in a workflow that a schedule entry sends. */
function nodesIn(value: Json | undefined): { task: string; payloadVersion?: number }[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(nodesIn);
  const { task, payloadVersion, payload: _, ...parts } = value;
  const inner = Object.values(parts).flatMap(nodesIn);
  if (typeof task !== "string") return inner;
  return [{ task, ...(typeof payloadVersion === "number" && { payloadVersion }) }, ...inner];
}

/** Findings, added up. */
class Rows {
  readonly #reads: ReadonlyMap<string, Reads>;
  readonly #rows = new Map<string, Row>();

  constructor(reads: ReadonlyMap<string, Reads>) {
    this.#reads = reads;
  }

  add(place: Place, task: string, payloadVersion = 1, times?: { sentAt: string; due: string }): void {
    // The engine's own, such as the sending of a group's members, and failures that are those of no task.
    if (!/^[A-Za-z]/.test(task) || task.startsWith("lovage.")) return;
    const key = JSON.stringify([place, task, payloadVersion]);
    const row = this.#rows.get(key) ?? {
      task,
      payloadVersion,
      place,
      count: 0,
      ...this.#problem(task, payloadVersion),
    };
    row.count += 1;
    if (times !== undefined) {
      const { sentAt, due } = times;
      if (row.oldest === undefined || sentAt < row.oldest) row.oldest = sentAt;
      if (row.latest === undefined || due > row.latest) row.latest = due;
    }
    this.#rows.set(key, row);
  }

  #problem(task: string, version: number): { problem?: string } {
    const reads = this.#reads.get(task);
    if (reads === undefined) return { problem: "the code has no task of that name, nor one that had it before" };
    if (version > reads.newest) return { problem: `the code knows versions up to ${reads.newest}: it would wait` };
    if (version < reads.oldest) return { problem: `the code reads versions from ${reads.oldest} on: it would fail` };
    return {};
  }

  sorted(): Row[] {
    const order = ({ task, payloadVersion, place }: Row): string =>
      [task, String(payloadVersion).padStart(5), place].join(" ");
    return [...this.#rows.values()].sort((a, b) => (order(a) < order(b) ? -1 : 1));
  }
}

function unseenOf(days: number, folded: number): string[] {
  return [
    "Tasks with ignoreResult have no record before they start: they are among the messages alone.",
    "Messages that other programs put straight into a queue have no record before they start.",
    "Results have no version, and what ctx.once has kept is not listed.",
    ...(days < LONGEST_DAYS
      ? [`Tasks and workflows that were sent more than ${days} days ago were not looked at.`]
      : []),
    ...(folded > 0
      ? [
          `${folded} groups of workflows have more members than are shown: those that were not sent yet are not counted.`,
        ]
      : []),
  ];
}

const PLACES: Readonly<Record<Place, string>> = {
  sent: "sent, and not ended",
  schedule: "sent by schedule entries",
  workflow: "in workflows, not sent yet",
  failed: "failed, and may be replayed",
};

function describe({ service, code, rows, messages, unseen }: Findings): string {
  const lines = rows.map(({ task, payloadVersion, place, count, oldest, latest, problem }) => {
    const times = oldest === undefined ? "" : `, since ${oldest}, due until ${latest}`;
    const line = `  ${task}, version ${payloadVersion}: ${count} ${PLACES[place]}${times}`;
    return problem === undefined ? line : `${line}\n    PROBLEM: ${problem}`;
  });
  const depths = Object.entries(messages).map(([queue, count]) => `${queue} ${count}`);
  const problems = rows.filter(({ problem }) => problem !== undefined).length;
  return [
    `Under way at ${service}${code === service ? "" : `, for the code at ${code}`}:`,
    ...(lines.length > 0 ? lines : ["  nothing"]),
    `Messages in its queues: ${depths.join(", ")}.`,
    "Not seen:",
    ...unseen.map((sentence) => `  ${sentence}`),
    problems === 0 ? "The code runs all that was seen." : `${problems} of these the code does not run.`,
  ].join("\n");
}
