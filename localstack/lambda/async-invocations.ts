/**
 * Lambda's queue for asynchronous invocations: what fails is tried again, and in the end recorded at the function's destination.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */

import { randomUUID } from "node:crypto";
import { head } from "../../shared/echo.ts";
import { ACCOUNT_ID } from "../account.ts";
import type { Clock } from "../clock.ts";
import type { QueueMessage, SendToQueue } from "../send-to-queue.ts";
import type { InvocationResult } from "./functions.ts";

/** The `AWS::Lambda::EventInvokeConfig` of a function, and its own dead-letter queue. */
export interface AsyncConfig {
  /** 0 to 2. @defaultValue 2 */
  maximumRetryAttempts?: number;
  /** 60 to 21,600 s (6 hours). @defaultValue 21 600 */
  maximumEventAgeSeconds?: number;
  /** ARN of the queue that gets a record of what failed for good; without it such an event is dropped. */
  onFailure?: string;
  /** ARN of the queue that gets a record of what succeeded. */
  onSuccess?: string;
  /** ARN of the queue that gets the event itself when it failed for good. */
  deadLetterArn?: string;
}

export interface AsyncInvocationsOptions {
  invoke: (functionName: string, event: unknown) => Promise<InvocationResult>;
  /** By function name. */
  configs: ReadonlyMap<string, AsyncConfig>;
  /** Sends to a destination. */
  send: SendToQueue;
  region: string;
  log: (line: string) => void;
  clock: Clock;
}

export interface AsyncInvocations {
  /** Takes an event; settles when it has been handled, or given up. Never rejects. */
  invoke(functionName: string, event: unknown): Promise<void>;
  /** Tries nothing again from now on. An event that waits to be tried is dropped. */
  stop(): void;
}

/** After one minute, then after two. */
const RETRY_SECONDS = [60, 120];
/** A function that is throttled is asked again after 1, 2, 4, … 300 s, for as long as the event may grow old. */
const MAX_THROTTLE_SECONDS = 300;
const DEFAULTS = { maximumRetryAttempts: 2, maximumEventAgeSeconds: 21_600 };

export function createAsyncInvocations(options: AsyncInvocationsOptions): AsyncInvocations {
  const { configs, clock, log } = options;
  const waking = new Set<() => void>();
  let stopped = false;

  /** @returns false if all has stopped meanwhile */
  const sleep = (seconds: number): Promise<boolean> =>
    new Promise((resolve) => {
      if (stopped) return resolve(false);
      const callOff = clock.after(seconds * 1000, () => {
        waking.delete(wake);
        resolve(true);
      });
      const wake = (): void => {
        callOff();
        resolve(false);
      };
      waking.add(wake);
    });

  const send = async (functionName: string, arn: string, message: QueueMessage): Promise<void> => {
    await options.send(arn, message).catch((error: unknown) => {
      log(`The record of an invocation of '${functionName}' could not be sent to ${arn}: ${error}`);
    });
  };

  const recordOf = (invocation: Invocation, outcome: Outcome): QueueMessage => {
    const { functionName, event, requestId } = invocation;
    const functionArn = `arn:aws:lambda:${options.region}:${ACCOUNT_ID}:function:${functionName}:$LATEST`;
    const { condition, attempts } = outcome;
    const record = {
      version: "1.0",
      timestamp: new Date(clock.now()).toISOString(),
      requestContext: { requestId, functionArn, condition, approximateInvokeCount: attempts },
      requestPayload: event,
      ...responseOf(outcome.result),
    };
    return { body: JSON.stringify(record) };
  };

  const discard = async (invocation: Invocation, outcome: Outcome): Promise<void> => {
    const { functionName } = invocation;
    const { onFailure, deadLetterArn } = configs.get(functionName) ?? {};
    if (onFailure === undefined && deadLetterArn === undefined) {
      log(
        `An event of function '${functionName}' was dropped (${outcome.condition}): it declares no destination for it.`,
      );
    }
    if (onFailure !== undefined) await send(functionName, onFailure, recordOf(invocation, outcome));
    if (deadLetterArn !== undefined) await send(functionName, deadLetterArn, deadLetterOf(invocation, outcome));
  };

  const succeed = async (invocation: Invocation, attempts: number, result: InvocationResult): Promise<void> => {
    const { functionName } = invocation;
    const { onSuccess } = configs.get(functionName) ?? {};
    if (onSuccess === undefined) return;
    await send(functionName, onSuccess, recordOf(invocation, { condition: "Success", attempts, result }));
  };

  return {
    async invoke(functionName, event) {
      const { maximumRetryAttempts, maximumEventAgeSeconds } = { ...DEFAULTS, ...configs.get(functionName) };
      const start = clock.now();
      const invocation = { functionName, event, requestId: randomUUID() };
      for (let attempts = 0, throttles = 0; ; ) {
        const result = await options.invoke(functionName, event);
        if (result.ok) return succeed(invocation, attempts + 1, result);
        if (stopped) return;
        if (result.throttled) throttles += 1;
        else attempts += 1;
        const { errorType, errorMessage } = result;
        log(`Function '${functionName}' failed at attempt ${attempts + throttles}: ${errorType}: ${errorMessage}`);
        const pause = result.throttled
          ? Math.min(MAX_THROTTLE_SECONDS, 2 ** (throttles - 1))
          : (RETRY_SECONDS[attempts - 1] ?? 0);
        const age = (clock.now() - start) / 1000 + pause;
        const isExhausted = attempts > maximumRetryAttempts;
        if (isExhausted || age > maximumEventAgeSeconds) {
          const condition = isExhausted ? "RetriesExhausted" : "EventAgeExceeded";
          return discard(invocation, { condition, attempts, result });
        }
        if (!(await sleep(pause))) return;
      }
    },
    stop() {
      stopped = true;
      for (const wake of waking) wake();
    },
  };
}

interface Invocation {
  readonly functionName: string;
  readonly event: unknown;
  readonly requestId: string;
}

interface Outcome {
  readonly condition: "Success" | "RetriesExhausted" | "EventAgeExceeded";
  readonly attempts: number;
  readonly result: InvocationResult;
}

/** A destination's record: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html */
function responseOf(result: InvocationResult): object {
  const context = { statusCode: 200, executedVersion: "$LATEST" };
  if (result.ok) return { responseContext: context, responsePayload: JSON.parse(result.payload) };
  // The function was never asked.
  if (result.throttled) return {};
  const { errorType, errorMessage, trace } = result;
  return {
    responseContext: { ...context, functionError: "Unhandled" },
    responsePayload: { errorType, errorMessage, ...(trace && { trace }) },
  };
}

/** A dead-letter queue gets the event itself: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq */
function deadLetterOf({ event, requestId }: Invocation, { result }: Outcome): QueueMessage {
  const errorMessage = result.ok ? "" : result.errorMessage;
  return {
    body: JSON.stringify(event),
    attributes: {
      RequestID: requestId,
      ErrorCode: result.ok || !result.throttled ? "200" : "429",
      ...(errorMessage !== "" && { ErrorMessage: head(errorMessage, 1024) }),
    },
    numbers: ["ErrorCode"],
  };
}
