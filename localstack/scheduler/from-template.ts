/** The schedules that a template declares. */

import { echo } from "../../shared/echo.ts";
import type { Resources } from "../template/resources.ts";
import { objectField, resourcesOf, type Template, textField } from "../template/template.ts";
import type { Schedule, ScheduleChanges } from "./scheduler.ts";

/**
 * Reads them all, but for disabled ones.
 * @throws Error for a schedule whose Input Lambda would not take
 */
export async function readSchedules(template: Template, resources: Resources): Promise<Schedule[]> {
  const declared = resourcesOf(template, "AWS::Scheduler::Schedule").filter(
    ({ properties }) => properties.State !== "DISABLED",
  );
  return Promise.all(
    declared.map(async ({ id, properties }) => {
      const target = objectField(properties, "Target") ?? {};
      const name = textField(properties, "Name") ?? id;
      const startDate = dateField(properties, "StartDate", name);
      const endDate = dateField(properties, "EndDate", name);
      const arn = String(await resources.resolve(target.Arn));
      return {
        name,
        expression: textField(properties, "ScheduleExpression") ?? "",
        timezone: textField(properties, "ScheduleExpressionTimezone") ?? "UTC",
        functionName: arn.split(":").at(-1) ?? "",
        input: checkedInput(textField(target, "Input") ?? "{}", name),
        ...(startDate && { startDate }),
        ...(endDate && { endDate }),
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

function dateField(properties: Record<string, unknown>, field: string, schedule: string): Date | undefined {
  const text = textField(properties, field);
  if (text === undefined) return undefined;
  const date = new Date(text);
  if (!Number.isNaN(date.getTime())) return date;
  throw new Error(`Schedule '${schedule}' has the ${field} '${text}': expected an ISO-8601 time.`);
}

function checkedInput(input: string, schedule: string): string {
  try {
    JSON.parse(input);
    return input;
  } catch {
    throw new Error(`Schedule '${schedule}' has the Input ${echo(input)}: expected JSON, for Lambda takes no other.`);
  }
}
