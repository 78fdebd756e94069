import type { Context, MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import type { Config } from "../config.ts";

const LOOPBACK_ORIGIN = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/**
 * Lets web pages of the allowed origins call the API and read its answers. Every `OPTIONS` is answered here, without a key, for a
 * browser sends none with it; a page of another origin gets no leave. API Gateway may have answered already, by the same rule
 * (build/cors.ts). https://fetch.spec.whatwg.org/#http-cors-protocol
 */
export function allowOrigins(config: Config): MiddlewareHandler {
  const allow = cors({
    origin: (origin) => (config.corsOrigins === "*" ? "*" : origin),
    allowHeaders: ["Content-Type", "Authorization", "X-Api-Key", "If-Match"],
    allowMethods: ["GET", "POST", "PUT", "PATCH", "DELETE"],
    exposeHeaders: ["Location", "Retry-After", "ETag"],
    maxAge: 3600,
  });
  return async (c, next) => {
    const origin = c.req.header("origin");
    if (origin !== undefined && isAllowedOrigin(config, origin)) return allow(c, next);
    if (c.req.method === "OPTIONS") return noLeave(c);
    await next();
    // A cache must not show this answer to a page that is allowed.
    c.header("Vary", "Origin", { append: true });
    return undefined;
  };
}

/** Whether pages of this origin may call: it is one of `CORS_ORIGIN`, or a page of this machine calls a stage that has no key. */
export function isAllowedOrigin({ corsOrigins, apiKeys }: Config, origin: string): boolean {
  if (corsOrigins === "*" || corsOrigins.includes(origin)) return true;
  return apiKeys === "none" && LOOPBACK_ORIGIN.test(origin);
}

function noLeave(c: Context): Response {
  return c.body(null, 204, { vary: "Origin" });
}
