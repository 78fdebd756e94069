import { createHash, timingSafeEqual } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import { ROLES, type Role } from "../api-keys.ts";
import { type App, currentApp } from "../task/current-app.ts";
import { isAllowedOrigin } from "./cors.ts";
import { HttpError, problem } from "./problem.ts";

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;
const MAX_PATH_CHARS = 200;

/** The one who calls. */
export interface Caller {
  /** The name of the key; `local` on a stage that has none. */
  name: string;
  role: Role;
  /** Whether the stage takes no change, whatever the role may. */
  readOnly: boolean;
}

const callers = new WeakMap<Request, Caller>();

/** The one who calls; undefined where no key was asked for. */
export function callerOf(c: Context): Caller | undefined {
  return callers.get(c.req.raw);
}

/**
 * Hono middleware for views of your own: answers 401 to a caller without one of the keys of `API_KEY_HASHES`, and 403 to one whose key
 * has a smaller role, or that would change something while `READ_ONLY` is on; and logs it.
 * @param role the least that the view wants: `read`, `submit` or `operate`; where its entry in serverless.yml wants more, that holds.
 * @defaultValue the entry's, or submit
 *
 * @example
 * const view = new Hono();
 * view.use(requireKey("read"));
 */
export function requireKey(role?: Role, app: App = currentApp()): MiddlewareHandler {
  return checkKey(app, role ?? viewRole(app));
}

/** The role that a view wants which names none itself. */
export function viewRole({ config }: App): Role {
  return config.viewKeyRole ?? "submit";
}

/** @param role undefined: any key will do, for each call says itself what it wants */
export function checkKey(app: App, role?: Role): MiddlewareHandler {
  return async (c, next) => {
    try {
      const caller = authorize(app, c);
      callers.set(c.req.raw, caller);
      for (const wanted of [role, app.config.viewKeyRole]) if (wanted !== undefined) admit(caller, wanted);
    } catch (error) {
      return refuse(app, c, error);
    }
    await next();
    return undefined;
  };
}

/** Logs a refusal, and answers with it. */
function refuse(app: App, c: Context, error: unknown): Response {
  if (error instanceof HttpError) {
    // Never the key, nor the query, which is where some send it.
    const path = c.req.path.slice(0, MAX_PATH_CHARS);
    app.log.warn("A call was refused", { reason: error.message, method: c.req.method, path, ...sourceOf(c) });
  }
  return problem(c, app.log, error);
}

/** @throws HttpError 403 if the caller may not do what a role does */
export function admit({ name, role: has, readOnly }: Caller, role: Role): void {
  if (ROLES.indexOf(has) < ROLES.indexOf(role)) {
    throw new HttpError(
      403,
      "FORBIDDEN",
      `The key '${name}' has the role '${has}': expected '${role}'. Give it that role in API_KEY_HASHES, or use another key.`,
    );
  }
  if (readOnly && role !== "read") {
    throw new HttpError(
      403,
      "READ_ONLY",
      "This stage is read-only: nothing is sent or changed until READ_ONLY is off.",
    );
  }
}

/**
 * Refuses a caller without a key; with no key configured, everyone. `API_KEY_HASHES=none` opens the API, but only to
 * requests that were addressed to loopback, by no page of a foreign origin: neither a deployed stage nor a web page gets in.
 * @throws HttpError 401, ConfigError
 */
function authorize({ config }: App, c: Context): Caller {
  const { apiKeys: keys, readOnly } = config;
  if (keys === "none") {
    const [host, origin] = [c.req.header("host"), c.req.header("origin")];
    if (host === undefined || !LOOPBACK.test(host)) {
      throw refusal("This stage has no API key and answers on loopback only. Set API_KEY_HASHES.");
    }
    if (origin !== undefined && !isAllowedOrigin(config, origin)) {
      throw refusal(
        "This stage has no API key and answers no web page of another machine. Add its origin to CORS_ORIGIN.",
      );
    }
    return { name: "local", role: "operate", readOnly };
  }
  const key = c.req.header("x-api-key") ?? /^Bearer (.+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
  const given = createHash("sha256")
    .update(key ?? "")
    .digest();
  // Every hash is compared, whatever the outcome, in constant time.
  const [match] = keys.filter(({ hash }) => timingSafeEqual(given, Buffer.from(hash, "hex")));
  if (key && match) return { name: match.name, role: match.role, readOnly };
  throw refusal("An API key is needed: send it as 'Authorization: Bearer <key>' or 'X-Api-Key'.");
}

function refusal(sentence: string): HttpError {
  return new HttpError(401, "UNAUTHORIZED", sentence, { "www-authenticate": "Bearer" });
}

/** The caller's address, where the event has one. */
export function sourceOf(c: Context): { sourceIp?: string } {
  const { requestContext } = c.env ?? {};
  const sourceIp: unknown = requestContext?.http?.sourceIp;
  return typeof sourceIp === "string" ? { sourceIp } : {};
}
