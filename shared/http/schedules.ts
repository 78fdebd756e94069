import type { Context, Hono } from "hono";
import { changeEntry, deleteEntry, putEntry, readEntry, setEnabled } from "../entries/edit.ts";
import { runNow } from "../entries/fire.ts";
import { historyOf } from "../entries/history.ts";
import { type EntryView, viewOf } from "../entries/schedules.ts";
import { InvalidOptionError, StaticScheduleError } from "../errors.ts";
import { type Definition, timingOf, toDefinition } from "../schedules/definition.ts";
import type { Entry } from "../schedules/entry.ts";
import { MAX_NAME } from "../schedules/name.ts";
import { preview } from "../schedules/preview.ts";
import type { App } from "../task/current-app.ts";
import { namesOf, type Registry } from "../task/registry.ts";
import { audited } from "./audit.ts";
import { addCall, readBody } from "./base.ts";
import { callerOf, sourceOf } from "./key.ts";
import { createMask, type Mask } from "./masked.ts";
import { toNumber, toQuery } from "./query.ts";

const MAX_PAGE = 100;
const MAX_PREVIEW = 100;
/** Runs that one entry is shown with. */
const RUNS = 10;
/** Runs that each entry of a list may be shown with: a read for each. */
const MAX_RUNS = 20;

/** The parts that showing an entry takes. */
interface Showing {
  app: App;
  registry: Registry;
  mask: Mask;
}

/** An entry as the API shows it. */
interface Shown {
  name: string;
  static: boolean;
  next: readonly string[];
  [field: string]: unknown;
}

/** The calls that read entries: those made at run time, and beside them those that code declares. */
export function addScheduleReads(api: Hono, showing: Showing, statics: readonly Entry[]): void {
  const { app, registry } = showing;
  addCall(api, "listSchedules", async (c) => {
    const { prefix = "", task, enabled, cursor, limit, runs } = toQuery(c.req.url, "listSchedules");
    if (enabled !== undefined && enabled !== "true" && enabled !== "false") {
      throw new InvalidOptionError("enabled", enabled, "true or false");
    }
    for (const [field, value] of Object.entries({ prefix, cursor })) {
      if (value !== undefined && value.length > MAX_NAME) {
        throw new InvalidOptionError(field, value, `at most ${MAX_NAME} characters, as a name has`);
      }
    }
    const most = limit === undefined ? 50 : toNumber("limit", limit, { least: 1, most: MAX_PAGE, whole: true });
    const page = await app.schedules.list({ prefix, limit: most, ...(cursor !== undefined && { after: cursor }) });
    const pauses = statics.length > 0 ? await app.schedules.pauses() : new Map<string, { paused: boolean }>();
    const dynamic = page.map((stored) => (stored.kind === "entry" ? show(showing, stored.entry) : broken(stored)));
    const declared = statics
      .filter(({ name }) => name.startsWith(prefix) && (cursor === undefined || name > cursor))
      .map((entry) => showStatic(showing, entry, pauses.get(entry.name)?.paused === true));
    const all = [...dynamic, ...declared].sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, most);
    const isFull = dynamic.length + declared.length > all.length || dynamic.length === most;
    const tasks = task === undefined ? undefined : namesOf(registry, task);
    const schedules = all.filter(
      (one) =>
        (tasks?.includes(String(one.task)) ?? true) && (enabled === undefined || String(one.enabled) === enabled),
    );
    const past = runs === undefined ? 0 : toNumber("runs", runs, { least: 0, most: MAX_RUNS, whole: true });
    const entries = new Map(statics.map((entry) => [entry.name, entry]));
    for (const stored of past > 0 ? page : [])
      if (stored.kind === "entry") entries.set(stored.entry.name, stored.entry);
    const withRuns = async (one: Shown): Promise<Shown> => {
      const entry = past > 0 ? entries.get(one.name) : undefined;
      return entry ? { ...one, runs: await historyOf(app, entry, past) } : one;
    };
    return c.json({
      schedules: await Promise.all(schedules.map(withRuns)),
      ...(isFull && { cursor: all.at(-1)?.name }),
    });
  });

  addCall(api, "readSchedule", async (c, { name }) => {
    const declared = statics.find((entry) => entry.name === name);
    const entry = declared ?? (await readEntry(app, name));
    const isPaused = declared !== undefined && (await app.schedules.pauseOf(name))?.paused === true;
    const view = declared ? showStatic(showing, declared, isPaused) : show(showing, entry);
    const runs = await historyOf(app, entry, RUNS);
    if (!declared) c.header("etag", `"${entry.edition}"`);
    return c.json({ ...view, runs });
  });

  addCall(api, "previewSchedule", (c) => {
    const { count, ...fields } = toQuery(c.req.url, "previewSchedule");
    const often = count === undefined ? 5 : toNumber("count", count, { least: 1, most: MAX_PREVIEW, whole: true });
    const definition = toDefinition({ ...fields, task: "preview" }, app.config.timezone);
    const now = app.clock();
    const { schedule, timezone } = definition;
    return c.json({ schedule, timezone, ...preview(timingOf(definition, now), now, often) });
  });
}

/** The calls that change entries. Each leaves a line in the audit trail. */
export function addScheduleChanges(api: Hono, app: App, registry: Registry, statics: readonly Entry[]): void {
  const showing: Showing = { app, registry, mask: createMask(registry) };
  const setPaused = (c: Context, name: string, paused: boolean) =>
    audited({ app, c }, paused ? "pause" : "resume", { schedule: name }, async () => {
      await setEnabled(app, name, !paused);
      return { answer: { name, paused }, outcome: { paused } };
    });
  const answer = (c: Context, entry: Entry): Response => {
    c.header("etag", `"${entry.edition}"`);
    return c.json(show(showing, entry));
  };

  addCall(api, "putSchedule", async (c, { name }) => {
    const fields = await readBody(c.req.raw, "putSchedule");
    refuseStatic(statics, name);
    const entry = await audited({ app, c }, "schedule", { schedule: name }, async () => {
      const { entry, outcome } = await putEntry(app, registry, name, { fields, ...ifMatch(c) });
      return { answer: entry, outcome: { outcome, edition: entry.edition } };
    });
    return answer(c, entry);
  });

  addCall(api, "changeSchedule", async (c, { name }) => {
    const fields = await readBody(c.req.raw, "changeSchedule");
    refuseStatic(statics, name);
    const entry = await audited({ app, c }, "schedule", { schedule: name }, async () => {
      const entry = await changeEntry(app, registry, name, { fields, ...ifMatch(c) });
      return { answer: entry, outcome: { fields: Object.keys(fields), edition: entry.edition } };
    });
    return answer(c, entry);
  });

  addCall(api, "deleteSchedule", async (c, { name }) => {
    refuseStatic(statics, name);
    await audited({ app, c }, "unschedule", { schedule: name }, async () => {
      await deleteEntry(app, name, ifMatch(c).ifMatch);
      return { answer: undefined, outcome: {} };
    });
    return c.json({ name, deleted: true });
  });

  addCall(api, "runSchedule", async (c, { name }) => {
    const entry = statics.find((one) => one.name === name) ?? (await readEntry(app, name));
    const by = callerOf(c)?.name ?? sourceOf(c).sourceIp;
    const { id, state } = await audited({ app, c }, "run", { schedule: name }, async () => {
      const answer = await runNow(app, registry, entry, by);
      return { answer, outcome: { id: answer.id } };
    });
    const { task, workflow } = entry.definition;
    const location = `${workflow === undefined ? "/tasks" : "/workflows"}/${id}`;
    return c.json({ id, ...(task !== undefined && { task }), state }, 202, { location });
  });

  addCall(api, "pauseSchedule", async (c, { name }) => c.json(await setPaused(c, name, true), 202));

  addCall(api, "resumeSchedule", async (c, { name }) => c.json(await setPaused(c, name, false), 202));
}

function refuseStatic(statics: readonly Entry[], name: string): void {
  if (statics.some((entry) => entry.name === name)) throw new StaticScheduleError(name);
}

/** The edition that a call means to change. https://www.rfc-editor.org/rfc/rfc9110#name-if-match */
function ifMatch(c: Context): { ifMatch?: string } {
  const header = c.req.header("if-match");
  if (header === undefined) return {};
  const [, edition] = /^"([^"]{1,100})"$/.exec(header) ?? [];
  if (header !== "*" && edition === undefined) {
    throw new InvalidOptionError("If-Match", header, "the ETag of an earlier answer, in its quotes, or *");
  }
  return { ifMatch: edition ?? "*" };
}

function show(showing: Showing, entry: Entry): Shown {
  const { definition, ...view } = maskedView(showing, entry);
  return { ...definition, ...view, static: false };
}

/** One of the code. EventBridge counts an interval from the deployment that made it, which nobody here knows. */
function showStatic(showing: Showing, entry: Entry, isPaused: boolean): Shown {
  const { definition, createdAt: _, changedAt: __, edition: ___, ...view } = maskedView(showing, entry);
  const enabled = definition.enabled && !isPaused;
  return { ...definition, ...view, enabled, static: true, next: enabled ? view.next : [] };
}

function maskedView({ app, mask }: Showing, entry: Entry): EntryView {
  const { definition, ...view } = viewOf(app, entry);
  return { ...view, definition: { ...definition, ...shownParts(mask, definition) } };
}

function shownParts(mask: Mask, definition: Definition): Partial<Definition> {
  const { task, workflow, payload } = definition;
  if (workflow !== undefined) return { workflow: mask.workflow(workflow) };
  return task === undefined || payload === undefined
    ? {}
    : { payload: mask.payload(task, payload), ...mask.version(task, definition) };
}

function broken({ name, edition, reason }: { name: string; edition: string; reason: string }): Shown {
  return { name, edition, static: false, next: [], broken: reason };
}
