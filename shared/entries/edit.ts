/** Entries of beat that are made and changed while the service runs: from code, and over HTTP. */

import { checkWhole } from "../canvas/check.ts";
import { restoreSecrets, withVersions } from "../canvas/secrets.ts";
import {
  InvalidScheduleError,
  NewerPayloadError,
  ScheduleChangedError,
  ScheduleExistsError,
  ScheduleNotFoundError,
  StaticScheduleError,
} from "../errors.ts";
import { type Json, parseJson, toJsonText } from "../message/json.ts";
import { payloadVersionField, payloadVersionOf } from "../message/payload-version.ts";
import { payloadText } from "../message/user-values.ts";
import { checkFires, checkRules, type Definition, isSame, toDefinition } from "../schedules/definition.ts";
import { changed, created, dueAfter, type Entry, LATE_MILLISECONDS } from "../schedules/entry.ts";
import { CODE, checkName, isStatic } from "../schedules/name.ts";
import type { Stored } from "../schedules/store.ts";
import { nextFireTime, parseSchedule } from "../schedules/timing.ts";
import type { App } from "../task/current-app.ts";
import { oneOfQueues, resolveOptions } from "../task/options.ts";
import { payloadOrNone } from "../task/payload.ts";
import type { Registry } from "../task/registry.ts";
import { readNode, readStoredNode } from "../workflows/read-node.ts";

type Fields = { readonly [field: string]: Json };

/** The tasks that an entry may name. */
export type FindTask = Pick<Registry, "find" | "get">;

/** Conditions of a call, beside the fields. */
export interface EditOptions {
  /** The edition that is to be changed: another one is left alone. `*`: any that exists. */
  ifMatch?: string;
  /** Refuse an entry that exists. */
  isNew?: boolean;
}

/** How often a change that met another one is tried again. */
const TRIES = 5;

/**
 * Makes an entry, or puts it in the place of the one of that name. The same entry again changes nothing.
 * @throws InvalidScheduleError and its kin for fields that cannot be used, ScheduleExistsError, ScheduleChangedError
 */
export async function putEntry(
  app: App,
  find: FindTask,
  name: string,
  { fields, ifMatch, isNew }: { fields: Fields } & EditOptions,
): Promise<{ entry: Entry; outcome: "created" | "changed" | "same" }> {
  checkDynamic(name);
  for (let tries = 0; ; tries += 1) {
    const stored = await app.schedules.read(name);
    const standing = stored?.kind === "deleted" ? undefined : stored;
    const old = standing?.kind === "entry" ? standing.entry : undefined;
    const definition = await checked(app, find, fields, old?.definition);
    if (standing !== undefined && isNew) throw new ScheduleExistsError(name);
    checkEdition(name, standing, ifMatch);
    const now = app.clock();
    if (old && isSame(old.definition, definition)) return { entry: old, outcome: "same" };
    const entry = old ? changed(old, definition, now, app.newId) : created(name, definition, now, app.newId);
    checkFires(entry.timing, firstMoment(definition, now));
    const replaces = standing?.kind === "broken" ? standing.edition : old?.edition;
    if (old) await notePause(app, old, entry);
    if (await store(app, entry, replaces)) return { entry, outcome: old ? "changed" : "created" };
    if (tries >= TRIES) throw new ScheduleChangedError(name);
  }
}

/**
 * Changes some fields of an entry; `null` takes one away.
 * @param find needed for a change of the task, its payload or options
 * @throws ScheduleNotFoundError and as putEntry
 */
export async function changeEntry(
  app: App,
  find: FindTask | undefined,
  name: string,
  { fields, ifMatch }: { fields: Fields } & Pick<EditOptions, "ifMatch">,
): Promise<Entry> {
  checkDynamic(name);
  for (let tries = 0; ; tries += 1) {
    const old = await readEntry(app, name);
    checkEdition(name, { kind: "entry", entry: old }, ifMatch);
    const definition = await checked(app, find, changedFields(old.definition, fields), old.definition);
    if (isSame(old.definition, definition)) return old;
    const entry = changed(old, definition, app.clock(), app.newId);
    if (definition.enabled) checkFires(entry.timing, firstMoment(definition, entry.since));
    await notePause(app, old, entry);
    if (await store(app, entry, old.edition)) return entry;
    if (tries >= TRIES || ifMatch !== undefined) throw new ScheduleChangedError(name);
  }
}

/** @throws ScheduleNotFoundError, ScheduleChangedError, StaticScheduleError */
export async function deleteEntry(app: App, name: string, ifMatch?: string): Promise<void> {
  checkDynamic(name);
  for (let tries = 0; ; tries += 1) {
    const stored = await app.schedules.read(name);
    if (stored === undefined || stored.kind === "deleted") throw new ScheduleNotFoundError(name);
    checkEdition(name, stored, ifMatch);
    const edition = stored.kind === "entry" ? stored.entry.edition : stored.edition;
    if (await app.schedules.remove(name, edition, app.clock())) return;
    if (tries >= TRIES) throw new ScheduleChangedError(name);
  }
}

/** Pauses or resumes an entry, one that code declares, too. Twice is once. */
export async function setEnabled(app: App, name: string, enabled: boolean): Promise<Entry | undefined> {
  if (isStatic(name)) {
    const pause = await app.schedules.pauseOf(name);
    if ((pause?.paused ?? false) !== enabled) return undefined;
    const now = app.clock();
    const note = { kind: "paused", at: pause?.since ?? now, until: now } as const;
    if (enabled) await app.schedules.note({ name, incarnation: CODE }, note, 0);
    await app.schedules.setPaused(name, !enabled, now);
    return undefined;
  }
  const old = await readEntry(app, name);
  if (old.definition.enabled === enabled) return old;
  return changeEntry(app, undefined, name, { fields: { enabled } });
}

/** @throws ScheduleNotFoundError, and InvalidScheduleError for one that cannot be read */
export async function readEntry(app: App, name: string): Promise<Entry> {
  const stored = await app.schedules.read(checkName(name));
  if (stored === undefined || stored.kind === "deleted") throw new ScheduleNotFoundError(name);
  if (stored.kind === "entry") return stored.entry;
  throw new InvalidScheduleError(
    `stored schedule entry '${name}' (${stored.reason})`,
    "one that can be read. Write it anew",
  );
}

async function store(app: App, entry: Entry, replaces: string | undefined): Promise<boolean> {
  const from = firstMoment(entry.definition, entry.since);
  const due = entry.definition.enabled ? dueAfter(entry, from, entry.since) : undefined;
  const since = from < entry.since ? from : entry.since;
  return app.schedules.write({ ...entry, since }, replaces, due);
}

/** The moment after which the first fire time counts: now, and for a one-off that is a little late, its own time. */
function firstMoment({ schedule, timezone }: Definition, now: Date): Date {
  if (parseSchedule(schedule).kind !== "at") return now;
  const late = new Date(now.getTime() - LATE_MILLISECONDS);
  const at = nextFireTime({ schedule, timezone, anchor: late }, late);
  return at && at <= now ? new Date(at.getTime() - 1) : now;
}

/**
 * A pause is no outage: history says so. Noted before it ends: dying after this leaves a note of a pause that goes on, which the repetition writes
 * anew. An entry that is changed while it is paused begins another pause.
 */
async function notePause(app: App, old: Entry, entry: Entry): Promise<void> {
  if (old.definition.enabled) return;
  const note = { kind: "paused", at: old.since, until: entry.since } as const;
  await app.schedules.note(entry, note, entry.definition.keepHistory ?? 0);
}

function checkDynamic(name: string): void {
  checkName(name);
  if (isStatic(name)) throw new StaticScheduleError(name);
}

function checkEdition(name: string, stored: Stored | undefined, ifMatch: string | undefined): void {
  if (ifMatch === undefined) return;
  const edition =
    stored?.kind === "entry" ? stored.entry.edition : stored?.kind === "broken" ? stored.edition : undefined;
  if (edition === undefined || (ifMatch !== "*" && ifMatch !== edition)) throw new ScheduleChangedError(name);
}

/**
 * The definition that fields make, with all that a firing would find wrong refused. Where its payload says `[secret]`, it keeps what the old
 * definition of the same task says.
 */
async function checked(
  app: App,
  find: FindTask | undefined,
  fields: Fields,
  old: Definition | undefined,
): Promise<Definition> {
  const definition = toDefinition(fields, app.config.timezone);
  checkRules(definition);
  if (find === undefined) return definition;
  if (definition.workflow !== undefined) return checkedWorkflow(app, find, definition, old);
  const task = find.get(definition.task ?? "");
  const given = parseJson(payloadText(task.name, payloadOrNone(task.schema, definition.payload ?? undefined)));
  const payload = await task.secrets.restore(given, () => (old?.task === task.name ? (old.payload ?? null) : null));
  const { payloadVersion: newest } = task;
  const { payloadVersion = newest, ...unversioned } = definition;
  if (payloadVersion > newest) throw new NewerPayloadError(task.name, payloadVersion, newest);
  const keys = await task.validate(payload, payloadVersion);
  const { queue } = resolveOptions(definition.options, app.clock(), task);
  if (!app.config.queues.includes(queue)) {
    throw new InvalidScheduleError(`queue '${queue}' of a schedule entry`, oneOfQueues(app.config.queues));
  }
  if (
    app.broker.isFifo(queue) &&
    definition.options.messageGroupId === undefined &&
    keys.messageGroupId === undefined
  ) {
    throw new InvalidScheduleError(
      `queue '${queue}' of a schedule entry`,
      `a messageGroupId of task '${task.name}', for this queue keeps the order within a group`,
    );
  }
  return { ...unversioned, ...payloadVersionField(payloadVersion), payload };
}

/** As a firing would send it, so that nothing is stored which that would refuse. The form that is stored is the one that was read. */
async function checkedWorkflow(
  app: App,
  tasks: FindTask,
  definition: Definition,
  old: Definition | undefined,
): Promise<Definition> {
  const before = old?.workflow === undefined ? undefined : readStoredNode(old.workflow);
  const given = withVersions(tasks, readNode(definition.workflow ?? null), "newest");
  const node = await restoreSecrets(tasks, given, before);
  await checkWhole({ tasks, queues: app.config.queues, now: app.clock() }, node, definition.options);
  return { ...definition, workflow: parseJson(toJsonText(node)) };
}

/** The fields that a change leaves. Naming a task takes the place of a workflow, and the other way round. */
function changedFields(old: Definition, fields: Fields): Fields {
  const { task, workflow, payload, payloadVersion: _, ...others } = old;
  const isOther = workflow === undefined ? "workflow" in fields : "task" in fields;
  const sends = isOther ? {} : { ...(task !== undefined && { task }), ...(workflow !== undefined && { workflow }) };
  // A payload that stays is of the version that it had; another one is of the newest, unless it says which.
  const version =
    isOther || workflow !== undefined || "payload" in fields ? {} : { payloadVersion: payloadVersionOf(old) };
  const kept = Object.entries({ ...others, ...sends, ...version, ...fields }).filter(([, value]) => value !== null);
  return { ...fieldsOf(kept), payload: "payload" in fields ? (fields.payload ?? null) : isOther ? null : payload };
}

function fieldsOf(entries: readonly (readonly [string, unknown])[]): Fields {
  const value = parseJson(JSON.stringify(Object.fromEntries(entries)));
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}
