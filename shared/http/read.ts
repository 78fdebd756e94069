import type { Hono } from "hono";
import type { QueueDepth } from "../aws/sqs.ts";
import { FIRST } from "../control/control.ts";
import { describeError, InvalidOptionError, TaskNotFoundError } from "../errors.ts";
import type { Files } from "../files/files.ts";
import { isId } from "../message/id.ts";
import { byteLength, type Json } from "../message/json.ts";
import { type ListPage, type ListQuery, listTasks } from "../results/list.ts";
import { publicRecord, STATES, type StoredRecord, type TaskRecord } from "../results/record.ts";
import { waitForFinal, withDecisions } from "../task/async-result.ts";
import type { App } from "../task/current-app.ts";
import type { Registry } from "../task/registry.ts";
import { createBase, toDate } from "./base.ts";
import { createOpenApi } from "./openapi.ts";

/** Longest wait of one call: API Gateway answers after 30 s. */
const MAX_WAIT_SECONDS = 20;
const MAX_LIMIT = 100;
/** Of each large value, so that all of an answer stays below Lambda's 6 MB, where quotes and backslashes count twice. */
const MAX_ANSWER_BYTES = 950_000;
/** Of a page of a list, which ends early if its tasks are large. */
const MAX_PAGE_BYTES = 2_500_000;

/** The calls that read. Their function may not send. */
export function createReadApi(app: App, registry: Registry, files: Files): Hono {
  const api = createBase(app);

  const read = async (id: string, wait: string | undefined): Promise<TaskRecord> => {
    if (!isId(id)) throw new TaskNotFoundError(id);
    const seconds = wait === undefined ? 0 : Number(wait);
    if (!(seconds >= 0 && seconds <= MAX_WAIT_SECONDS)) {
      throw new InvalidOptionError("wait", wait, `0 to ${MAX_WAIT_SECONDS} seconds`);
    }
    const record = await app.results.complete(await waitForFinal(app, id, seconds), { maxBytes: MAX_ANSWER_BYTES });
    return publicRecord(await withLinks(app, await withDecisions(app, record)));
  };

  api.get("/", (c) =>
    c.json({ service: "lovage", tasks: registry.tasks.map(({ name }) => name), contract: "/openapi.json" }),
  );
  api.get("/health", (c) => c.json({ status: "ok" }));
  api.get("/openapi.json", (c) => c.json(createOpenApi(registry.tasks)));

  api.get("/tasks", async (c) =>
    c.json(cutPage(await listTasks(app.table, app.clock(), toListQuery(c.req.query())), MAX_PAGE_BYTES)),
  );
  api.get("/tasks/:id", async (c) => c.json(await read(c.req.param("id"), c.req.query("wait"))));

  api.get("/queues", async (c) => {
    const decisions = await app.control.decisions(0);
    // One that cannot be read must not hide the others.
    const depthOf = (queue: string, depth: Promise<QueueDepth>): Promise<QueueDepth | { unreadable: true }> =>
      depth.catch((error: unknown) => {
        app.log.error("A queue could not be read", { queue, error: describeError(error) });
        return { unreadable: true };
      });
    const queues = await Promise.all(
      app.config.queues.map(async (name) => ({
        name,
        ...(await depthOf(name, app.broker.depth(name))),
        paused: decisions.entries.some((one) => one.kind === "pause" && one.scope === "queue" && one.name === name),
      })),
    );
    const dead = await depthOf("dead-letter", app.broker.deadLetters());
    return c.json({ queues, dead: "unreadable" in dead ? null : dead.waiting + dead.inFlight });
  });
  api.get("/control", async (c) => c.json(await app.control.list(toControlPage(c.req.query()))));

  api.get("/uploads/:id", async (c) => {
    const record = await read(c.req.param("id"), c.req.query("wait"));
    if (record.task !== app.config.uploadTask) throw new TaskNotFoundError(record.id);
    const links = await Promise.all(
      derivedNames(record.result).map(async (name) => [name, await files.linkDerived(record.id, name)] as const),
    );
    return c.json({ ...record, links: Object.fromEntries(links) });
  });

  return api;
}

/** As many tasks of a page as fit, at least one; the cursor goes on after the last. */
function cutPage(page: ListPage, maxBytes: number): ListPage {
  let bytes = 0;
  const fits = page.tasks.findIndex((task, index) => {
    bytes += byteLength(JSON.stringify(task));
    return bytes > maxBytes && index > 0;
  });
  if (fits < 0) return page;
  const tasks = page.tasks.slice(0, fits);
  return { tasks, cursor: tasks.at(-1)?.id ?? "" };
}

/** What is too large for an answer is linked to. */
async function withLinks(app: App, record: StoredRecord): Promise<StoredRecord> {
  if (record.large === undefined) return record;
  const links = Object.entries(record.large).map(async ([part, value]) => {
    const ref = value.gone ? undefined : Object.entries(record.refs).find(([name]) => name === part)?.[1];
    return [part, { ...value, ...(ref && { url: await app.claimChecks.link(ref) }) }] as const;
  });
  return { ...record, large: Object.fromEntries(await Promise.all(links)) };
}

/** Names of the files that a task made, if its result lists them as `derived`. */
function derivedNames(result: Json | undefined): string[] {
  if (typeof result !== "object" || result === null || Array.isArray(result)) return [];
  const { derived } = result;
  return Array.isArray(derived) ? derived.filter((name) => typeof name === "string") : [];
}

const MAX_DECISIONS = 1_000;

function toControlPage({ limit = String(MAX_DECISIONS), cursor, ...others }: Record<string, string>): {
  limit: number;
  cursor: string | undefined;
} {
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new InvalidOptionError(unknown.slice(0, 80), undefined, "one of cursor, limit");
  const count = Number(limit);
  if (!Number.isSafeInteger(count) || count < 1 || count > MAX_DECISIONS) {
    throw new InvalidOptionError("limit", limit, `1 to ${MAX_DECISIONS}`);
  }
  if (cursor !== undefined && !(cursor.startsWith(FIRST) && cursor.length <= 400)) {
    throw new InvalidOptionError("cursor", cursor, "the 'cursor' of an earlier answer");
  }
  return { limit: count, cursor };
}

function toListQuery(query: Record<string, string>): ListQuery {
  const known = ["state", "task", "from", "to", "cursor", "limit"];
  const unknown = Object.keys(query).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new InvalidOptionError(unknown, undefined, `one of ${known.join(", ")}`);
  const { state, task, from, to, cursor, limit } = query;
  const list: ListQuery = {};
  if (state !== undefined) {
    const known = STATES.find((name) => name === state);
    if (known === undefined) throw new InvalidOptionError("state", state, STATES.join(", "));
    list.state = known;
  }
  if (task !== undefined) list.task = task;
  if (from !== undefined) list.from = toDate("from", from);
  if (to !== undefined) list.to = toDate("to", to);
  if (list.from && list.to && list.from > list.to) throw new InvalidOptionError("from", from, "a time before 'to'");
  if (cursor !== undefined) {
    if (!isId(cursor)) throw new InvalidOptionError("cursor", cursor, "the 'cursor' of an earlier answer");
    list.cursor = cursor;
  }
  if (limit !== undefined) {
    list.limit = Number(limit);
    if (!Number.isSafeInteger(list.limit) || list.limit < 1 || list.limit > MAX_LIMIT) {
      throw new InvalidOptionError("limit", limit, `1 to ${MAX_LIMIT}`);
    }
  }
  return list;
}
