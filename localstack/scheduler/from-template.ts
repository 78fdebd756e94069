/** The schedules that a template declares. */

import { echo } from "../../shared/echo.ts";
import { isObject } from "../json.ts";
import { isQueueArn } from "../send-to-queue.ts";
import type { Resources } from "../template/resources.ts";
import { objectField, rangeField, resourcesOf, type Template, textField } from "../template/template.ts";
import type { ScheduleTarget } from "./delivery.ts";
import type { Schedule, ScheduleChanges } from "./scheduler.ts";

type Properties = Record<string, unknown>;

/**
 * Reads them all, but for disabled ones.
 * @throws Error for a schedule that AWS would not create: an Input that is no JSON for a function, a time that is none, limits out
 * of their range, a FIFO queue for dead letters
 */
export async function readSchedules(template: Template, resources: Resources): Promise<Schedule[]> {
  const declared = resourcesOf(template, "AWS::Scheduler::Schedule").filter(
    ({ properties }) => properties.State !== "DISABLED",
  );
  const region = await resources.resolve({ Ref: "AWS::Region" });
  const account = await resources.resolve({ Ref: "AWS::AccountId" });
  return Promise.all(
    declared.map(async ({ id, properties, metadata }) => {
      const name = textField(properties, "Name") ?? id;
      const group = String(await resources.resolve(properties.GroupName ?? "default"));
      const startDate = dateField(properties, "StartDate", name);
      const endDate = dateField(properties, "EndDate", name);
      return {
        arn: `arn:aws:scheduler:${region}:${account}:schedule/${group}/${name}`,
        name,
        expression: textField(properties, "ScheduleExpression") ?? "",
        timezone: textField(properties, "ScheduleExpressionTimezone") ?? "UTC",
        target: await readTarget(objectField(properties, "Target") ?? {}, name, resources),
        ...(startDate && { startDate }),
        ...(endDate && { endDate }),
        ...(metadata.TellsNext === true && { tellsNext: true as const }),
      };
    }),
  );
}

/** One line that says what a reload has changed; undefined if nothing. */
export function describeChanges({ added, changed, removed }: ScheduleChanges): string | undefined {
  const parts = Object.entries({ added, changed, removed }).flatMap(([verb, names]) =>
    names.length === 0 ? [] : [`${verb} ${names.map((name) => `'${name}'`).join(", ")}`],
  );
  return parts.length === 0 ? undefined : `Schedules: ${parts.join("; ")}.`;
}

/**
 * A function's events without those that the framework compiles to schedules: serverless-offline takes them for rules, and would
 * fire them a second time.
 */
export function withoutSchedules(events: readonly Properties[] = []): Properties[] {
  return events.filter(({ schedule }) => !isObject(schedule) || schedule.method !== "scheduler");
}

async function readTarget(target: Properties, schedule: string, resources: Resources): Promise<ScheduleTarget> {
  const arn = String(await resources.resolve(target.Arn));
  const deadLetter = objectField(target, "DeadLetterConfig")?.Arn;
  const deadLetterArn = deadLetter === undefined ? undefined : String(await resources.resolve(deadLetter));
  if (deadLetterArn !== undefined && (!isQueueArn(deadLetterArn) || deadLetterArn.endsWith(".fifo"))) {
    throw new Error(
      `Schedule '${schedule}' has the dead-letter queue ${echo(deadLetterArn)}: expected the ARN of a standard queue.`,
    );
  }
  const resolved = await resources.resolve(target.Input);
  if (isObject(resolved) || Array.isArray(resolved)) {
    throw new Error(`Schedule '${schedule}' has the Input ${echo(JSON.stringify(resolved))}: expected a text.`);
  }
  const input = resolved === undefined ? undefined : checkedInput(String(resolved), arn, schedule);
  const messageGroupId = textField(objectField(target, "SqsParameters") ?? {}, "MessageGroupId");
  const retry = objectField(target, "RetryPolicy") ?? {};
  return {
    arn,
    maximumRetryAttempts: rangeField(retry, "MaximumRetryAttempts", [0, 185]),
    maximumEventAgeSeconds: rangeField(retry, "MaximumEventAgeInSeconds", [60, 86_400]),
    ...(input !== undefined && { input }),
    ...(messageGroupId !== undefined && { messageGroupId }),
    ...(deadLetterArn !== undefined && { deadLetterArn }),
  };
}

function dateField(properties: Properties, field: string, schedule: string): Date | undefined {
  const text = textField(properties, field);
  if (text === undefined) return undefined;
  const date = new Date(text);
  if (!Number.isNaN(date.getTime())) return date;
  throw new Error(`Schedule '${schedule}' has the ${field} '${text}': expected an ISO-8601 time.`);
}

/** A queue takes any text. */
function checkedInput(input: string, arn: string, schedule: string): string {
  if (isQueueArn(arn)) return input;
  try {
    JSON.parse(input);
    return input;
  } catch {
    throw new Error(`Schedule '${schedule}' has the Input ${echo(input)}: expected JSON, for Lambda takes no other.`);
  }
}
