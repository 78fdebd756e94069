/**
 * Lambda's queue for asynchronous invocations: what fails is tried again, and in the end recorded at the function's destination.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */

import { randomUUID } from "node:crypto";
import { ACCOUNT_ID } from "../account.ts";
import type { Clock } from "../clock.ts";
import type { InvocationResult } from "./functions.ts";

/** The `AWS::Lambda::EventInvokeConfig` of a function. */
export interface AsyncConfig {
  /** 0 to 2. @defaultValue 2 */
  maximumRetryAttempts?: number;
  /** 60 to 21,600 s (6 hours). @defaultValue 21 600 */
  maximumEventAgeSeconds?: number;
  /** ARN of the queue that gets a record of what failed for good; without it such an event is dropped. */
  onFailure?: string;
}

export interface AsyncInvocationsOptions {
  invoke: (functionName: string, event: unknown) => Promise<InvocationResult>;
  /** By function name. */
  configs: ReadonlyMap<string, AsyncConfig>;
  /** Sends a record to the queue with that ARN. */
  send: (queueArn: string, body: string) => Promise<void>;
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

  const discard = async (functionName: string, event: unknown, outcome: Outcome): Promise<void> => {
    const { onFailure } = configs.get(functionName) ?? {};
    if (onFailure === undefined) {
      log(
        `An event of function '${functionName}' was dropped (${outcome.condition}): it declares no destination for it.`,
      );
      return;
    }
    const record = JSON.stringify(invocationRecord(functionName, event, outcome, new Date(clock.now())));
    await options.send(onFailure, record).catch((error: unknown) => {
      log(`The record of a failed invocation of '${functionName}' could not be sent to ${onFailure}: ${error}`);
    });
  };

  return {
    async invoke(functionName, event) {
      const { maximumRetryAttempts, maximumEventAgeSeconds } = { ...DEFAULTS, ...configs.get(functionName) };
      const start = clock.now();
      for (let attempts = 0, throttles = 0; ; ) {
        const result = await options.invoke(functionName, event);
        if (result.ok || stopped) return;
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
          return discard(functionName, event, { condition, attempts, result });
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

interface Outcome {
  condition: "RetriesExhausted" | "EventAgeExceeded";
  attempts: number;
  result: Extract<InvocationResult, { ok: false }>;
}

/** https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html */
function invocationRecord(functionName: string, event: unknown, outcome: Outcome, now: Date): object {
  const { condition, attempts, result } = outcome;
  const { errorType, errorMessage, trace } = result;
  return {
    version: "1.0",
    timestamp: now.toISOString(),
    requestContext: {
      requestId: randomUUID(),
      functionArn: `arn:aws:lambda:us-east-1:${ACCOUNT_ID}:function:${functionName}:$LATEST`,
      condition,
      approximateInvokeCount: attempts,
    },
    requestPayload: event,
    ...(!result.throttled && {
      responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
      responsePayload: { errorType, errorMessage, ...(trace && { trace }) },
    }),
  };
}
