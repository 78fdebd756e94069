import { createHash } from "node:crypto";
import type { Context, Hono } from "hono";
import { BULK_KINDS, type BulkAct, type BulkKind } from "../bulk/act.ts";
import { InvalidOptionError, MissingOptionError } from "../errors.ts";
import { idTime, isId } from "../message/id.ts";
import { type Json, toJsonText } from "../message/json.ts";
import type { ListQuery } from "../results/list.ts";
import { isFinal, STATES } from "../results/record.ts";
import {
  type BulkSource,
  MAX_BULK_IDS,
  MAX_BULK_RATE,
  MIN_BULK_RATE,
  makeBulkAct,
  startBulkAct,
  writeSource,
} from "../task/bulk.ts";
import type { App } from "../task/current-app.ts";
import type { Registry } from "../task/registry.ts";
import { audited } from "./audit.ts";
import { addCall, readBody } from "./base.ts";
import { SHOWN_OUTCOMES } from "./bulk-schemas.ts";
import { callerOf } from "./key.ts";
import { createNames, type Names } from "./names.ts";
import { chosen } from "./parameters.ts";
import { HttpError } from "./problem.ts";
import { toCursor, toId, toNumber, toQuery } from "./query.ts";
import { toListQuery } from "./task-filter.ts";

const DEFAULT_RATE = 10;
const MAX_LIMIT = 100;
/** Pages that are looked through for tasks of one outcome, at once and in one call. */
const PAGES_AT_ONCE = 10;
const MAX_PAGES = 100;

/** The calls that show bulk acts. */
export function addBulkReads(api: Hono, app: App): void {
  addCall(api, "listBulkActs", async (c) => {
    const { cursor, limit } = toQuery(c.req.url, "listBulkActs");
    const most = limit === undefined ? 50 : toNumber("limit", limit, { least: 1, most: MAX_LIMIT, whole: true });
    const acts = await app.bulk.list({
      limit: most,
      before: cursor === undefined ? undefined : toCursor(cursor),
    });
    const last = acts.length === most ? acts.at(-1) : undefined;
    return c.json({ acts: acts.map(shown), ...(last && { cursor: last.id }) });
  });

  addCall(api, "readBulkAct", async (c, { id }) => {
    const { cursor, outcome } = toQuery(c.req.url, "readBulkAct");
    const wanted = SHOWN_OUTCOMES.find((one) => one === outcome);
    if (outcome !== undefined && wanted === undefined) {
      throw new InvalidOptionError("outcome", outcome, SHOWN_OUTCOMES.join(", "));
    }
    if (cursor !== undefined && !/^[1-9]\d{0,5}$/.test(cursor)) {
      throw new InvalidOptionError("cursor", cursor, "the 'cursor' of an earlier answer");
    }
    const first = Number(cursor ?? 1);
    // The tasks first: outcomes that the act does not count yet look better than counts without outcomes.
    const { tasks, next } = isId(id) ? await readTasks(app, id, { first, wanted }) : { tasks: [], next: first };
    const act = await known(app, id);
    return c.json({ ...shown(act), tasks, ...(next <= act.pages && { cursor: String(next) }) });
  });
}

interface ShownTask {
  id: string;
  outcome: (typeof SHOWN_OUTCOMES)[number];
}

/** A page of an act's tasks; of one outcome, those of so many pages that they fill one, or that the call has looked at enough. */
async function readTasks(
  app: App,
  id: string,
  { first, wanted }: { first: number; wanted: ShownTask["outcome"] | undefined },
): Promise<{ tasks: ShownTask[]; next: number }> {
  const tasks: ShownTask[] = [];
  const atOnce = wanted === undefined ? 1 : PAGES_AT_ONCE;
  const most = wanted === undefined ? 1 : MAX_PAGES;
  let next = first;
  while (next < first + most && tasks.length < MAX_LIMIT) {
    const numbers = Array.from({ length: atOnce }, (_, index) => next + index);
    const pages = await Promise.all(numbers.map((number) => app.bulk.page(id, number)));
    for (const page of pages) {
      const all = (page?.ids ?? []).map((task, index) => ({
        id: task,
        outcome: "waiting" as const,
        ...page?.outcomes[index],
      }));
      tasks.push(...all.filter(({ outcome }) => wanted === undefined || outcome === wanted));
    }
    next += atOnce;
    if (pages.at(-1) === undefined) break;
  }
  return { tasks, next };
}

/** The calls that make, start and stop them. */
export function addBulkActs(api: Hono, app: App, registry: Registry): void {
  const names = createNames(app, registry);

  addCall(api, "makeBulkAct", async (c) => {
    const body = await readBody(c.req.raw, "makeBulkAct");
    const wanted = await toWanted(app, body, names);
    const { id = app.newId(), digest, target } = wanted;
    const made = await audited({ app, c }, "bulk", { bulk: id, act: wanted.act, ...target }, async () => {
      const { act, isNew } = await makeBulkAct(app, { ...wanted, id, by: callerOf(c)?.name ?? "local" });
      if (act.digest !== digest) {
        throw conflict(`Another bulk act has the id ${id}. Make a new id, or repeat the call as it was.`);
      }
      return { answer: act, outcome: { state: act.state, ...(!isNew && { repeated: true }) } };
    });
    return c.json(shown(made), 202, { location: `/bulk/${id}` });
  });

  const change = async (c: Context, verb: "start" | "stop", id: string): Promise<BulkAct> => {
    const { act: kind, total } = await known(app, id);
    return audited({ app, c }, verb, { bulk: id, act: kind, total }, async () => {
      const act = (await (verb === "start" ? startBulkAct(app, id) : app.bulk.stop(id))) ?? missing();
      if (verb === "start" && act.state === "collecting") {
        throw conflict(`The tasks of bulk act ${id} are still being found. Start it when its state is 'ready'.`);
      }
      const { state, done, skipped, failed } = act;
      return { answer: act, outcome: { state, done, skipped, failed } };
    });
  };
  addCall(api, "startBulkAct", async (c, { id }) => c.json(shown(await change(c, "start", id)), 202));
  addCall(api, "stopBulkAct", async (c, { id }) => c.json(shown(await change(c, "stop", id)), 202));
}

async function known(app: App, id: string): Promise<BulkAct> {
  return (isId(id) ? await app.bulk.read(id) : undefined) ?? missing();
}

function missing(): never {
  throw new HttpError(
    404,
    "BULK_NOT_FOUND",
    "There is no bulk act with that id: it never was, or ended more than 90 days ago. GET /bulk lists them.",
  );
}

function conflict(sentence: string): HttpError {
  return new HttpError(409, "BULK_CONFLICT", sentence);
}

function shown({ id, act, by, at, state, rate, target, total, done, skipped, failed, ...more }: BulkAct) {
  const { isCut, startedAt, endedAt } = more;
  return {
    id,
    act,
    by,
    at,
    state,
    rate,
    target,
    total,
    done,
    skipped,
    failed,
    ...(isCut && { isCut }),
    ...(startedAt !== undefined && { startedAt }),
    ...(endedAt !== undefined && { endedAt }),
  };
}

interface Wanted {
  id?: string;
  act: BulkKind;
  rate: number;
  start: boolean;
  source: Json;
  ids: readonly string[];
  target: { [field: string]: Json };
  digest: string;
}

/** @throws InvalidOptionError, MissingOptionError, HttpError 404 */
async function toWanted(app: App, body: Record<string, Json>, names: Names): Promise<Wanted> {
  const { id, start = true, rate = DEFAULT_RATE, ...asked } = body;
  const act = BULK_KINDS.find((one) => one === body.act);
  if (act === undefined) throw new InvalidOptionError("act", body.act, BULK_KINDS.join(" or "));
  if (typeof start !== "boolean") throw new InvalidOptionError("start", start, "true or false");
  if (typeof rate !== "number" || !(rate >= MIN_BULK_RATE && rate <= MAX_BULK_RATE)) {
    throw new InvalidOptionError("rate", rate, `a number from ${MIN_BULK_RATE} to ${MAX_BULK_RATE}`);
  }
  if (id !== undefined && !(typeof id === "string" && isId(id) && idTime(id) !== undefined)) {
    throw new InvalidOptionError("id", id, "a UUID of version 7, whose first digits are its time");
  }
  const { filter, failure, ids } = asked;
  const given = Object.values({ filter, failure, ids }).filter((one) => one !== undefined);
  if (given.length !== 1) {
    throw new MissingOptionError("filter", "a bulk act is about one of 'filter', 'failure' and 'ids'");
  }
  const digest = createHash("sha256")
    .update(toJsonText({ ...asked, rate, start }))
    .digest("hex");
  const common = { ...(id !== undefined && { id }), act, rate, start, digest };
  if (ids !== undefined) {
    const tasks = toIds(ids);
    return { ...common, ids: tasks, source: null, target: { ids: tasks.length } };
  }
  const source = failure === undefined ? toFilter(app, act, { filter, names }) : await toFailure(app, act, failure);
  return {
    ...common,
    ids: [],
    source: writeSource(source),
    target: failure === undefined ? { filter: filter ?? null } : { failure },
  };
}

function toIds(value: Json): string[] {
  const ids = Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
  if (!Array.isArray(value) || ids.length !== value.length || ids.length === 0 || ids.length > MAX_BULK_IDS) {
    throw new InvalidOptionError("ids", value, `a list of 1 to ${MAX_BULK_IDS} ids of tasks`);
  }
  return [...new Set(ids.map((id) => toId("ids", id)))];
}

async function toFailure(app: App, act: BulkKind, value: Json): Promise<BulkSource> {
  if (act !== "replay") throw new InvalidOptionError("act", act, "replay, for failures have ended");
  const group = typeof value === "string" && /^[0-9a-f]{16}$/.test(value) ? await app.failures.read(value) : undefined;
  if (group === undefined) throw new InvalidOptionError("failure", value, "a fingerprint that GET /failures lists");
  return { failure: group.fingerprint };
}

/** A filter that says no state is about the tasks that the act is for; one that says another is refused. */
function toFilter(app: App, act: BulkKind, { filter, names }: { filter: Json | undefined; names: Names }): BulkSource {
  const allowed = chosen.map(({ name }) => String(name));
  const isObject = typeof filter === "object" && filter !== null && !Array.isArray(filter);
  const fields = isObject ? Object.entries(filter) : [];
  const texts = fields.flatMap(([name, value]) =>
    typeof value === "string" && allowed.includes(name) ? [[name, value] as const] : [],
  );
  if (texts.length === 0 || texts.length !== fields.length) {
    throw new InvalidOptionError("filter", filter, `an object of texts, with at least one of ${allowed.join(", ")}`);
  }
  const query = toListQuery(Object.fromEntries(texts), names);
  const fits = STATES.filter((state) => isFinal(state) === (act === "replay"));
  const usual = act === "replay" ? (["FAILURE"] as const) : fits;
  const state = query.state ?? usual;
  const other = [state].flat().find((one) => !fits.includes(one));
  if (other !== undefined) throw new InvalidOptionError("state", other, `one of ${fits.join(", ")} for '${act}'`);
  const now = app.clock();
  const to: ListQuery["to"] = query.to && query.to < now ? query.to : now;
  return { filter: { ...query, state, to } };
}
