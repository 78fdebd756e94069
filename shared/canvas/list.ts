/** The workflows that were sent, newest first: how each stands, and how far it has come. */

import { NewerWorkflowError, ValueExpiredError } from "../errors.ts";
import { idTime } from "../message/id.ts";
import type { TaskState } from "../results/record.ts";
import type { App } from "../task/current-app.ts";
import { childPlace, type Definition, endPlace, isChainNode, isTaskNode, nodeAt } from "../workflows/definition.ts";
import { outcomeAt, type Reading, sizeOf, stateOfWhole, tallyOf } from "./results.ts";
import { titleOf } from "./title.ts";

export interface WorkflowQuery {
  state?: TaskState;
  /** Only workflows sent at or after. @defaultValue 7 days before `to` */
  from?: Date;
  /** Only workflows sent at or before. @defaultValue now */
  to?: Date;
  /** Go on after this id, as an earlier answer's `cursor` says. */
  cursor?: string;
  /** 1–100. @defaultValue 50 */
  limit?: number;
}

/** A workflow as a list shows it. */
export interface ListedWorkflow {
  id: string;
  state: TaskState;
  /** Its tasks by their names, cut short. */
  title: string;
  sentAt: string;
  finishedAt?: string;
  rootId: string;
  parentId?: string;
  /** The task that has become it. */
  replaces?: string;
  /** Steps of its chain, or members of its group: how many there are, have ended, and have failed; absent as long as nobody knows. */
  parts?: number;
  ended?: number;
  failed?: number;
}

export interface WorkflowPage {
  workflows: ListedWorkflow[];
  /** All pages together look at workflows that were sent since then, and at none before. */
  searchedFrom: string;
  /** Present if there may be more. */
  cursor?: string;
}

const USUAL_MILLISECONDS = 7 * 86_400_000;

/** Reads the end of each workflow, and counts of its parts. With a state, a page may be short, or empty, and still have a cursor. */
export async function listWorkflows(app: App, query: WorkflowQuery): Promise<WorkflowPage> {
  const { state, to = app.clock(), cursor, limit = 50 } = query;
  const from = query.from ?? new Date(to.getTime() - USUAL_MILLISECONDS);
  const { ids, ...more } = await app.workflows.list({ from, to, cursor, limit });
  const all = (await Promise.all(ids.map((id) => show(app, id)))).flatMap((one) => one ?? []);
  const workflows = state === undefined ? all : all.filter((one) => one.state === state);
  return { workflows, searchedFrom: from.toISOString(), ...more };
}

/** Undefined for one of which nothing is left but its definition, or not even that. */
async function show(app: App, id: string): Promise<ListedWorkflow | undefined> {
  const definition = await read(app, id);
  if (definition === undefined) return undefined;
  if (definition === "newer") return showNewer(app, id);
  const { root, sentAt, rootId, parentId, replaces } = definition;
  const reading: Reading = { app, definition };
  const end = nodeAt(root, endPlace(root, ""));
  const [state, record] = await Promise.all([
    stateOfWhole(reading),
    end && isTaskNode(end) ? app.results.kept(id) : undefined,
  ]);
  const isOver = Date.parse(definition.keepUntil) < app.clock().getTime();
  if (isOver && state === "PENDING" && record === undefined) return undefined;
  return {
    id,
    state,
    title: titleOf(root),
    sentAt,
    rootId,
    ...(record?.finishedAt !== undefined && { finishedAt: record.finishedAt }),
    ...(parentId !== undefined && { parentId }),
    ...(replaces && { replaces: replaces.id }),
    ...(await progressOf(reading, state)),
  };
}

/** Undefined for a large definition that the bucket has removed. */
async function read(app: App, id: string): Promise<Definition | "newer" | undefined> {
  try {
    return await app.workflows.read(id);
  } catch (error) {
    if (error instanceof ValueExpiredError) return undefined;
    if (error instanceof NewerWorkflowError) return "newer";
    throw error;
  }
}

/** One that cannot be read here, as far as its id and the record of its last task tell. */
async function showNewer(app: App, id: string): Promise<ListedWorkflow> {
  const record = await app.results.kept(id);
  const sentAt = (idTime(id) ?? app.clock()).toISOString();
  const rootId = record?.rootId ?? id;
  return { id, state: record?.state ?? "PENDING", title: "(of a newer version of Lovage)", sentAt, rootId };
}

async function progressOf(
  reading: Reading,
  state: TaskState,
): Promise<Pick<ListedWorkflow, "parts" | "ended" | "failed">> {
  const { root } = reading.definition;
  const [hasEnded, hasFailed] = [state === "PENDING" ? 0 : 1, state === "FAILURE" ? 1 : 0];
  if (isTaskNode(root)) return { parts: 1, ended: hasEnded, failed: hasFailed };
  if (!isChainNode(root)) {
    const size = await sizeOf(reading, root, "");
    if (size === undefined) return {};
    const { members, ended, failed } = await tallyOf(reading, "", size);
    return { parts: members, ended, failed };
  }
  const steps = root.chain.length;
  if (state === "SUCCESS") return { parts: steps, ended: steps, failed: 0 };
  return { parts: steps, ended: await stepsDone(reading, steps), failed: hasFailed };
}

/** Steps end one after another: the first that has not ended well is found by halving. The last has not, or the chain had. */
async function stepsDone(reading: Reading, steps: number): Promise<number> {
  let [done, open] = [0, steps - 1];
  while (done < open) {
    const middle = Math.floor((done + open) / 2);
    const outcome = await outcomeAt(reading, childPlace("", middle));
    if (outcome?.state === "SUCCESS") done = middle + 1;
    else open = middle;
  }
  return done;
}
