import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { cut } from "../echo.ts";
import { describeError, type ErrorCode, InvalidPayloadError, MAX_ISSUE_CHARS, TaskError } from "../errors.ts";
import type { Log } from "../log.ts";

/** Codes of what only HTTP can get wrong. */
export type HttpCode =
  | "BODY_INVALID"
  | "BODY_TOO_LARGE"
  | "CONTENT_TYPE_UNSUPPORTED"
  | "NOT_FOUND"
  | "FAILURE_NOT_FOUND"
  | "BULK_NOT_FOUND"
  | "BULK_CONFLICT"
  | "QUEUE_NOT_FOUND"
  | "TASK_NOT_REGISTERED"
  | "METHOD_NOT_ALLOWED"
  | "UNAUTHORIZED"
  | "FORBIDDEN"
  | "READ_ONLY"
  | "AUDIT_FAILED"
  | "INTERNAL";

/** A refusal that HTTP itself makes. */
export class HttpError extends Error {
  readonly status: ContentfulStatusCode;
  readonly code: HttpCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: ContentfulStatusCode, code: HttpCode, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.name = "HttpError";
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

const STATUS: Partial<Record<ErrorCode, ContentfulStatusCode>> = {
  TASK_NOT_REGISTERED: 404,
  TASK_NOT_FOUND: 404,
  VALUE_EXPIRED: 410,
  TASK_UNFINISHED: 409,
  IDEMPOTENCY_KEY_REUSED: 409,
  ID_REUSED: 409,
  UPLOAD_TAKEN: 409,
  UPLOAD_INCOMPLETE: 409,
  UPLOAD_EXPIRED: 410,
  REVOKES_FULL: 409,
  PAYLOAD_TOO_LARGE: 413,
  PAYLOAD_INVALID: 422,
  PAYLOAD_NEWER: 422,
  OPTION_INVALID: 422,
  SCHEDULE_INVALID: 422,
  WORKFLOW_INVALID: 422,
  WORKFLOW_NOT_FOUND: 404,
  WORKFLOW_NEWER: 409,
  WORKFLOW_ENDED: 409,
  SCHEDULE_NOT_FOUND: 404,
  SCHEDULE_EXISTS: 409,
  SCHEDULE_STATIC: 409,
  SCHEDULE_CHANGED: 412,
  BROKER_FAILED: 503,
  RESULT_STORE_FAILED: 503,
};

/**
 * Answers with RFC 9457 problem details: a sentence, a stable `code`, for a bad payload the schema's issues. An error that is not
 * the caller's doing is logged and answered without its details.
 * https://www.rfc-editor.org/rfc/rfc9457
 */
export function problem(c: Context, log: Log, error: unknown): Response {
  const { status, code, reason } = explain(error);
  if (error instanceof HttpError) return answer(c, { status, code, detail: reason }, error.headers);
  if (status >= 500) {
    log.error("A request failed", { method: c.req.method, path: c.req.path, error: describeError(error) });
  }
  if (status === 503 && error instanceof TaskError) {
    return answer(c, { status, code, detail: reason, ...withId(error) }, { "retry-after": "1" });
  }
  const more =
    error instanceof InvalidPayloadError ? { issues: error.issues.slice(0, MAX_ISSUES).map(shortIssue) } : {};
  return answer(c, { status, code, detail: reason, ...more });
}

/** The part of an error that a caller is told: of one that is not the caller's doing, no more than that. */
export function explain(error: unknown): { status: ContentfulStatusCode; code: string; reason: string } {
  if (error instanceof HttpError) return { status: error.status, code: error.code, reason: error.message };
  const status = error instanceof TaskError ? STATUS[error.code] : undefined;
  if (!(error instanceof TaskError) || status === undefined) {
    const reason = "The request failed for a reason that is in the service's log.";
    return { status: 500, code: "INTERNAL", reason };
  }
  // The cause is AWS's own text, which names roles and resources; the log has it.
  const reason = status === 503 ? (UNAVAILABLE[error.code] ?? "") : error.message;
  return { status, code: error.code, reason };
}

const UNAVAILABLE: Partial<Record<ErrorCode, string>> = {
  BROKER_FAILED: "The queue did not accept the task: nothing was sent. Send it again.",
  RESULT_STORE_FAILED:
    "The task was sent and will run, but its record could not be written yet. Read it by its id, and do not send it again.",
};

function withId({ details }: TaskError): { id?: string } {
  return typeof details.id === "string" ? { id: details.id } : {};
}

/** Problem details, with fields of our own beside the standard's. */
interface Details {
  status: ContentfulStatusCode;
  code: string;
  detail: string;
  id?: string;
  issues?: readonly object[];
}

function answer(
  c: Context,
  { status, code, detail, ...more }: Details,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const title = code.charAt(0) + code.slice(1).toLowerCase().replaceAll("_", " ");
  const body = { type: "about:blank", title, status, detail: cut(detail, MAX_DETAIL_CHARS), code, ...more };
  return c.body(JSON.stringify(body), status, { "content-type": "application/problem+json", ...headers });
}

/** The caller's text comes back in a refusal; cut here, whatever a sentence says, no answer is larger than 200 KB. */
const MAX_DETAIL_CHARS = 2000;
const MAX_ISSUES = 20;
const MAX_ISSUE_PATH = 20;

function shortIssue({ message, path = [] }: InvalidPayloadError["issues"][number]): {
  message: string;
  path: string[];
} {
  const parts = path.slice(0, MAX_ISSUE_PATH).map((part) => cut(pathPart(part)));
  return { message: cut(message, MAX_ISSUE_CHARS), path: parts };
}

function pathPart(part: PropertyKey | { readonly key: PropertyKey }): string {
  return String(typeof part === "object" ? part.key : part);
}
