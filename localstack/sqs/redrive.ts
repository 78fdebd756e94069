/**
 * The policies of dead letters: which queue gets them, and from which queues it takes them.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
 */

import { cut } from "../../shared/echo.ts";
import { parseObject, stringsOf } from "../json.ts";
import { invalidValue, type SqsRefusal } from "./errors.ts";
import type { Queue, QueueStore } from "./fauxqs.ts";

const MAX_RECEIVE_COUNT = 1000;
const MAX_SOURCES = 10;
const PERMISSIONS = ["allowAll", "denyAll", "byQueue"];

/** Checks the policies among a queue's new attributes, and brings them into AWS's form. */
export function refuseRedrive(
  { name, isFifo }: { readonly name: string; readonly isFifo: boolean },
  attributes: Record<string, string>,
  queues: QueueStore,
): SqsRefusal | undefined {
  const { RedrivePolicy: redrive, RedriveAllowPolicy: allow } = attributes;
  const refusal = redrive ? refuseRedrivePolicy({ name, isFifo }, redrive, queues) : undefined;
  if (refusal !== undefined) return refusal;
  if (redrive) attributes.RedrivePolicy = normalized(redrive);
  return allow ? refuseRedriveAllowPolicy(allow) : undefined;
}

/** ARN of the queue that gets a queue's dead letters. */
export function deadLetterArnOf(queue: Queue): string | undefined {
  const target = parseObject(queue.attributes.RedrivePolicy ?? "")?.deadLetterTargetArn;
  return typeof target === "string" ? target : undefined;
}

function refuseRedrivePolicy(
  source: { readonly name: string; readonly isFifo: boolean },
  text: string,
  queues: QueueStore,
): SqsRefusal | undefined {
  const refuse = (reason: string): SqsRefusal => invalidValue("RedrivePolicy", cut(text, 300), reason);
  const policy = parseObject(text);
  if (policy === undefined) return refuse("Redrive policy is not a valid JSON map.");
  const { deadLetterTargetArn: arn, maxReceiveCount: count, ...others } = policy;
  if (Object.keys(others).length > 0) {
    return refuse("Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].");
  }
  if (arn === undefined) return refuse("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.");
  if (count === undefined) return refuse("Redrive policy does not contain mandatory attribute: maxReceiveCount.");
  if (!/^\d{1,4}$/.test(String(count)) || Number(count) < 1 || Number(count) > MAX_RECEIVE_COUNT) {
    return refuse(
      `Invalid value for maxReceiveCount: ${cut(String(count))}, valid values are from 1 to 1000 both inclusive.`,
    );
  }
  const target = queues.getQueueByArn(String(arn));
  if (target === undefined) return refuse("Dead letter target does not exist.");
  if (target.isFifo() !== source.isFifo) return refuse("Dead-letter queue must be same type of queue as the source.");
  const sourceArn = target.arn.slice(0, target.arn.lastIndexOf(":") + 1) + source.name;
  return isAllowed(target, sourceArn)
    ? undefined
    : refuse("Source queue is not permitted by the RedriveAllowPolicy of the dead-letter queue.");
}

function isAllowed(target: Queue, sourceArn: string): boolean {
  const { redrivePermission, sourceQueueArns } = parseObject(target.attributes.RedriveAllowPolicy ?? "") ?? {};
  if (redrivePermission === "denyAll") return false;
  return redrivePermission !== "byQueue" || stringsOf(sourceQueueArns).includes(sourceArn);
}

function refuseRedriveAllowPolicy(text: string): SqsRefusal | undefined {
  const refuse = (reason: string): SqsRefusal => invalidValue("RedriveAllowPolicy", cut(text, 300), reason);
  const policy = parseObject(text);
  if (policy === undefined) return refuse("Redrive allow policy is not a valid JSON map.");
  const { redrivePermission: permission, sourceQueueArns: sources, ...others } = policy;
  if (Object.keys(others).length > 0) {
    return refuse("Only following attributes are supported: [redrivePermission, sourceQueueArns].");
  }
  if (!PERMISSIONS.includes(String(permission)))
    return refuse(`redrivePermission must be one of ${PERMISSIONS.join(", ")}.`);
  if (permission !== "byQueue") {
    return sources === undefined ? undefined : refuse("sourceQueueArns can only be given with byQueue.");
  }
  const arns = stringsOf(sources);
  if (Array.isArray(sources) && arns.length === sources.length && arns.length > 0 && arns.length <= MAX_SOURCES) {
    return undefined;
  }
  return refuse(`sourceQueueArns must be a list of 1 to ${MAX_SOURCES} ARNs.`);
}

/** AWS gives the count back as a number, also where it was text. */
function normalized(text: string): string {
  const { deadLetterTargetArn, maxReceiveCount } = parseObject(text) ?? {};
  return JSON.stringify({ deadLetterTargetArn, maxReceiveCount: Number(maxReceiveCount) });
}
