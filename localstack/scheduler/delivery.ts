/**
 * EventBridge Scheduler's deliveries: a schedule that fires gives its event to its target, again as often as its retry policy says,
 * and to its dead-letter queue in the end.
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-templated.html
 */

import { randomUUID } from "node:crypto";
import type { Clock } from "../clock.ts";
import { isQueueArn, type SendToQueue } from "../send-to-queue.ts";

export interface ScheduleTarget {
  /** Of a function or a queue. */
  arn: string;
  /** In it the context attributes stand, such as `<aws.scheduler.scheduled-time>`. JSON for a function. @defaultValue AWS's own event */
  input?: string;
  messageGroupId?: string;
  /** 0 to 185. */
  maximumRetryAttempts: number;
  /** 60 to 86,400 s (a day). */
  maximumEventAgeSeconds: number;
  /** ARN of the queue that gets what could not be delivered; without it such an event is dropped. */
  deadLetterArn?: string;
}

/** A schedule that is due. */
export interface Firing {
  scheduleArn: string;
  target: ScheduleTarget;
  due: Date;
}

export interface DeliveriesOptions {
  /** Takes an event for an asynchronous invocation; settles when it has been handled. Never rejects. */
  invoke: (functionName: string, event: unknown) => Promise<void>;
  hasFunction: (functionName: string) => boolean;
  send: SendToQueue;
  log: (line: string) => void;
  clock: Clock;
}

export interface Deliveries {
  /** Settles when the event was handled, or given up. Never rejects. */
  deliver(firing: Firing): Promise<void>;
  /** Tries nothing again from now on. */
  stop(): void;
}

interface Attempt {
  readonly number: number;
  readonly executionId: string;
  readonly body: string;
}

/** The name of the function that an ARN names; undefined for the ARN of anything else. */
export function functionIn(arn: string): string | undefined {
  return FUNCTION_ARN.exec(arn)?.[1];
}

const FUNCTION_ARN = /^arn:[\w-]+:lambda:[\w-]*:\d*:function:([\w-]+)(?::[\w$-]+)?$/;
const LONGEST_PAUSE_SECONDS = 300;

/** An error that comes back however often one tries: the target is not there, or does not take the message. */
class UndeliverableError extends Error {
  override readonly name = "ResourceNotFoundException";
}

export function createDeliveries(options: DeliveriesOptions): Deliveries {
  const { clock, log } = options;
  const stopping = new AbortController();

  const hand = async ({ target }: Firing, { body }: Attempt): Promise<void> => {
    const functionName = functionIn(target.arn);
    if (isQueueArn(target.arn)) return options.send(target.arn, { body, groupId: target.messageGroupId });
    if (functionName === undefined) {
      throw new UndeliverableError(`'${target.arn}' is neither a function nor a queue: others are not done here`);
    }
    if (!options.hasFunction(functionName)) throw new UndeliverableError(`Function not found: ${functionName}`);
    return options.invoke(functionName, JSON.parse(body));
  };

  const bury = async (firing: Firing, last: Attempt, reason: Reason): Promise<void> => {
    const { deadLetterArn } = firing.target;
    const name = firing.scheduleArn.split("/").at(-1);
    const fate = deadLetterArn ? `goes to ${deadLetterArn}` : "is dropped, for it declares no dead-letter queue";
    log(
      `A firing of schedule '${name}' could not be delivered and ${fate}: ${reason.error.name}: ${reason.error.message}`,
    );
    if (deadLetterArn === undefined) return;
    const attributes = deadLetterAttributes(firing, last, reason);
    await options.send(deadLetterArn, { body: last.body, attributes }).catch((error: unknown) => {
      log(`A dead letter of schedule '${name}' could not be sent to ${deadLetterArn}: ${error}`);
    });
  };

  return {
    async deliver(firing) {
      const { target } = firing;
      const start = clock.now();
      for (let number = 1; ; number += 1) {
        const attempt = prepare(firing, number);
        const error = await hand(firing, attempt).then(() => undefined, toError);
        if (error === undefined || stopping.signal.aborted) return;
        const pause = Math.min(2 ** (number - 1), LONGEST_PAUSE_SECONDS);
        const age = (clock.now() - start) / 1000 + pause;
        const condition = number > target.maximumRetryAttempts ? "MaximumRetryAttempts" : "MaximumEventAgeInSeconds";
        if (!isTransient(error)) return bury(firing, attempt, { error });
        if (number > target.maximumRetryAttempts || age > target.maximumEventAgeSeconds) {
          return bury(firing, attempt, { error, condition });
        }
        await clock.sleep(pause * 1000, stopping.signal);
        if (stopping.signal.aborted) return;
      }
    },
    stop: () => stopping.abort(),
  };
}

interface Reason {
  readonly error: Error;
  /** The limit that ended the retries; absent for an error that is not tried again. */
  readonly condition?: string;
}

/** The text for the target, with the context attributes filled in; a new one for each attempt. */
function prepare({ scheduleArn, target, due }: Firing, number: number): Attempt {
  const executionId = randomUUID();
  const time = toSeconds(due);
  const text = target.input ?? JSON.stringify(defaultEvent(scheduleArn, time, executionId));
  // https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
  const body = text
    .replaceAll("<aws.scheduler.schedule-arn>", scheduleArn)
    .replaceAll("<aws.scheduler.scheduled-time>", time)
    .replaceAll("<aws.scheduler.execution-id>", executionId)
    .replaceAll("<aws.scheduler.attempt-number>", String(number));
  return { number, executionId, body };
}

/** As AWS delivers it without an Input. `detail` is text, unlike that of other events. */
function defaultEvent(scheduleArn: string, time: string, id: string): object {
  const [, , , region, account] = scheduleArn.split(":");
  return {
    version: "0",
    id,
    "detail-type": "Scheduled Event",
    source: "aws.scheduler",
    account,
    time,
    region,
    resources: [scheduleArn],
    detail: "{}",
  };
}

/** https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html#configuring-schedule-dlq-dead-letter-event */
function deadLetterAttributes(
  { scheduleArn, target, due }: Firing,
  { number, executionId }: Attempt,
  { error, condition }: Reason,
): Record<string, string> {
  return {
    ERROR_CODE: error.name,
    ERROR_MESSAGE: error.message || error.name,
    EXECUTION_ID: executionId,
    ...(condition && { EXHAUSTED_RETRY_CONDITION: condition }),
    IS_PAYLOAD_TRUNCATED: "false",
    RETRY_ATTEMPTS: String(number - 1),
    SCHEDULED_TIME: toSeconds(due),
    SCHEDULE_ARN: scheduleArn,
    TARGET_ARN: target.arn,
  };
}

function toSeconds(time: Date): string {
  return time.toISOString().replace(/\.\d{3}Z$/, "Z");
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** The SDK marks what a service has refused as the client's fault. */
function isTransient(error: Error): boolean {
  return !(error instanceof UndeliverableError) && Reflect.get(error, "$fault") !== "client";
}
