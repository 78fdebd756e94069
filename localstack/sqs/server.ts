/**
 * SQS: fauxqs behind the gateway, with what AWS does and fauxqs does not.
 *
 * Still different from AWS: the groups of a standard queue are kept and change nothing, so a fair queue puts no quiet tenant
 * before a noisy one; ReceiveRequestAttemptId is ignored; a FIFO queue is not throttled; messages never expire by
 * MessageRetentionPeriod; a restart forgets AWSTraceHeader; nothing is reordered or delivered twice by chance;
 * ListDeadLetterSourceQueues and StartMessageMoveTask answer InvalidAction.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { ACCOUNT_ID } from "../account.ts";
import { isObject, type JsonObject, objectsOf, stringsOf } from "../json.ts";
import { deduplicate, scopeDeduplicationId } from "./deduplication.ts";
import { keepGroups, noteGroup, TraceHeaders } from "./dropped-fields.ts";
import { type Fauxqs, loadFauxqs, type Queue, type QueueStore } from "./fauxqs.ts";
import { followFifoRules } from "./fifo.ts";
import { QueueJournal } from "./journal.ts";
import { LongPolls } from "./long-poll.ts";
import { type FailedEntry, queueOf, refusalOf, type SqsRefusal, takeRefusedEntries } from "./rules.ts";

export interface SqsOptions {
  /** Where queue URLs point: `http://127.0.0.1:4566`. */
  readonly endpoint: string;
  /** Keeps queues and messages here; absent: in memory. */
  readonly dataDir?: string | undefined;
  readonly log: (line: string) => void;
}

export interface Sqs {
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Lets every waiting ReceiveMessage answer now. */
  stopWaiting(): void;
  close(): Promise<void>;
}

/** By request: the entries of a batch that were refused before fauxqs saw it. */
type FailedEntries = WeakMap<object, FailedEntry[]>;

const PROTOCOL = "application/x-amz-json-1.0";
const TARGET = "AmazonSQS.";
/** Calls that depend on messages that became visible since somebody last looked; for a FIFO queue that is everything. */
const READS_TIMERS = /^(GetQueueAttributes|ChangeMessageVisibility)/;
/** The name by which an SDK knows an error; fauxqs puts the service's name before codes that have none. */
const ERROR_HEADER = "x-amzn-query-error";
const WRONGLY_PREFIXED = /^AWS\.SimpleQueueService\.(InvalidParameterValue|MissingParameter|InvalidAction)/;

/** Opens SQS: with a `dataDir`, with the queues and messages that an earlier run left there. */
export async function openSqs(options: SqsOptions): Promise<Sqs> {
  const fauxqs = await loadFauxqs();
  const { app, queues } = fauxqs;
  const urlOf = (name: string) => `${options.endpoint}/${ACCOUNT_ID}/${name}`;
  queues.buildQueueUrl = (name) => urlOf(name);
  correctQueues(queues);
  const journal = options.dataDir === undefined ? undefined : new QueueJournal(join(options.dataDir, "sqs.db"));
  journal?.restore(queues, urlOf, Date.now());
  const polls = new LongPolls();
  const failedEntries: FailedEntries = new WeakMap();
  app.addHook("onRequest", async (_request, reply) => {
    const message = journal?.failure;
    if (message === undefined) return undefined;
    return reply.code(500).header("content-type", PROTOCOL).send({ __type: "InternalFailure", message });
  });
  checkRequests(fauxqs, polls, failedEntries);
  correctAnswers(fauxqs, failedEntries);
  app.addHook("onSend", async (_request, _reply, payload) => {
    journal?.commit();
    return payload;
  });
  app.setErrorHandler((error, _request, reply) => {
    // fauxqs stumbles over a body that is not JSON, or has a value of another type than SQS expects.
    const misread = error instanceof SyntaxError || error instanceof TypeError;
    options.log(`sqs: a request failed: ${error instanceof Error ? error.stack : error}`);
    const body = misread
      ? { __type: "SerializationException" }
      : { __type: "InternalFailure", ...(journal?.failure && { message: journal.failure }) };
    return reply
      .code(misread ? 400 : 500)
      .header("content-type", PROTOCOL)
      .send(body);
  });
  await app.ready();

  return {
    async handle(request, response) {
      const refusal = refuseProtocol(request);
      if (refusal !== undefined) {
        response.writeHead(400, headersOf(refusal)).end(JSON.stringify(bodyOf(refusal)));
        return;
      }
      // Only SQS: fauxqs tells its services apart by path and content type, and both are fixed here.
      request.url = "/";
      app.routing(request, response);
    },
    stopWaiting: () => polls.close(),
    async close() {
      polls.close();
      await app.close();
      journal?.close();
    },
  };
}

/** Makes of the queues that fauxqs creates, or that the journal restores, those of SQS. */
function correctQueues(queues: QueueStore): void {
  const create = queues.createQueue.bind(queues);
  queues.createQueue = (...properties) => {
    const queue = create(...properties);
    if (queue.isFifo()) {
      followFifoRules(queue);
      deduplicate(queue);
    } else {
      keepGroups(queue);
    }
    return queue;
  };
}

/** Refuses what SQS refuses, and lets a receive through when there is something to receive. */
function checkRequests({ app, queues }: Fauxqs, polls: LongPolls, failedEntries: FailedEntries): void {
  app.addHook("preHandler", async (request, reply) => {
    const action = actionOf(request.raw);
    const body = isObject(request.body) ? request.body : {};
    const queue = queueOf(body, queues);
    if (READS_TIMERS.test(action) || queue?.isFifo()) queue?.processTimers();
    const refusal = refusalOf(action, body, queues);
    if (refusal !== undefined) return reply.code(400).headers(headersOf(refusal)).send(bodyOf(refusal));
    if (action === "SendMessageBatch" || action === "DeleteMessageBatch") {
      const failed = takeRefusedEntries(action, body, queue);
      if (failed.length > 0 && objectsOf(body.Entries).length === 0) {
        return reply.header("content-type", PROTOCOL).send({ Failed: failed });
      }
      failedEntries.set(request, failed);
    }
    if (action.startsWith("SendMessage") && queue !== undefined) {
      prepareMessages(action === "SendMessage" ? [body] : objectsOf(body.Entries), queue);
    }
    if (action === "ReceiveMessage" && queue !== undefined) {
      const gone = abortedBy(reply.raw);
      const seconds = Number(body.WaitTimeSeconds ?? queue.attributes.ReceiveMessageWaitTimeSeconds);
      await polls.wait(queue, seconds, Number(body.MaxNumberOfMessages ?? 1), gone);
      body.WaitTimeSeconds = 0;
      if (gone.aborted) {
        // Nobody would hear the answer: taking a message now would hide it for its visibility timeout.
        return reply.hijack();
      }
    }
    return undefined;
  });
}

function prepareMessages(messages: readonly JsonObject[], queue: Queue): void {
  for (const message of messages) {
    if (queue.isFifo()) {
      scopeDeduplicationId(queue, message);
    } else {
      noteGroup(message);
    }
  }
}

/** Makes of fauxqs's answers those of SQS. */
function correctAnswers({ app }: Fauxqs, failedEntries: FailedEntries): void {
  const traces = new TraceHeaders();
  app.addHook("preSerialization", async (request, _reply, payload: unknown) => {
    if (!isObject(payload)) return payload;
    const action = actionOf(request.raw);
    const body = isObject(request.body) ? request.body : {};
    if (action === "ReceiveMessage") {
      omitUnrequestedAttributes(body, payload);
      traces.addTo(payload, body);
    }
    if (failedEntries.has(request)) {
      payload.Failed = [...objectsOf(payload.Failed), ...(failedEntries.get(request) ?? [])];
    }
    if (action.startsWith("SendMessage")) traces.remember(body, payload);
    omitEmptyLists(payload);
    return payload;
  });
  app.addHook("onSend", async (_request, reply, payload) => {
    const error = reply.getHeader(ERROR_HEADER);
    if (typeof error === "string") reply.header(ERROR_HEADER, error.replace(WRONGLY_PREFIXED, "$1"));
    return payload;
  });
}

/** AWS leaves out message attributes that a receive does not ask for. */
function omitUnrequestedAttributes(request: JsonObject, answer: JsonObject): void {
  if (stringsOf(request.MessageAttributeNames).length === 0) {
    for (const message of objectsOf(answer.Messages)) {
      delete message.MessageAttributes;
      delete message.MD5OfMessageAttributes;
    }
  }
}

/** AWS leaves out an empty `Failed` or `Successful`. */
function omitEmptyLists(answer: JsonObject): void {
  for (const name of ["Failed", "Successful"]) {
    if (Array.isArray(answer[name]) && answer[name].length === 0) delete answer[name];
  }
}

/** Aborts when the client goes away before it has its answer. */
function abortedBy(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) controller.abort();
  });
  return controller.signal;
}

function actionOf(request: IncomingMessage): string {
  return String(request.headers["x-amz-target"] ?? "").replace(TARGET, "");
}

function refuseProtocol(request: IncomingMessage): SqsRefusal | undefined {
  if (request.method === "POST" && String(request.headers["content-type"]).startsWith(PROTOCOL)) return undefined;
  return {
    code: "UnsupportedOperation",
    message: `SQS request with the content type '${request.headers["content-type"]}' was refused: expected POST with ${PROTOCOL}. Use an SDK of 2023 or later.`,
  };
}

function headersOf(refusal: SqsRefusal): Record<string, string> {
  return { "content-type": PROTOCOL, [ERROR_HEADER]: `${refusal.code};Sender` };
}

function bodyOf(refusal: SqsRefusal): JsonObject {
  return { __type: `com.amazonaws.sqs#${refusal.code}`, message: refusal.message };
}
