import type { Hono } from "hono";
import { createOperateApi } from "../../shared/http/operate.ts";
import { createReadApi } from "../../shared/http/read.ts";
import { createSubmitApi } from "../../shared/http/submit.ts";
import { type App, files } from "../../shared/index.ts";
import type { Registry } from "../../shared/task/registry.ts";

/** The API's functions as one, as the gateway before them makes it. */
export interface Api {
  /** Asks the function whose route it is; `read` answers what no route knows. */
  request(method: string, path: string, sent?: Sent): Promise<Response>;
  /** `GET /tasks/:id` and so on, of all functions. */
  readonly routes: readonly { method: string; path: string }[];
}

export interface Sent {
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is. */
  raw?: string;
  headers?: Readonly<Record<string, string>>;
}

export const ORIGIN = "http://127.0.0.1:3000";

export function createApi(app: App, registry: Registry): Api {
  const read = createReadApi(app, registry, files);
  const apis = [createSubmitApi(app, registry, files), createOperateApi(app, registry), read];
  return {
    routes: apis.flatMap((api) => api.routes.filter(({ method, path }) => method !== "ALL" && path !== "/*")),
    async request(method, path, { body, raw, headers } = {}) {
      const api = apis.find((one) => hasRoute(one, method, path)) ?? read;
      const text = raw ?? (body === undefined ? undefined : JSON.stringify(body));
      return api.request(ORIGIN + path, {
        method,
        headers: { host: new URL(ORIGIN).host, "content-type": "application/json", ...headers },
        ...(text !== undefined && { body: text }),
      });
    },
  };
}

function hasRoute({ routes }: Hono, method: string, path: string): boolean {
  const { pathname } = new URL(path, ORIGIN);
  return routes.some(
    (route) => route.method === method && new RegExp(`^${route.path.replaceAll(/:\w+/g, "[^/]+")}$`).test(pathname),
  );
}
