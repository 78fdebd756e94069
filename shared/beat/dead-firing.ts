import { DEFAULT_QUEUE } from "../config.ts";
import type { Delivery } from "../message/delivery.ts";
import { type Json, parseJson } from "../message/json.ts";
import { payloadVersionOf } from "../message/payload-version.ts";
import type { App } from "../task/current-app.ts";
import { recordUnsent } from "../task/not-sent-failure.ts";
import { type Firing, firingId, readFiring } from "./beat.ts";

/** The task in the record of a firing whose schedule does not say what it sends. */
const UNKNOWN_TASK = "(unknown)";

/** Characters of an error of AWS or of the beat function that the record repeats; the function's log has it whole. */
const MAX_ERROR_CHARS = 1000;

/** A firing that AWS gave up, and the end of a sentence that says why. */
export interface DeadFiring {
  firing: Firing;
  reason: string;
}

/** Records a firing that AWS gave up as a FAILURE of its task, under the id that the task would have had. */
export async function recordDeadFiring(app: App, { firing, reason }: DeadFiring): Promise<void> {
  const { schedule, scheduledTime, task, queue, payload } = firing;
  const known = task !== undefined && payload !== undefined;
  await recordUnsent(app, {
    id: firingId(firing),
    task: known ? task : UNKNOWN_TASK,
    queue: queue ?? DEFAULT_QUEUE,
    payloadVersion: payloadVersionOf(firing),
    payload: known ? payload : { schedule, scheduledTime: scheduledTime.toISOString() },
    askedAt: scheduledTime,
    schedule: { name: schedule, at: scheduledTime.toISOString() },
    reason: `schedule entry '${schedule}' was due at ${scheduledTime.toISOString()}, and ${reason}`,
  });
}

type Fields = { [field: string]: Json };

/**
 * The firing that a message of the dead-letter queue stands for; undefined if it stands for none. It comes in two forms. Lambda writes a record of the invocation when the beat function has failed on every attempt;
 * Scheduler sends the bare Input, with attributes that say why, when it could not invoke the function at all.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
 */
export function readDeadFiring({ body: text, attributes }: Delivery): DeadFiring | undefined {
  const body = parseObject(text);
  if (body === undefined) return undefined;
  const { requestContext, requestPayload, responsePayload } = body;
  if (isObject(requestContext) && requestPayload !== undefined) {
    const firing = readFiring(requestPayload);
    return firing && { firing, reason: `the beat function ${outcome(requestContext, responsePayload)}` };
  }
  const { SCHEDULED_TIME, ERROR_CODE, ERROR_MESSAGE } = attributes;
  const firing = readFiring(body) ?? readFiring({ ...body, scheduledTime: SCHEDULED_TIME ?? null });
  const error = [ERROR_CODE, ERROR_MESSAGE].filter((one) => one !== undefined).join(": ");
  return firing && { firing, reason: `EventBridge Scheduler could not invoke the beat function (${cut(error)})` };
}

function outcome({ condition, approximateInvokeCount }: Fields, response: Json | undefined): string {
  const { errorType, errorMessage } = isObject(response) ? response : {};
  const texts = [errorType, errorMessage].filter((text) => typeof text === "string");
  const error = texts.length > 0 ? `: ${cut(texts.join(": "))}` : "";
  return condition === "EventAgeExceeded"
    ? `could not be run in time${error}`
    : `failed ${String(approximateInvokeCount ?? "several")} times${error}`;
}

function cut(text: string): string {
  return text.length > MAX_ERROR_CHARS ? `${text.slice(0, MAX_ERROR_CHARS)}…` : text.replace(/\.$/, "");
}

function parseObject(text: string): Fields | undefined {
  try {
    const value = parseJson(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: Json | undefined): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
