/** Records as files: CSV for a spreadsheet, JSON Lines for a program. Pure. */

import type { TaskRecord } from "../results/record.ts";
import { writeExact } from "./json.ts";

const COLUMNS: Readonly<Record<string, (record: TaskRecord) => string | number | undefined>> = {
  id: ({ id }) => id,
  task: ({ task }) => task,
  state: ({ state }) => state,
  queue: ({ queue }) => queue,
  attempt: ({ attempt }) => attempt,
  createdAt: ({ createdAt }) => createdAt,
  startedAt: ({ startedAt }) => startedAt,
  finishedAt: ({ finishedAt }) => finishedAt,
  tags: ({ tags = [] }) => tags.join(" "),
  error: ({ error }) => error?.name,
  message: ({ error }) => error?.message,
};

/** The head of a CSV file. */
export const CSV_HEAD = `${Object.keys(COLUMNS).join(",")}\r\n`;

/** A line of a CSV file. https://www.rfc-editor.org/rfc/rfc4180 */
export function csvLine(record: TaskRecord): string {
  return `${Object.values(COLUMNS)
    .map((column) => csvCell(column(record)))
    .join(",")}\r\n`;
}

/** A text that a spreadsheet would take for a formula begins with an apostrophe. https://owasp.org/www-community/attacks/CSV_Injection */
function csvCell(value: string | number | undefined): string {
  if (value === undefined) return "";
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A line of a JSON Lines file, with every digit of its numbers. https://jsonlines.org */
export function jsonLine(record: TaskRecord): string {
  return `${writeExact(record, null)}\n`;
}
