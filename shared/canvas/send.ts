/** Sends a whole workflow. */

import { DEFAULT_QUEUE } from "../config.ts";
import { IdempotencyKeyReusedError, InvalidOptionError, ResultStoreError } from "../errors.ts";
import { parseJson, toJsonText } from "../message/json.ts";
import { isKey, KEY_EXPECTED } from "../message/labels.ts";
import type { Message, ScheduleMark } from "../message/message.ts";
import { AsyncResult } from "../task/async-result.ts";
import { currentRun } from "../task/context.ts";
import { type App, currentApp } from "../task/current-app.ts";
import type { Draft } from "../task/draft.ts";
import { type ApplyOptions, checkNames } from "../task/options.ts";
import { sendTask } from "../task/send.ts";
import type { AnyCanvas, CanvasOptions } from "../task/signature.ts";
import { dispatch, packPayload, type Sent } from "../task/submit.ts";
import {
  childPlace,
  type Definition,
  endPlace,
  idAt,
  isChainNode,
  isTaskNode,
  type Node,
  nodeAt,
} from "../workflows/definition.ts";
import { type Checking, keptUntil, optionsOfWhole, refuseLong } from "./check.ts";
import { fanOutMessage } from "./fan-out.ts";
import type { Flow, KnownTasks } from "./flow.ts";
import { start } from "./go-on.ts";
import { GroupResult } from "./group-result.ts";
import { baseMessage, unmadeMark } from "./send-node.ts";
import { type Written, writeDown, writeWhole } from "./write.ts";

/** A workflow that was sent. */
export interface SentWorkflow {
  id: string;
  definition: Definition;
}

const OPTIONS: readonly (keyof CanvasOptions)[] = [
  ...(["countdown", "eta", "expires", "queue", "tags", "headers", "idempotencyKey"] as const),
];

/** The name in the place of a task's, for a key or a failure of a whole; no task can have it. */
export const WORKFLOW = "(workflow)";
const KEY_SECONDS = 86_400;

/**
 * Sends a workflow: its definition first, then its first message, then the record of its last task. Dying between them leaves nothing that
 * waits: without the message nothing runs, and with it everything does.
 * @throws InvalidWorkflowError, InvalidOptionError, IdempotencyKeyReusedError: nothing was sent
 * @throws BrokerError: SQS did not take the message; ResultStoreError: it was sent, and the record could not be written
 */
export async function sendWorkflow(
  app: App,
  tasks: KnownTasks,
  root: Node,
  options: CanvasOptions = {},
): Promise<SentWorkflow> {
  return send(app, tasks, options, (checking) => writeWhole(app, checking, root));
}

/** As sendWorkflow, of what code has made. @throws also what its members throw, where they are read one by one: nothing was sent */
async function sendDraft(app: App, tasks: KnownTasks, draft: Draft, options: CanvasOptions): Promise<SentWorkflow> {
  return send(app, tasks, options, (checking) => writeDown(app, checking, app.newId(), draft));
}

type Write = (checking: Checking) => Promise<Written>;

async function send(app: App, tasks: KnownTasks, options: CanvasOptions, write: Write): Promise<SentWorkflow> {
  currentRun()?.over.throwIfAborted();
  const { written, idempotencyKey, definition, eta } = await define(app, tasks, options, write);
  const sent = await reserve(app, definition, written, idempotencyKey);
  const flow: Flow = { app, tasks, definition: sent };
  if (sent !== definition && (await isKnown(flow))) return { id: sent.id, definition: sent };
  await written.define(sent);
  await begin(flow, eta?.toISOString());
  await recordEnd(flow);
  return { id: sent.id, definition: sent };
}

async function define(
  app: App,
  tasks: KnownTasks,
  options: CanvasOptions,
  write: Write,
): Promise<{
  written: Written;
  definition: Definition;
  idempotencyKey: string | undefined;
  eta: Date | undefined;
}> {
  checkNames(options, OPTIONS);
  const now = app.clock();
  const parent = currentRun();
  const { idempotencyKey, queue = DEFAULT_QUEUE, tags, headers, ...times } = options;
  if (idempotencyKey !== undefined && !isKey(idempotencyKey)) {
    throw new InvalidOptionError("idempotencyKey", idempotencyKey, KEY_EXPECTED);
  }
  const given: ApplyOptions = { ...timesOf(times), queue, ...(tags && { tags }), ...(headers && { headers }) };
  const checking = { tasks, queues: app.config.queues, now };
  const resolved = optionsOfWhole(checking, given);
  const written = await write(checking);
  refuseLong(checking, resolved, written.delaySeconds);
  const keepUntil = keptUntil(app, resolved.eta ?? now, written.delaySeconds);
  const id = app.newId();
  const defaults = {
    ...(options.queue !== undefined && { queue }),
    ...(resolved.tags && { tags: [...resolved.tags] }),
    ...(resolved.headers && { headers: { ...resolved.headers } }),
    ...(resolved.expires && { expires: resolved.expires.toISOString() }),
  };
  const definition: Definition = {
    v: 1,
    id,
    root: written.root,
    sentAt: now.toISOString(),
    keepUntil: keepUntil.toISOString(),
    rootId: parent?.context.rootId ?? id,
    ...(parent && { parentId: parent.context.id }),
    ...(Object.keys(defaults).length > 0 && { defaults }),
  };
  return { written, definition, idempotencyKey, eta: resolved.eta };
}

/** A firing of an entry of beat. */
export interface Firing {
  /** Derived from the entry and its fire time. */
  id: string;
  schedule: ScheduleMark;
  /** Its records are kept at least until then. */
  keepUntil?: Date;
  /** Done when all was checked, before anything is written. */
  beforeSend?: () => Promise<void>;
}

/**
 * Sends the workflow of a firing. May be repeated: of one id there is one workflow, which is sent as it was first defined.
 * @throws as sendWorkflow
 */
export async function sendFiring(
  app: App,
  tasks: KnownTasks,
  root: Node,
  { options, ...firing }: Firing & { options: CanvasOptions },
): Promise<Sent> {
  currentRun()?.over.throwIfAborted();
  const { id } = firing;
  // Its end has a record since it was sent, or since it could not be.
  const [stored, end] = await Promise.all([app.workflows.read(id), app.results.read(id)]);
  if (end) return { id, state: end.state };
  const own = stored ?? (await defineFiring(app, tasks, root, { options, ...firing }));
  await firing.beforeSend?.();
  // Dying after this leaves a definition of which nothing was sent: the repetition finds it, and sends.
  const isFirst = stored === undefined && (await app.workflows.define(own));
  // Another tick was faster, perhaps with other code.
  const definition = isFirst ? own : (stored ?? (await app.workflows.read(id)) ?? own);
  const flow: Flow = { app, tasks, definition, again: !isFirst };
  await begin(flow, definition.begins);
  await recordEnd(flow);
  return { id, state: "PENDING" };
}

async function defineFiring(
  app: App,
  tasks: KnownTasks,
  root: Node,
  { options, id, schedule, keepUntil }: Firing & { options: CanvasOptions },
): Promise<Definition> {
  const { definition, eta } = await define(app, tasks, options, (checking) => writeWhole(app, checking, root));
  const { id: other, rootId } = definition;
  const kept = keepUntil?.toISOString() ?? "";
  return {
    ...definition,
    id,
    schedule,
    rootId: rootId === other ? id : rootId,
    ...(eta && { begins: eta.toISOString() }),
    keepUntil: kept > definition.keepUntil ? kept : definition.keepUntil,
  };
}

/** The compiler wants to know that not both are given; `resolveOptions` refuses it for whoever has no compiler. */
function timesOf({ countdown, eta, expires }: Pick<CanvasOptions, "countdown" | "eta" | "expires">) {
  if (countdown !== undefined && eta !== undefined) {
    throw new InvalidOptionError(
      "countdown",
      countdown,
      "no 'eta' beside it, for each says when the workflow may start",
    );
  }
  const rest = expires === undefined ? {} : { expires };
  if (countdown !== undefined) return { ...rest, countdown };
  return eta === undefined ? rest : { ...rest, eta };
}

/** The definition that a key stands for: this one, or that of an earlier call. */
async function reserve(
  app: App,
  definition: Definition,
  { hash }: Written,
  key: string | undefined,
): Promise<Definition> {
  if (key === undefined) return definition;
  const text = toJsonText(definition.root);
  const message: Message = {
    v: 1,
    id: definition.id,
    task: WORKFLOW,
    attempt: 1,
    payload: hash === undefined ? parseJson(text) : null,
    queue: DEFAULT_QUEUE,
    sentAt: definition.sentAt,
    rootId: definition.rootId,
  };
  const content = hash === undefined ? text : { hash };
  const lifetimeSeconds = Math.min(KEY_SECONDS, app.config.resultExpires);
  const reservation = await app.reservations.reserve(message, content, { kind: "idempotency", key, lifetimeSeconds });
  // Dying after this leaves a key whose workflow was not sent: the next call with it sends it, under that id.
  if (reservation.first) return definition;
  if (!reservation.samePayload) throw new IdempotencyKeyReusedError(WORKFLOW, key);
  const { id } = reservation;
  return { ...definition, id, rootId: definition.rootId === definition.id ? id : definition.rootId };
}

/** Whether the first sender came to the end: the record of the last task, or the group, is written last. */
async function isKnown({ app, definition }: Flow): Promise<boolean> {
  const end = endPlace(definition.root, "");
  const node = nodeAt(definition.root, end);
  return node !== undefined && isTaskNode(node) && (await app.results.stateOf(idAt(definition, end))) !== undefined;
}

/** Sends the first message. A group's members are sent by a worker: whoever sends the whole may die among them. */
export async function begin(flow: Flow, eta: string | undefined): Promise<void> {
  const { root } = flow.definition;
  let [node, place] = [root, ""];
  while (isChainNode(node)) {
    const first: Node | undefined = node.chain[0];
    if (first === undefined) return;
    [node, place] = [first, childPlace(place, 0)];
  }
  if (isTaskNode(node)) return start(flow, place, { eta });
  await dispatch(flow.app, fanOutMessage(flow, { place, eta }, 0));
}

/** The record of the last task, so that there is something to ask for. A worker that was faster has written it. */
export async function recordEnd(flow: Flow): Promise<void> {
  const { app, definition } = flow;
  const place = endPlace(definition.root, "");
  const node = nodeAt(definition.root, place);
  if (node === undefined || !isTaskNode(node)) return;
  const { id } = definition;
  const message = await baseMessage(flow, { node, id, mark: unmadeMark(flow, node, place), payload: node.payload });
  try {
    await app.results.pending({ ...message, ...(await packPayload(app, message, toJsonText(message.payload))) });
  } catch (error) {
    throw new ResultStoreError(node.task, id, error);
  }
}

/** Sends what a canvas says, and answers with the handle of its kind. A task by itself is sent as any other. */
export function startCanvas(canvas: AnyCanvas, options: CanvasOptions): Promise<unknown> {
  const sending = sendCanvas(canvas, options);
  // The end of a run waits for what it sends: a function that has answered is frozen in the middle of it.
  return currentRun()?.add(sending) ?? sending;
}

async function sendCanvas(canvas: AnyCanvas, options: CanvasOptions): Promise<unknown> {
  const app = currentApp();
  const tasks = new Map(canvas.tasks.map((task) => [task.name, task]));
  const { node } = canvas;
  const task = "task" in node ? tasks.get(node.task) : undefined;
  if (task && "task" in node && !node.link && !node.linkError) {
    const { countdown, eta, expires, idempotencyKey, ...others } = { ...node.options, ...options };
    const given: ApplyOptions = {
      ...timesOf({
        ...(countdown !== undefined && { countdown }),
        ...(eta !== undefined && { eta }),
        ...(expires !== undefined && { expires }),
      }),
      ...others,
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    };
    const { id } = await sendTask(app, task, node.payload, { options: given });
    return new AsyncResult(id, app);
  }
  const known: KnownTasks = {
    find: (name) => tasks.get(name),
    learn(more) {
      for (const one of more) tasks.set(one.name, one);
    },
  };
  const { id, definition } = await sendDraft(app, known, node, options);
  const end = nodeAt(definition.root, endPlace(definition.root, ""));
  return end && isTaskNode(end) ? new AsyncResult(id, app) : new GroupResult(id, app);
}
