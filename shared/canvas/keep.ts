/**
 * Keeps what a workflow has come to for as long as it goes on. Its records are kept for three weeks beyond its own delays; a member that
 * retries for months, a pause and a rate limit may take longer. Each function that sends, or puts off, a task so late that records could be gone when it
 * has ended asks for them to be kept (docs/decisions/0071-long-workflows.md).
 */

import { RETENTION_SECONDS } from "../lifetimes.ts";
import type { Message, WorkflowMark } from "../message/message.ts";
import type { App } from "../task/current-app.ts";
import { dispatch } from "../task/submit.ts";
import { secondsAfter } from "../task/times.ts";
import {
  aroundOf,
  childPlace,
  type Definition,
  helperId,
  idAt,
  isChainNode,
  isEachNode,
  isTaskNode,
  type Node,
  type Place,
} from "../workflows/definition.ts";
import { fanOutMessage } from "./fan-out.ts";
import { addedAs, groupAt, type Reading, sizeOf, stateOfWhole } from "./results.ts";

const DAY = 86_400;

/** The message of a task may lie in its queue for so long, and the task ends after that. */
const AHEAD_SECONDS = RETENTION_SECONDS + DAY;

/** Records are kept at least so long from the first look on; later for as long again as the workflow has taken, so that looks that write are few. */
const LEAST_SECONDS = 30 * DAY;

/** Between two looks. A record lives for 20 days from its end, so that each is found in time. */
const LOOK_SECONDS = 9 * DAY;

/** Records that are looked at together. */
const PAGE = 100;

/** Has the records of a workflow, and of those around it, live until a task has ended that may start at a time. May be repeated. */
export async function keepFor(app: App, definition: Definition, start: Date): Promise<void> {
  const needed = secondsAfter(start, AHEAD_SECONDS).toISOString();
  if (needed > definition.keepUntil && needed > ((await app.workflows.keptUntil(definition.id)) ?? "")) {
    const now = app.clock();
    const age = (now.getTime() - Date.parse(definition.sentAt)) / 1000;
    const longer = secondsAfter(now, Math.max(age, LEAST_SECONDS)).toISOString();
    const until = needed > longer ? needed : longer;
    // Dying after this looks at the records, and the next task that is sent asks once more.
    await dispatch(app, keepMessage(app, definition, { until, from: 0 }));
    await app.workflows.keep(definition.id, until);
  }
  const around = aroundOf(definition);
  const outer = around && (await app.workflows.read(around.id));
  if (outer) await keepFor(app, outer, start);
}

/** The same for a task that waits. */
export async function keepForTask(app: App, { workflow }: Pick<Message, "workflow">, start: Date): Promise<void> {
  const definition = workflow && (await app.workflows.read(workflow.id));
  if (definition) await keepFor(app, definition, start);
}

/** The message that has a worker look at the records, from one on. */
function keepMessage(
  app: App,
  definition: Definition,
  { until, from, eta }: { until: string; from: number; eta?: Date },
): Message {
  const flow = { app, definition, tasks: { find: () => undefined } };
  const message = fanOutMessage(flow, { place: "", eta: eta?.toISOString() }, from);
  const id = helperId(definition.id, "", `keep/${until}/${from}/${message.eta ?? ""}`);
  return { ...message, id, workflow: { id: definition.id, place: "", fanOut: from, keep: until } };
}

/** Looks at the records of a workflow, as a message asks, as long as there is time; then another goes on. */
export async function keep(
  app: App,
  definition: Definition,
  { keep: until = definition.keepUntil, fanOut: from = 0 }: WorkflowMark,
  mayGoOn: () => boolean,
): Promise<void> {
  // They are to be kept for longer by now: another message looks.
  if (until < ((await app.workflows.keptUntil(definition.id)) ?? "")) return;
  const reading = { app, definition };
  const now = app.clock();
  const soon = secondsAfter(now, 2 * LOOK_SECONDS);
  let [seen, page]: [number, string[]] = [0, []];
  const look = async (): Promise<void> => {
    await Promise.all(page.map((id) => app.results.prolong(id, { soon, until: new Date(until) })));
    page = [];
  };
  for await (const id of taskIds(reading, definition.root, "")) {
    seen += 1;
    if (seen <= from) continue;
    page.push(id);
    if (page.length < PAGE) continue;
    await look();
    if (!mayGoOn()) return dispatch(app, keepMessage(app, definition, { until, from: seen }));
  }
  await look();
  const next = secondsAfter(now, LOOK_SECONDS);
  if (next.toISOString() > until || (await stateOfWhole(reading)) !== "PENDING") return;
  await dispatch(app, keepMessage(app, definition, { until, from: 0, eta: next }));
}

/** The tasks of a workflow that may have a record, in the order of the definition; with those that were added to a group. */
async function* taskIds(reading: Reading, node: Node, place: Place): AsyncGenerator<string> {
  if (isTaskNode(node)) return yield idAt(reading.definition, place);
  if (isChainNode(node)) {
    for (const [index, step] of node.chain.entries()) yield* taskIds(reading, step, childPlace(place, index));
    return;
  }
  const size = (await sizeOf(reading, node, place)) ?? 0;
  for (let index = 0; index < size; index++) {
    const member = isEachNode(node) ? node.each : node.group[index];
    if (member) yield* taskIds(reading, member, childPlace(place, index));
  }
  const group = groupAt(reading, place);
  for (const name of size === 0 ? [] : await reading.app.workflows.joins.added(group, size)) {
    const found = await addedAs(reading, group, name);
    if (found) yield* taskIds(found.reading, found.node, "");
  }
}
