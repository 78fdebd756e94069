/** One call of SQS, from its parameters to its answer: the door before fauxqs, fauxqs, and the door behind it. */

import { echo } from "../../shared/echo.ts";
import { isObject, type JsonObject, objectsOf } from "../json.ts";
import { type FailedEntry, takeRefusedEntries } from "./batches.ts";
import { scopeDeduplicationId } from "./deduplication.ts";
import { type Answer, errorAnswer, PROTOCOL, type SqsRefusal } from "./errors.ts";
import type { Caller, Fauxqs, Queue, QueueStore } from "./fauxqs.ts";
import type { QueueJournal } from "./journal.ts";
import { noteFields } from "./kept-fields.ts";
import type { LongPolls } from "./long-poll.ts";
import { refuseShape } from "./model.ts";
import { runOwnOperation } from "./own-operations.ts";
import { completeReceived } from "./receives.ts";
import { BATCHES, type Call, findQueue, refuseRequest } from "./rules.ts";

/** A call as it comes in. */
export interface Asked {
  readonly action: string;
  /** Its parameters: changed by the call. */
  readonly request: unknown;
  readonly caller: Caller;
  /** A signal that aborts when the caller goes away; asked for when the call is going to wait. */
  readonly gone: () => AbortSignal;
}

export interface Parts {
  readonly fauxqs: Fauxqs;
  readonly polls: LongPolls;
  readonly journal: QueueJournal | undefined;
  readonly log: (line: string) => void;
}

/** Calls that depend on messages that became visible since somebody last looked; for a FIFO queue that is everything. */
const READS_TIMERS = /^(GetQueueAttributes|ChangeMessageVisibility)/;
/** AWS answers these also when they are empty. */
const ALWAYS_THERE = ["queueUrls"];

/** Answers a call, whose writes are durable then; undefined if its caller has gone before there was anything to take. */
export async function answerCall(parts: Parts, asked: Asked): Promise<Answer | undefined> {
  const { journal, log } = parts;
  if (journal?.failure !== undefined) return failure(journal.failure);
  try {
    const answer = await carryOut(parts, asked);
    journal?.commit();
    return answer;
  } catch (error) {
    log(`sqs: a request failed: ${error instanceof Error ? error.stack : error}`);
    // fauxqs stumbles over a value of another type than SQS expects.
    if (error instanceof TypeError) return misread();
    return failure(journal?.failure ?? "The local SQS failed; its log says why.");
  }
}

/** The answer to a body that cannot be read. */
export function misread(): Answer {
  return errorAnswer({
    code: "SerializationException",
    message: "The request is no JSON object of SQS's model.",
  });
}

async function carryOut({ fauxqs, polls }: Parts, asked: Asked): Promise<Answer | undefined> {
  const { queues } = fauxqs;
  const call = admit(asked.action, asked.request, queues);
  if ("code" in call) return errorAnswer(call);
  const { action, request, queue } = call;
  const outcome = runOwnOperation(action, request, queues, queue);
  if (outcome !== undefined) return "answer" in outcome ? success(outcome.answer) : errorAnswer(outcome.refusal);
  const batch = queue && BATCHES[action];
  const failed = queue && batch ? takeRefusedEntries(request, queue, batch) : [];
  if (batch && objectsOf(request.Entries).length === 0) return success({ Failed: failed });
  if (queue && action.startsWith("SendMessage")) prepareMessages(batch ? objectsOf(request.Entries) : [request], queue);
  if (queue && action === "ReceiveMessage") {
    const seconds = Number(request.WaitTimeSeconds ?? queue.attributes.ReceiveMessageWaitTimeSeconds);
    const isThere = await polls.wait(queue, seconds, Number(request.MaxNumberOfMessages ?? 1), asked.gone);
    request.WaitTimeSeconds = 0;
    // Nobody would hear the answer: taking a message now would hide it for its visibility timeout.
    if (!isThere) return undefined;
  }
  const answer = await fauxqs.run(action, request, asked.caller);
  if ("code" in answer) return errorAnswer(answer);
  return success(corrected(call, answer.body, failed, fauxqs));
}

/** The door: what comes through fits SQS's model and rules, and its queue exists. */
function admit(action: string, request: unknown, queues: QueueStore): Call | SqsRefusal {
  if (!isObject(request)) {
    return { code: "SerializationException", message: `A request is ${echo(request)}: expected a JSON object.` };
  }
  const misshapen = refuseShape(action, request);
  if (misshapen !== undefined) return misshapen;
  const queue = findQueue(request, queues);
  if (queue !== undefined && "code" in queue) return queue;
  if (READS_TIMERS.test(action) || queue?.isFifo()) queue?.processTimers();
  const call: Call = { action, request, queue, queues };
  return refuseRequest(call) ?? call;
}

function prepareMessages(messages: readonly JsonObject[], queue: Queue): void {
  for (const message of messages) {
    if (queue.isFifo()) scopeDeduplicationId(queue, message);
    noteFields(message);
  }
}

/** Makes of fauxqs's answer that of SQS. */
function corrected(
  { action, request }: Call,
  answer: JsonObject,
  failed: readonly FailedEntry[],
  fauxqs: Fauxqs,
): JsonObject {
  if (action === "ReceiveMessage") completeReceived(request, answer, fauxqs);
  if (action.startsWith("SendMessage")) completeSent(request, answer, fauxqs);
  if (failed.length > 0) answer.Failed = [...objectsOf(answer.Failed), ...failed];
  return answer;
}

/** Adds the digest of the system attributes that a sender has set. */
function completeSent(request: JsonObject, answer: JsonObject, { md5OfMessageAttributes }: Fauxqs): void {
  const complete = (sent: JsonObject, { MessageSystemAttributes: attributes }: JsonObject): void => {
    const digest = isObject(attributes) ? md5OfMessageAttributes(attributes) : "";
    if (digest !== "") sent.MD5OfMessageSystemAttributes = digest;
  };
  const entries = objectsOf(request.Entries);
  if (typeof answer.MessageId === "string") complete(answer, request);
  for (const sent of objectsOf(answer.Successful)) complete(sent, entries.find(({ Id }) => Id === sent.Id) ?? {});
}

/** AWS leaves out a list or a map that is empty. */
function omitEmpty(answer: JsonObject): void {
  for (const [name, value] of Object.entries(answer)) {
    const isEmpty = Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
    if (isEmpty && !ALWAYS_THERE.includes(name)) delete answer[name];
  }
}

function success(body: JsonObject): Answer {
  omitEmpty(body);
  return { status: 200, headers: { "content-type": PROTOCOL }, body };
}

function failure(message: string): Answer {
  return { status: 500, headers: { "content-type": PROTOCOL }, body: { __type: "InternalFailure", message } };
}
