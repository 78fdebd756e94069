/** Sends the task of one node. */

import { DEFAULT_QUEUE } from "../config.ts";
import { describeError, MissingOptionError, TaskError } from "../errors.ts";
import { NO_DELIVERY } from "../message/delivery.ts";
import { type Json, parseJson } from "../message/json.ts";
import { type Message, type WorkflowMark, withoutEdition } from "../message/message.ts";
import { payloadVersionField, payloadVersionOf } from "../message/payload-version.ts";
import { payloadText } from "../message/user-values.ts";
import { checkQueue, resolveOptions } from "../task/options.ts";
import { payloadOrNone } from "../task/payload.ts";
import { packPayload, submitPacked } from "../task/submit.ts";
import { secondsAfter } from "../task/times.ts";
import { inputBefore, type Place, type TaskNode } from "../workflows/definition.ts";
import type { Flow, Outcome } from "./flow.ts";
import { keepFor } from "./keep.ts";
import { callOptions } from "./options.ts";

/** A task that is to be sent: its payload, or what is known of it. */
export interface NodeCall {
  node: TaskNode;
  id: string;
  mark: WorkflowMark;
  payload: Json | undefined;
  parentId?: string | undefined;
  /** Of a whole that is delayed. */
  eta?: string | undefined;
  /** @defaultValue 1 */
  attempt?: number;
  /** Fields of the message that it repeats, which this version does not know. */
  others?: object | undefined;
}

/**
 * Sends a task. May be repeated, for its id is derived.
 * @returns its failure, for a payload or an option that it refuses: that is recorded, and the workflow goes on from there
 * @throws what AWS throws
 */
export async function sendNode(flow: Flow, call: NodeCall): Promise<Outcome | undefined> {
  const { app } = flow;
  const message = await baseMessage(flow, call);
  let ready: Message;
  let text: string;
  try {
    ({ message: ready, text } = await complete(flow, call, message));
  } catch (error) {
    if (!(error instanceof TaskError)) throw error;
    return failNode(flow, message, error, call.mark);
  }
  await keepFor(app, flow.definition, ready.eta === undefined ? app.clock() : new Date(ready.eta));
  const packed = { ...ready, ...(await packPayload(app, ready, text)) };
  await submitPacked(app, packed, undefined);
  // The record of the last task is there since the workflow was sent, when its payload was not whole. Dying before this repeats it.
  if (call.id === flow.definition.id) await app.results.complement(packed);
  return undefined;
}

/**
 * Records a task that is not sent as ended.
 * @param mark as the `onFailure` hook is told: the message's own may name results that are not there yet
 */
export async function failNode(flow: Flow, message: Message, error: TaskError, mark: WorkflowMark): Promise<Outcome> {
  const described = describeError(error);
  const packed = { ...message, ...(await packPayload(flow.app, message, payloadText(message.task, message.payload))) };
  const { applied } = await flow.app.results.failUnclaimed(packed, NO_DELIVERY, described);
  const { id, task } = message;
  if (applied) {
    flow.app.log.warn("A task of a workflow could not be sent", { id, task, workflow: mark.id, error: described });
    // As after any failure. Dying before this leaves the hook uncalled; the record and the log say it.
    await flow.tasks.failed?.({ ...packed, workflow: mark }, error);
  }
  return { state: "FAILURE", failed: [{ id, task, error: described }], count: 1 };
}

/** The mark of a task whose payload is not made yet: its record says where the rest of it will be. */
export function unmadeMark({ definition: { id, root } }: Flow, node: TaskNode, place: Place): WorkflowMark {
  const input = node.immutable ? undefined : inputBefore(root, place);
  return { id, place, ...(input !== undefined && { input }) };
}

/** The message without anything that its task, or an option, decides. */
export async function baseMessage(
  { app, definition, tasks }: Flow,
  { node, id, mark, payload, parentId, eta, attempt = 1, others }: NodeCall,
): Promise<Message> {
  const { rootId, keepUntil, defaults } = definition;
  const queue = node.options?.queue ?? defaults?.queue ?? (await tasks.find(node.task))?.queue ?? DEFAULT_QUEUE;
  const parent = parentId ?? definition.parentId;
  const { schedule } = definition;
  return {
    ...others,
    v: 1,
    id,
    task: node.task,
    attempt,
    payload: payload ?? null,
    ...payloadVersionField(payloadVersionOf(node)),
    queue: app.config.queues.includes(queue) ? queue : DEFAULT_QUEUE,
    sentAt: app.clock().toISOString(),
    rootId,
    ...(parent !== undefined && { parentId: parent }),
    workflow: mark,
    // A task that waits for the whole's time is not run if the entry was changed before; one that comes later belongs to what has begun.
    ...(schedule && { schedule: eta === undefined ? withoutEdition(schedule) : schedule }),
    keepUntil,
  };
}

async function complete(flow: Flow, call: NodeCall, base: Message): Promise<{ message: Message; text: string }> {
  const { app, tasks, definition } = flow;
  const { node, mark } = call;
  const task = await tasks.find(node.task);
  // A worker of another deployment may know it, or its newer payload. Until one comes, it waits.
  if (task === undefined || payloadVersionOf(node) > task.payloadVersion)
    return { message: base, text: payloadText(node.task, call.payload ?? null) };

  const now = app.clock();
  const options = callOptions(node);
  const { expires: given } = options;
  const isOver = typeof given === "string" && Date.parse(given) <= now.getTime();
  // A time that was to come when the workflow was sent may have come by now: then the task is revoked instead of run.
  const { expires: _, ...others } = options;
  const resolved = resolveOptions(isOver ? others : options, now, task);
  const isWhole = mark.input === undefined;
  const version = payloadVersionOf(node);
  const isNewest = version === task.payloadVersion;
  const payload = isWhole ? payloadOrNone(task.schema, call.payload, isNewest) : (call.payload ?? null);
  const text = payloadText(task.name, payload);
  // With a result that is read when it runs, nobody can say yet which keys its payload will give.
  const keys = isWhole ? await task.validate(parseJson(text), version) : {};
  const { defaults } = definition;
  const tags = [...new Set([...task.tags, ...(defaults?.tags ?? []), ...(resolved.tags ?? [])])];
  const headers = { ...defaults?.headers, ...resolved.headers };
  const eta = call.eta ?? resolved.eta?.toISOString();
  const own =
    task.expires === undefined ? undefined : secondsAfter(eta === undefined ? now : new Date(eta), task.expires);
  const expires = (isOver ? given : resolved.expires?.toISOString()) ?? defaults?.expires ?? own?.toISOString();
  const message: Message = {
    ...base,
    payload: parseJson(text),
    ...keys,
    ...(eta !== undefined && { eta }),
    ...(expires !== undefined && { expires }),
    ...(tags.length > 0 && { tags }),
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(resolved.messageGroupId !== undefined && { messageGroupId: resolved.messageGroupId }),
    ...(resolved.timeLimit !== undefined && { timeLimit: resolved.timeLimit }),
    ...(resolved.softTimeLimit !== undefined && { softTimeLimit: resolved.softTimeLimit }),
    ...(!task.trackStarted && { trackStarted: false as const }),
  };
  checkQueue(resolved.queue, app.config.queues);
  if (app.broker.isFifo(message.queue) && message.messageGroupId === undefined) {
    const why = isWhole ? "" : ", and its payload is not whole before it runs: give it in set()";
    throw new MissingOptionError("messageGroupId", `queue '${message.queue}' keeps the order within a group${why}`);
  }
  return { message, text };
}
