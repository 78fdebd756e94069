/**
 * One JSON object per line on standard output, which CloudWatch Logs Insights reads without configuration:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
 */

import { cut, echo } from "./echo.ts";
import { describeError, isError } from "./stored-error.ts";

export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log, with `fields` in every line. */
  with(fields: LogFields): Log;
}

/** A longer text is cut: CloudWatch takes events of up to 1 MB, and nobody reads one. In characters. */
const MAX_TEXT_CHARS = 8192;

/** A field as its line shows it: what JSON would make `{}` of, an error above all, as a reader needs it. */
function shown(_: string, value: unknown): unknown {
  if (typeof value === "string") return cut(value, MAX_TEXT_CHARS);
  if (isError(value)) return describeError(value);
  return typeof value === "bigint" || value instanceof Map || value instanceof Set
    ? echo(value, MAX_TEXT_CHARS)
    : value;
}

/** @param write receives each finished line. @defaultValue standard output */
export function createLog(fields: LogFields = {}, write: (line: string) => void = (line) => console.log(line)): Log {
  const emit =
    (level: string) =>
    (message: string, extra: LogFields = {}): void => {
      const entry = { level, time: new Date().toISOString(), message, ...fields, ...extra };
      try {
        write(JSON.stringify(entry, shown));
      } catch {
        // A field that JSON cannot hold must not fail the task that logs it.
        write(
          JSON.stringify({ level, time: entry.time, message, fields: echo({ ...fields, ...extra }, MAX_TEXT_CHARS) }),
        );
      }
    };
  return {
    info: emit("info"),
    warn: emit("warn"),
    error: emit("error"),
    with: (more) => createLog({ ...fields, ...more }, write),
  };
}
