/** Faults that a schema finds, as the end of a sentence. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { cut, placeText } from "../echo.ts";

/** Of what a schema says of one fault, in characters. */
export const MAX_ISSUE_CHARS = 300;

/** ` at 'order.total': expected a number (and 2 more)` */
export function issuesText(issues: readonly StandardSchemaV1.Issue[]): string {
  const [first] = issues;
  const place = placeText(first?.path?.map((part) => (typeof part === "object" ? part.key : part)) ?? []);
  const where = place === "" ? "" : ` at '${place}'`;
  const fault = cut(first?.message ?? "it does not fit", MAX_ISSUE_CHARS);
  const others = issues.length > 1 ? ` (and ${issues.length - 1} more)` : "";
  return `${where}: ${fault}${others}`;
}
