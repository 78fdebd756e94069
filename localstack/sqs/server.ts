/**
 * SQS: fauxqs's queues behind the gateway, with what AWS does and fauxqs does not.
 *
 * A call passes one door before fauxqs sees it, and its answer another (`calls.ts`). The list of differences from AWS is in
 * docs/local-cloud.md.
 */

import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { ACCOUNT_ID } from "../account.ts";
import type { JsonObject } from "../json.ts";
import { textOf } from "../request-text.ts";
import { answerCall, misread, type Parts } from "./calls.ts";
import { deduplicate } from "./deduplication.ts";
import { type Answer, errorAnswer, PROTOCOL, type SqsRefusal, unsupported } from "./errors.ts";
import { loadFauxqs, type QueueStore } from "./fauxqs.ts";
import { followFifoRules } from "./fifo.ts";
import { QueueJournal } from "./journal.ts";
import { keepFields } from "./kept-fields.ts";
import { LongPolls } from "./long-poll.ts";
import { isReceivable, nextVisible } from "./outlook.ts";
import { followReceives } from "./receives.ts";
import { keepRetention } from "./retention.ts";

export interface SqsOptions {
  /** Where queue URLs point: `http://127.0.0.1:4566`. */
  readonly endpoint: string;
  /** Keeps queues and messages here; absent: in memory. */
  readonly dataDir?: string | undefined;
  readonly log: (line: string) => void;
}

export interface Sqs {
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /**
   * A call from this process, without a request over HTTP. Its answer may share objects with the queue: it is only to be read.
   * @param signal gives the call up while it waits; the answer is empty then
   * @throws Error with the name and the text of SQS's error
   */
  call(action: string, request: JsonObject, signal?: AbortSignal): Promise<JsonObject>;
  /** Whether a receive would take a message of one of these queues now. */
  isReceivable(urls: readonly string[]): boolean;
  /** When the next message of all queues ends its delay, or becomes visible again; Infinity if none will. */
  nextVisible(): number;
  /** Lets every waiting ReceiveMessage answer now. */
  stopWaiting(): void;
  close(): Promise<void>;
}

const TARGET = "AmazonSQS.";
/** Far above what a call may carry, which SQS's rules refuse in words of their own. */
const MAX_REQUEST_BYTES = 11 * 1024 * 1024;

/** Opens SQS: with a `dataDir`, with the queues and messages that an earlier run left there. */
export async function openSqs(options: SqsOptions): Promise<Sqs> {
  const fauxqs = await loadFauxqs();
  const { queues } = fauxqs;
  const urlOf = (name: string) => `${options.endpoint}/${ACCOUNT_ID}/${name}`;
  queues.buildQueueUrl = (name) => urlOf(name);
  correctQueues(queues);
  const journal = options.dataDir === undefined ? undefined : new QueueJournal(join(options.dataDir, "sqs.db"));
  journal?.restore(queues, urlOf, Date.now());
  const polls = new LongPolls();
  const parts: Parts = { fauxqs, polls, journal, log: options.log };

  return {
    async handle(request, response) {
      const answer = await answerRequest(parts, request, response);
      if (answer === undefined) return;
      const body = JSON.stringify(answer.body);
      response
        .writeHead(answer.status, {
          ...answer.headers,
          "content-length": Buffer.byteLength(body),
          "x-amzn-requestid": randomUUID(),
        })
        .end(body);
    },
    async call(action, request, signal = new AbortController().signal) {
      const answer = await answerCall(parts, { action, request, caller: { headers: {} }, gone: () => signal });
      if (answer === undefined || answer.status === 200) return answer?.body ?? {};
      const { __type: type, message } = answer.body;
      throw Object.assign(new Error(String(message)), { name: String(type).replace(/^.*#/, "") });
    },
    isReceivable: (urls) => [...queues.allQueues()].some((queue) => urls.includes(queue.url) && isReceivable(queue)),
    nextVisible: () => Math.min(...[...queues.allQueues()].map(nextVisible)),
    stopWaiting: () => polls.close(),
    async close() {
      polls.close();
      queues.shutdown();
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

async function answerRequest(
  parts: Parts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answer | undefined> {
  const refusal = refuseProtocol(request);
  if (refusal !== undefined) return errorAnswer(refusal);
  const text = await textOf(request, MAX_REQUEST_BYTES);
  if (text === undefined) return errorAnswer({ code: "RequestEntityTooLarge", message: "The request is too large." });
  let body: unknown = {};
  try {
    if (text !== "") body = JSON.parse(text);
  } catch (error) {
    parts.log(`sqs: a request failed: ${error}`);
    return misread();
  }
  const action = String(request.headers["x-amz-target"] ?? "").replace(TARGET, "");
  return answerCall(parts, { action, request: body, caller: request, gone: () => abortedBy(response) });
}

/** Aborts when the client goes away before it has its answer. */
function abortedBy(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  if (response.closed) controller.abort();
  response.once("close", () => {
    if (!response.writableFinished) controller.abort();
  });
  return controller.signal;
}

function refuseProtocol(request: IncomingMessage): SqsRefusal | undefined {
  if (request.method === "POST" && String(request.headers["content-type"]).startsWith(PROTOCOL)) return undefined;
  return unsupported(
    `SQS request with the content type '${request.headers["content-type"]}' was refused: expected POST with ${PROTOCOL}. Use an SDK of 2023 or later.`,
  );
}
