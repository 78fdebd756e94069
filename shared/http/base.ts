import { Hono } from "hono";
import { cut, echo } from "../echo.ts";
import { type Json, unfitText } from "../message/json.ts";
import { readJson } from "../message/json-reader.ts";
import type { App } from "../task/current-app.ts";
import { allowOrigins } from "./cors.ts";
import { requireKey } from "./key.ts";
import { HttpError, problem } from "./problem.ts";

/**
 * Lambda takes events of 6 MB, in which the body is JSON text within JSON text, and each of its quotes counts twice. What is larger
 * is uploaded, or sent through the SDK.
 */
const MAX_BODY_BYTES = 4 * 1_048_576;

/** Methods of each path of the whole API, so that every function can tell a wrong method from an unknown path. */
const ROUTES: readonly (readonly [RegExp, string])[] = [
  [/^\/tasks$/, "GET, DELETE"],
  [/^\/tasks\/[^/]+$/, "GET, POST, DELETE"],
  [/^\/tasks\/[^/]+\/(replay|pause|resume)$/, "POST"],
  [/^\/tasks\/[^/]+\/limits$/, "PUT, DELETE"],
  [/^\/queues$/, "GET"],
  [/^\/queues\/[^/]+\/(pause|resume|purge|redrive)$/, "POST"],
  [/^\/control$/, "GET, DELETE"],
  [/^\/uploads$/, "POST"],
  [/^\/uploads\/[^/]+$/, "GET"],
  [/^\/(health|openapi\.json)?$/, "GET"],
];

/** A Hono app with what all functions of the API share: other origins, keys, problem details, unknown paths. */
export function createBase(app: App): Hono {
  const hono = new Hono({ strict: false });
  const key = requireKey(app);
  hono.use(allowOrigins(app.config));
  hono.use((c, next) => (c.req.path === "/health" ? next() : key(c, next)));
  hono.onError((error, c) => problem(c, app.log, error));
  hono.notFound((c) => {
    const allowed = ROUTES.find(([path]) => path.test(c.req.path))?.[1];
    const error =
      allowed === undefined || allowed.split(", ").includes(c.req.method)
        ? new HttpError(
            404,
            "NOT_FOUND",
            `There is nothing at ${c.req.method} ${cut(c.req.path)}. GET /openapi.json lists the calls.`,
          )
        : new HttpError(
            405,
            "METHOD_NOT_ALLOWED",
            `${c.req.method} is not a method of ${cut(c.req.path)}: expected ${allowed}.`,
            {
              allow: allowed,
            },
          );
    return problem(c, app.log, error);
  });
  return hono;
}

/** As `readBody`; no body at all is an empty object. */
export async function readOptionalBody(request: Request, known: readonly string[]): Promise<Record<string, Json>> {
  const empty = (await request.clone().text()) === "";
  return empty ? {} : readBody(request, known);
}

/**
 * Reads a JSON object from the body.
 * @param known its fields; another one is refused, for a mistyped option would be ignored in silence
 * @throws HttpError 400, 413, 415
 */
export async function readBody(request: Request, known: readonly string[]): Promise<Record<string, Json>> {
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  // A form or plain text is what a foreign web page could send without asking; JSON it could not.
  if (type !== "application/json") {
    throw new HttpError(
      415,
      "CONTENT_TYPE_UNSUPPORTED",
      `Content type ${echo(type ?? "")} is not accepted: expected 'application/json'. Add the header 'Content-Type: application/json'.`,
    );
  }
  const text = await request.text();
  const bytes = Buffer.byteLength(text);
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
  return value;
}
