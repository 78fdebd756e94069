/** The HTTP functions. Apart from `app.ts`, so that a function without HTTP carries none of it. */

import type { Hono } from "hono";
import type { Role } from "./api-keys.ts";
import { files, noting } from "./app.ts";
import { collectSchedule, staticEntry } from "./beat/schedule-entries.ts";
import { createBase } from "./http/base.ts";
import { type LoadDashboard, withDashboard } from "./http/dashboard.ts";
import { answerEvents, type Http } from "./http/events.ts";
import { viewRole } from "./http/key.ts";
import { createOperateApi } from "./http/operate.ts";
import { createReadApi } from "./http/read.ts";
import { createSubmitApi } from "./http/submit.ts";
import type { Entry } from "./schedules/entry.ts";
import { type App, currentApp } from "./task/current-app.ts";
import { createRegistry, type TaskModule } from "./task/registry.ts";

/** The entries that code declares, as the API shows them. */
function staticEntries(modules: readonly TaskModule[], app: App): Entry[] {
  return collectSchedule(modules).map((entry) => staticEntry(entry, app.config.timezone));
}

/** `POST /tasks/{name}`, `POST /uploads`. */
export function createSubmit(modules: readonly TaskModule[], app = currentApp()): Http {
  return noting(app, answerEvents(createSubmitApi(app, createRegistry(modules), files)));
}

/**
 * Every `GET`, and the answer to what no route knows.
 * @param parts `dashboard`: loads the dashboard's files; without it there is none
 */
export function createRead(
  modules: readonly TaskModule[],
  { dashboard, app = currentApp() }: { dashboard?: LoadDashboard; app?: App } = {},
): Http {
  const api = createReadApi(app, createRegistry(modules), files, staticEntries(modules, app));
  return answerEvents(dashboard ? withDashboard(api, app, files, dashboard) : api);
}

/** The decisions of operators: revoke, replay, redrive, pause, resume, purge, limits. */
export function createOperate(modules: readonly TaskModule[], app = currentApp()): Http {
  return noting(app, answerEvents(createOperateApi(app, createRegistry(modules), staticEntries(modules, app))));
}

/**
 * Views of your own, behind what the API itself has: the key, other origins, problem details for what they throw.
 * @param parts `role`: the least that a key must have, `read`, `submit` or `operate`; where the view's entry in serverless.yml wants more,
 * that holds. Without a word of either it is `submit`
 *
 * @example
 * const view = new Hono();
 * view.get("/welcome", async (c) => c.json({ id: (await add.delay({ x: 4, y: 6 })).id }, 202));
 * export const handler = createView(view);
 */
export function createView(view: Hono, { role, app = currentApp() }: { role?: Role; app?: App } = {}): Http {
  return noting(app, answerEvents(createBase(app, role ?? viewRole(app)).route("/", view)));
}
