import { type Context, Hono } from "hono";
import type { Role } from "../api-keys.ts";
import { cut, echo } from "../echo.ts";
import { InvalidOptionError } from "../errors.ts";
import { type Json, unfitText } from "../message/json.ts";
import { readJson } from "../message/json-reader.ts";
import type { App } from "../task/current-app.ts";
import type { Call } from "./call.ts";
import { CALLS } from "./calls.ts";
import { allowOrigins } from "./cors.ts";
import { admit, callerOf, checkKey } from "./key.ts";
import { HttpError, problem } from "./problem.ts";
import {
  bodyFields,
  type CallId,
  callOf,
  methodsAt,
  type PathParameters,
  requiredBodyFields,
  routeOf,
} from "./routes.ts";

/**
 * Lambda takes events of 6 MB, in which the body is JSON text within JSON text, and each of its quotes counts twice. A larger
 * payload is uploaded as a file, or sent through the SDK.
 */
const MAX_BODY_BYTES = 4 * 1_048_576;

/**
 * A Hono app with all that the functions of the API share: other origins, keys, problem details, unknown paths.
 * @param role what a key needs for everything; undefined: each declared call says it itself
 */
export function createBase(app: App, role?: Role): Hono {
  const hono = new Hono({ strict: false });
  const key = checkKey(app, role);
  hono.use(allowOrigins(app.config));
  hono.use(async (c, next) => {
    await next();
    // The service's own time, also on a local stage whose clock was turned: the server before it has the machine's.
    c.res.headers.set("date", app.clock().toUTCString());
  });
  hono.use((c, next) => (isOpen(c.req.path) ? next() : key(c, next)));
  hono.onError((error, c) => problem(c, app.log, error));
  hono.notFound((c) => {
    const { method, path } = c.req;
    const allowed = methodsAt(path);
    const error =
      allowed.length === 0 || allowed.includes(method)
        ? new HttpError(
            404,
            "NOT_FOUND",
            `There is nothing at ${method} ${cut(path)}. GET /openapi.json lists the calls.`,
          )
        : new HttpError(
            405,
            "METHOD_NOT_ALLOWED",
            `${method} is not a method of ${cut(path)}: expected ${allowed.join(", ")}.`,
            { allow: allowed.join(", ") },
          );
    return problem(c, app.log, error);
  });
  return hono;
}

function isOpen(path: string): boolean {
  return Object.values<Call>(CALLS).some((call) => call.open && routeOf(call).path === path);
}

/** Answers a declared call with `handle`, which gets the parameters of the path. */
export function addCall<Id extends CallId>(
  api: Hono,
  id: Id,
  handle: (c: Context, parameters: PathParameters<Id>) => Response | Promise<Response>,
): void {
  const call = callOf(id);
  const { method, path } = routeOf(call);
  // The one place where the router's texts get their type: it has matched every part of the path that CALLS names.
  api.on(method, path.replaceAll(/\{(\w+)\}/g, ":$1"), (c) => {
    const caller = callerOf(c);
    // The function that answers a call is named by the role that it takes.
    if (caller) admit(caller, call.function);
    return handle(c, c.req.param() as PathParameters<Id>);
  });
}

/**
 * Reads the JSON object that is the body of a declared call. No body at all is an empty object, where none is required. A field that
 * the call does not know is refused, for a mistyped option would be ignored in silence, and so is a body without one that the call needs.
 * @throws HttpError 400, 413, 415
 */
export async function readBody(request: Request, id: CallId): Promise<Record<string, Json>> {
  const known = bodyFields(id);
  const text = await request.text();
  if (text === "" && callOf(id).body?.required !== true) return {};
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  // A form or plain text is what a foreign web page could send without asking; JSON it could not.
  if (type !== "application/json") {
    throw new HttpError(
      415,
      "CONTENT_TYPE_UNSUPPORTED",
      `Content type ${echo(type ?? "")} is not accepted: expected 'application/json'. Add the header 'Content-Type: application/json'.`,
    );
  }
  const bytes = Buffer.byteLength(text);
  // Counted, for a Content-Length may lie (docs/decisions/0038-http-middleware.md).
  if (bytes > MAX_BODY_BYTES) {
    throw new HttpError(
      413,
      "BODY_TOO_LARGE",
      `The body is ${bytes} bytes: at most ${MAX_BODY_BYTES} are accepted. Upload files through POST /uploads.`,
    );
  }
  let value: Json;
  try {
    value = readJson(text, (unfit) => new HttpError(400, "BODY_INVALID", `The body was refused: ${unfitText(unfit)}.`));
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError(
      400,
      "BODY_INVALID",
      `The body of ${bytes} bytes is not JSON: expected an object such as {"payload": {…}}.`,
    );
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new HttpError(
      400,
      "BODY_INVALID",
      `The body is JSON but not an object: expected the fields ${known.join(", ")}.`,
    );
  }
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new HttpError(
      400,
      "BODY_INVALID",
      `The body has an unknown field ${echo(unknown)}: expected ${known.join(", ")}.`,
    );
  }
  const required = requiredBodyFields(id);
  const missing = required.find((name) => value[name] === undefined);
  if (missing !== undefined) throw missingField(missing, required);
  return value;
}

/** @param required all fields that a body must have there */
export function missingField(name: string, required: readonly string[]): HttpError {
  const sentence = `The body has no field '${name}': expected ${required.join(", ")}. GET /openapi.json describes the call.`;
  return new HttpError(400, "BODY_INVALID", sentence);
}

/** Each value is checked where options are resolved; here, only that there are options. */
export function toOptions(options: Json | undefined): Record<string, Json> {
  if (options === undefined) return {};
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new InvalidOptionError("options", options, 'an object such as { "countdown": 60 }');
  }
  return options;
}
