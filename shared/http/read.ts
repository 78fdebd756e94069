import type { Hono } from "hono";
import { InvalidOptionError, TaskNotFoundError } from "../errors.ts";
import { type Files, uploadKey } from "../files/files.ts";
import { isId } from "../message/id.ts";
import type { Json } from "../message/json.ts";
import { FIRST_PAYLOAD_VERSION } from "../message/payload-version.ts";
import { publicRecord, type StoredRecord, type TaskRecord } from "../results/record.ts";
import type { Entry } from "../schedules/entry.ts";
import { DECISIONS } from "../table/keys.ts";
import { waitForFinal, withDecisions } from "../task/async-result.ts";
import type { App } from "../task/current-app.ts";
import type { Registry } from "../task/registry.ts";
import { addActivity } from "./activity.ts";
import { addCall, createBase } from "./base.ts";
import { addBulkReads } from "./bulk.ts";
import { addCounts } from "./counts.ts";
import { addFailureReads } from "./failures.ts";
import { callerOf } from "./key.ts";
import { cutPage, withoutValues } from "./listing.ts";
import { createMask } from "./masked.ts";
import { createNames } from "./names.ts";
import { createOpenApi } from "./openapi.ts";
import { toNumber, toQuery } from "./query.ts";
import { readQueues } from "./queues.ts";
import { addScheduleReads } from "./schedules.ts";
import { toListQuery } from "./task-filter.ts";
import { addWorkflowReads } from "./workflows.ts";

/** Longest wait of one call: API Gateway answers after 30 s. */
const MAX_WAIT_SECONDS = 20;
/** Of each large value, so that all of an answer stays below Lambda's 6 MB, where quotes and backslashes count twice. */
const MAX_ANSWER_BYTES = 950_000;
/** Of a page of a list, which ends early if its tasks are large. */
const MAX_PAGE_BYTES = 2_500_000;

/** The calls that read. Their function may not send. @param statics the entries that code declares */
export function createReadApi(app: App, registry: Registry, files: Files, statics: readonly Entry[] = []): Hono {
  const api = createBase(app);
  const names = createNames(app, registry);
  const mask = createMask(registry);

  const read = async (id: string, wait: string | undefined): Promise<TaskRecord> => {
    if (!isId(id)) throw new TaskNotFoundError(id);
    const seconds = wait === undefined ? 0 : toNumber("wait", wait, { least: 0, most: MAX_WAIT_SECONDS });
    const record = await app.results.complete(await waitForFinal(app, id, seconds), { maxBytes: MAX_ANSWER_BYTES });
    return mask.record(publicRecord(await withLinks(app, await withDecisions(app, record, names.all(record.task)))));
  };

  addCall(api, "readIndex", (c) =>
    c.json({
      service: "lovage",
      tasks: registry.tasks.map(({ name }) => name),
      contract: "/openapi.json",
      ...versionsOf(registry.tasks),
    }),
  );
  addCall(api, "readHealth", (c) => c.json({ status: "ok" }));
  addCall(api, "readContract", (c) => c.json(createOpenApi(registry.tasks, new URL(c.req.url).origin)));

  addCall(api, "readKey", (c) => {
    const { version } = app.config;
    return c.json({ ...callerOf(c), ...(version !== "" && { version }) });
  });
  addActivity(api, app);
  addBulkReads(api, app);
  addFailureReads(api, app, registry);
  addCounts(api, app, registry);

  addCall(api, "listTasks", async (c) => {
    const { values, ...fields } = toQuery(c.req.url, "listTasks");
    if (values !== undefined && values !== "true" && values !== "false") {
      throw new InvalidOptionError("values", values, "true or false");
    }
    const page = await app.results.list(toListQuery(fields, names));
    const tasks = values === "false" ? withoutValues(page.tasks) : page.tasks.map(mask.record);
    return c.json(cutPage({ ...page, tasks }, MAX_PAGE_BYTES));
  });
  addCall(api, "readTask", async (c, { id }) => c.json(await read(id, c.req.query("wait"))));

  addCall(api, "listQueues", async (c) => c.json(await readQueues(app)));
  addCall(api, "listDecisions", async (c) => c.json(await app.control.list(toControlPage(c.req.url))));

  addScheduleReads(api, { app, registry, mask }, statics);
  addWorkflowReads(api, app);

  addCall(api, "readUpload", async (c, { id }) => {
    const record = await read(id, c.req.query("wait"));
    if (record.task !== app.config.uploadTask) throw new TaskNotFoundError(record.id);
    const links = await Promise.all(
      derivedNames(record.result).map(async (name) => [name, await files.linkDerived(record.id, name)] as const),
    );
    const { filename } = record.headers ?? {};
    const key = uploadKey(record.id);
    return c.json({
      ...record,
      links: Object.fromEntries(links),
      ...(filename !== undefined && { filename }),
      ...(record.arrivedAt !== undefined && { original: await files.linkOriginal(key, filename ?? record.id) }),
    });
  });

  return api;
}

/** Links to the values that are too large for an answer. */
async function withLinks(app: App, record: StoredRecord): Promise<StoredRecord> {
  if (record.large === undefined) return record;
  const links = Object.entries(record.large).map(async ([part, value]) => {
    const ref = value.gone ? undefined : Object.entries(record.refs).find(([name]) => name === part)?.[1];
    return [part, { ...value, ...(ref && { url: await app.largeValues.link(ref) }) }] as const;
  });
  return { ...record, large: Object.fromEntries(await Promise.all(links)) };
}

/** The versions that the code reads of tasks whose payload has several versions, or that had other names; absent where there are none. */
function versionsOf(tasks: Registry["tasks"]) {
  const versions = tasks
    .filter(({ payloadVersion, aliases }) => payloadVersion > FIRST_PAYLOAD_VERSION || aliases.length > 0)
    .map(({ name, aliases, oldestVersion, payloadVersion }) => ({
      task: name,
      oldest: oldestVersion,
      newest: payloadVersion,
      ...(aliases.length > 0 && { aliases }),
    }));
  return versions.length > 0 ? { versions } : {};
}

/** Names of the files that a task made, if its result lists them as `derived`. */
function derivedNames(result: Json | undefined): string[] {
  if (typeof result !== "object" || result === null || Array.isArray(result)) return [];
  const { derived } = result;
  return Array.isArray(derived) ? derived.filter((name) => typeof name === "string") : [];
}

const MAX_DECISIONS = 1000;

function toControlPage(url: string): { limit: number; cursor: string | undefined } {
  const { limit, cursor } = toQuery(url, "listDecisions");
  if (cursor !== undefined && !(cursor.startsWith(DECISIONS.from) && cursor.length <= 400)) {
    throw new InvalidOptionError("cursor", cursor, "the 'cursor' of an earlier answer");
  }
  const bounds = { least: 1, most: MAX_DECISIONS, whole: true };
  return { limit: limit === undefined ? MAX_DECISIONS : toNumber("limit", limit, bounds), cursor };
}
