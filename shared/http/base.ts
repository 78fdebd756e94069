import { createHash, timingSafeEqual } from "node:crypto";
import { Hono } from "hono";
import { cut, echo } from "../echo.ts";
import { InvalidOptionError } from "../errors.ts";
import { type Json, unfitText } from "../message/json.ts";
import { readJson } from "../message/json-reader.ts";
import { readTime, TIME_EXPECTED } from "../message/time.ts";
import type { App } from "../task/current-app.ts";
import { HttpError, problem } from "./problem.ts";

/**
 * Lambda takes events of 6 MB, in which the body is JSON text within JSON text, and each of its quotes counts twice. What is larger
 * is uploaded, or sent through the SDK.
 */
const MAX_BODY_BYTES = 4 * 1_048_576;

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

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

/** A Hono app with what all functions of the API share: keys, problem details, unknown paths. */
export function createBase(app: App): Hono {
  const hono = new Hono({ strict: false });
  hono.use(async (c, next) => {
    if (c.req.path !== "/health")
      authorize(app, c.req.header("host"), c.req.header("authorization"), c.req.header("x-api-key"));
    await next();
  });
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

/**
 * Refuses a caller without a key; with no key configured, everyone. `API_KEY_HASHES=none` opens the API, but only to
 * requests that were addressed to loopback: neither a deployed stage nor a web page that rebinds its name gets in.
 */
function authorize(app: App, host: string | undefined, bearer: string | undefined, header: string | undefined): void {
  const hashes = app.config.apiKeyHashes;
  if (hashes === "none") {
    if (host !== undefined && LOOPBACK.test(host)) return;
    throw new HttpError(
      401,
      "UNAUTHORIZED",
      "This stage has no API key and answers on loopback only. Set API_KEY_HASHES.",
    );
  }
  const key = header ?? /^Bearer (.+)$/i.exec(bearer ?? "")?.[1];
  const given = createHash("sha256")
    .update(key ?? "")
    .digest();
  // Every hash is compared, whatever the outcome, in constant time.
  const matches = hashes.filter((hash) => timingSafeEqual(given, Buffer.from(hash, "hex")));
  if (key && matches.length > 0) return;
  throw new HttpError(
    401,
    "UNAUTHORIZED",
    "An API key is needed: send it as 'Authorization: Bearer <key>' or 'X-Api-Key'.",
    {
      "www-authenticate": "Bearer",
    },
  );
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

/** Reads a bound of a list: a time, or a date, which begins at midnight in UTC. @throws InvalidOptionError for what is neither */
export function toDate(name: string, text: string): Date {
  const time = readTime(text) ?? readTime(`${text}T00:00:00Z`);
  if (time === undefined)
    throw new InvalidOptionError(name, text, `a date or ${TIME_EXPECTED}; in a URL write + as %2B`);
  return time;
}
