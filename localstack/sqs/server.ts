/**
 * SQS: fauxqs behind the gateway, with what AWS does and fauxqs does not.
 *
 * A request passes one door before fauxqs sees it (`admit`), and its answer another (`correctAnswers`). The list of differences
 * from AWS is in docs/local-cloud.md.
 */

import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { echo } from "../../shared/echo.ts";
import { ACCOUNT_ID } from "../account.ts";
import { isObject, type JsonObject, objectsOf } from "../json.ts";
import { type FailedEntry, takeRefusedEntries } from "./batches.ts";
import { deduplicate, scopeDeduplicationId } from "./deduplication.ts";
import { errorAnswer, PROTOCOL, type SqsRefusal, unsupported } from "./errors.ts";
import { type Fauxqs, loadFauxqs, type Queue, type QueueStore } from "./fauxqs.ts";
import { followFifoRules } from "./fifo.ts";
import { QueueJournal } from "./journal.ts";
import { keepFields, noteFields } from "./kept-fields.ts";
import { LongPolls } from "./long-poll.ts";
import { refuseShape } from "./model.ts";
import { isReceivable, nextVisible } from "./outlook.ts";
import { runOwnOperation } from "./own-operations.ts";
import { completeReceived, followReceives } from "./receives.ts";
import { keepRetention } from "./retention.ts";
import { BATCHES, type Call, findQueue, refuseRequest } from "./rules.ts";

export interface SqsOptions {
  /** Where queue URLs point: `http://127.0.0.1:4566`. */
  readonly endpoint: string;
  /** Keeps queues and messages here; absent: in memory. */
  readonly dataDir?: string | undefined;
  readonly log: (line: string) => void;
}

export interface Sqs {
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Whether a receive would take a message of one of these queues now. */
  isReceivable(urls: readonly string[]): boolean;
  /** When the next message of all queues ends its delay, or becomes visible again; Infinity if none will. */
  nextVisible(): number;
  /** Lets every waiting ReceiveMessage answer now. */
  stopWaiting(): void;
  close(): Promise<void>;
}

/** By request: the entries of a batch that were refused before fauxqs saw it. */
type FailedEntries = WeakMap<object, FailedEntry[]>;

const TARGET = "AmazonSQS.";
/** Calls that depend on messages that became visible since somebody last looked; for a FIFO queue that is everything. */
const READS_TIMERS = /^(GetQueueAttributes|ChangeMessageVisibility)/;
/** AWS answers these also when they are empty. */
const ALWAYS_THERE = ["queueUrls"];

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
  app.addHook("onSend", async (_request, reply, payload) => {
    // fauxqs names every answer as S3 does.
    reply.removeHeader("x-amz-id-2").removeHeader("x-amz-request-id");
    journal?.commit();
    return payload;
  });
  app.setErrorHandler((error, _request, reply) => {
    // fauxqs stumbles over a body that is not JSON, or has a value of another type than SQS expects.
    const misread = error instanceof SyntaxError || error instanceof TypeError;
    options.log(`sqs: a request failed: ${error instanceof Error ? error.stack : error}`);
    const body = misread
      ? { __type: "SerializationException", message: "The request is no JSON object of SQS's model." }
      : { __type: "InternalFailure", message: journal?.failure ?? "The local SQS failed; its log says why." };
    return reply
      .code(misread ? 400 : 500)
      .header("content-type", PROTOCOL)
      .send(body);
  });
  await app.ready();

  return {
    async handle(request, response) {
      response.setHeader("x-amzn-requestid", randomUUID());
      const refusal = refuseProtocol(request);
      if (refusal !== undefined) {
        const { status, headers, body } = errorAnswer(refusal);
        response.writeHead(status, headers).end(JSON.stringify(body));
        return;
      }
      // Only SQS: fauxqs tells its services apart by path and content type, and both are fixed here.
      request.url = "/";
      app.routing(request, response);
    },
    isReceivable: (urls) => [...queues.allQueues()].some((queue) => urls.includes(queue.url) && isReceivable(queue)),
    nextVisible: () => Math.min(...[...queues.allQueues()].map(nextVisible)),
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
    }
    keepRetention(queue);
    keepFields(queue);
    followReceives(queue);
    return queue;
  };
}

/** Refuses what SQS refuses, does what fauxqs cannot, and lets a receive through when there is something to receive. */
function checkRequests({ app, queues }: Fauxqs, polls: LongPolls, failedEntries: FailedEntries): void {
  app.addHook("preHandler", async (request, reply) => {
    const call = admit(actionOf(request.raw), request.body ?? {}, queues);
    if ("code" in call) {
      const { status, headers, body } = errorAnswer(call);
      return reply.code(status).headers(headers).send(JSON.stringify(body));
    }
    const { action, request: body, queue } = call;
    const outcome = runOwnOperation(action, body, queues, queue);
    if (outcome !== undefined) {
      if ("answer" in outcome) return reply.header("content-type", PROTOCOL).send(outcome.answer);
      const refused = errorAnswer(outcome.refusal);
      return reply.code(refused.status).headers(refused.headers).send(JSON.stringify(refused.body));
    }
    if (queue === undefined) return undefined;
    const batch = BATCHES[action];
    if (batch !== undefined) {
      const failed = takeRefusedEntries(body, queue, batch);
      if (objectsOf(body.Entries).length === 0) return reply.header("content-type", PROTOCOL).send({ Failed: failed });
      failedEntries.set(request, failed);
    }
    if (action.startsWith("SendMessage"))
      prepareMessages(batch === undefined ? [body] : objectsOf(body.Entries), queue);
    if (action === "ReceiveMessage") {
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

/** Makes of fauxqs's answers those of SQS. */
function correctAnswers(fauxqs: Fauxqs, failedEntries: FailedEntries): void {
  fauxqs.app.addHook("preSerialization", async (request, reply, payload: unknown) => {
    if (!isObject(payload)) return payload;
    if (typeof payload.__type === "string") {
      const code = payload.__type.replace(/^.*#/, "");
      const { status, headers, body } = errorAnswer({ code, message: String(payload.message ?? "") });
      reply.code(reply.statusCode >= 500 ? reply.statusCode : status).headers(headers);
      return body;
    }
    const action = actionOf(request.raw);
    const body = isObject(request.body) ? request.body : {};
    if (action === "ReceiveMessage") completeReceived(body, payload, fauxqs);
    if (action.startsWith("SendMessage")) completeSent(body, payload, fauxqs);
    if (failedEntries.has(request)) {
      payload.Failed = [...objectsOf(payload.Failed), ...(failedEntries.get(request) ?? [])];
    }
    omitEmpty(payload);
    return payload;
  });
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
  return unsupported(
    `SQS request with the content type '${request.headers["content-type"]}' was refused: expected POST with ${PROTOCOL}. Use an SDK of 2023 or later.`,
  );
}
