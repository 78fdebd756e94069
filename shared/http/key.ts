import { createHash, timingSafeEqual } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import { type App, currentApp } from "../task/current-app.ts";
import { isAllowedOrigin } from "./cors.ts";
import { HttpError, problem } from "./problem.ts";

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;
const MAX_PATH_CHARS = 200;

/**
 * Hono middleware for views of your own: answers 401 to a caller without one of the keys of `API_KEY_HASHES`, and logs it.
 *
 * @example
 * const view = new Hono();
 * view.use(requireKey());
 */
export function requireKey(app: App = currentApp()): MiddlewareHandler {
  return async (c, next) => {
    try {
      authorize(app, c);
    } catch (error) {
      if (error instanceof HttpError) {
        // Never the key, nor the query, which is where some send it.
        const path = c.req.path.slice(0, MAX_PATH_CHARS);
        app.log.warn("A call was refused", { reason: error.message, method: c.req.method, path, ...sourceOf(c) });
      }
      return problem(c, app.log, error);
    }
    await next();
    return undefined;
  };
}

/**
 * Refuses a caller without a key; with no key configured, everyone. `API_KEY_HASHES=none` opens the API, but only to
 * requests that were addressed to loopback, by no page of a foreign origin: neither a deployed stage nor a web page gets in.
 * @throws HttpError 401, ConfigError
 */
function authorize({ config }: App, c: Context): void {
  const hashes = config.apiKeyHashes;
  if (hashes === "none") {
    const [host, origin] = [c.req.header("host"), c.req.header("origin")];
    if (host === undefined || !LOOPBACK.test(host)) {
      throw refusal("This stage has no API key and answers on loopback only. Set API_KEY_HASHES.");
    }
    if (origin !== undefined && !isAllowedOrigin(config, origin)) {
      throw refusal(
        "This stage has no API key and answers no web page of another machine. Add its origin to CORS_ORIGIN.",
      );
    }
    return;
  }
  const key = c.req.header("x-api-key") ?? /^Bearer (.+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
  const given = createHash("sha256")
    .update(key ?? "")
    .digest();
  // Every hash is compared, whatever the outcome, in constant time.
  const matches = hashes.filter((hash) => timingSafeEqual(given, Buffer.from(hash, "hex")));
  if (key && matches.length > 0) return;
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
