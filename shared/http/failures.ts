import type { Context, Hono } from "hono";
import { InvalidOptionError } from "../errors.ts";
import { type FailureGroup, GROUP_STATES, type GroupState } from "../failures/groups.ts";
import { publicRecord, type TaskRecord } from "../results/record.ts";
import type { App } from "../task/current-app.ts";
import { namesOf, type Registry } from "../task/registry.ts";
import { audited } from "./audit.ts";
import { addCall } from "./base.ts";
import { withoutValues } from "./listing.ts";
import { HttpError } from "./problem.ts";
import { toId, toNumber, toQuery } from "./query.ts";

const MAX_LIMIT = 100;

/** The calls that show failures by their kind. */
export function addFailureReads(api: Hono, app: App, registry: Registry): void {
  addCall(api, "listFailures", async (c) => {
    const { state, task, cursor, limit } = toQuery(c.req.url, "listFailures");
    const known = GROUP_STATES.find((one) => one === state);
    if (state !== undefined && known === undefined)
      throw new InvalidOptionError("state", state, GROUP_STATES.join(", "));
    const most = limit === undefined ? 50 : toNumber("limit", limit, { least: 1, most: MAX_LIMIT, whole: true });
    const tasks = task === undefined ? undefined : namesOf(registry, task);
    const groups = (await app.failures.list()).filter(
      (group) => (known === undefined || group.state === known) && (tasks?.includes(group.task) ?? true),
    );
    if (cursor !== undefined && !/^\d{4}-[\dT:.-]+Z~[0-9a-f]{16}$/.test(cursor)) {
      throw new InvalidOptionError("cursor", cursor, "the 'cursor' of an earlier answer");
    }
    // A group that has failed again since is above the cursor, and is not repeated.
    const rest = cursor === undefined ? groups : groups.filter((group) => placeOf(group) < cursor);
    const failures = rest.slice(0, most);
    const last = rest.length > most ? failures.at(-1) : undefined;
    return c.json({ failures, ...(last && { cursor: placeOf(last) }) });
  });

  addCall(api, "readFailure", async (c, { fingerprint }) => {
    const { cursor, limit } = toQuery(c.req.url, "readFailure");
    const most = limit === undefined ? 50 : toNumber("limit", limit, { least: 1, most: MAX_LIMIT, whole: true });
    const group = await knownGroup(app, fingerprint);
    const ids = await app.failures.members(fingerprint, {
      limit: most,
      before: cursor === undefined ? undefined : toId("cursor", cursor),
    });
    const records = await Promise.all(ids.map((id) => app.results.read(id)));
    const tasks: TaskRecord[] = records.flatMap((record) =>
      record?.state === "FAILURE" ? [publicRecord(record)] : [],
    );
    const last = ids.length === most ? ids.at(-1) : undefined;
    return c.json({ ...group, tasks: withoutValues(tasks), ...(last !== undefined && { cursor: last }) });
  });
}

/** In the order of the list: greater is newer. */
function placeOf({ lastAt, fingerprint }: FailureGroup): string {
  return `${lastAt}~${fingerprint}`;
}

/** The calls that say what is thought of them. */
export function addFailureActs(api: Hono, app: App): void {
  const say = async (c: Context, act: "ignore" | "resolve" | "reopen", fingerprint: string, state: GroupState) => {
    const group = await knownGroup(app, fingerprint);
    await audited({ app, c }, act, { failure: fingerprint, task: group.task, name: group.name }, async () => {
      await app.failures.setState(group, state);
      return { answer: undefined, outcome: {} };
    });
    return c.json({ fingerprint, state }, 202);
  };
  addCall(api, "ignoreFailure", (c, { fingerprint }) => say(c, "ignore", fingerprint, "ignored"));
  addCall(api, "resolveFailure", (c, { fingerprint }) => say(c, "resolve", fingerprint, "resolved"));
  addCall(api, "reopenFailure", (c, { fingerprint }) => say(c, "reopen", fingerprint, "open"));
}

async function knownGroup(app: App, fingerprint: string): Promise<FailureGroup> {
  const group = /^[0-9a-f]{16}$/.test(fingerprint) ? await app.failures.read(fingerprint) : undefined;
  if (group !== undefined) return group;
  throw new HttpError(
    404,
    "FAILURE_NOT_FOUND",
    "There is no group of failures with that fingerprint: it never was, or was not seen for 90 days. GET /failures lists them.",
  );
}
