import type { Hono } from "hono";
import { ACTS } from "../audit/trail.ts";
import { InvalidOptionError } from "../errors.ts";
import type { App } from "../task/current-app.ts";
import { addCall } from "./base.ts";
import { toNumber, toPeriod, toQuery } from "./query.ts";

const USUAL_DAYS = 7;
const DAY_MILLISECONDS = 86_400_000;
const MAX_LIMIT = 100;

/** The call that lists what operators did. */
export function addActivity(api: Hono, app: App): void {
  addCall(api, "listActivity", async (c) => {
    const { by, act, cursor, limit, ...times } = toQuery(c.req.url, "listActivity");
    const known = ACTS.find((one) => one === act);
    if (act !== undefined && known === undefined) throw new InvalidOptionError("act", act, ACTS.join(", "));
    const isCursor = /^\d{4}-\d\d-\d\dT(24|[\d:.]+Z#[0-9a-f-]{36})$/.test(cursor ?? "");
    if (cursor !== undefined && !(isCursor && Number.isFinite(Date.parse(cursor.slice(0, 10))))) {
      throw new InvalidOptionError("cursor", cursor, "the 'cursor' of an earlier answer");
    }
    const { from, to = app.clock() } = toPeriod(times, "from", "to");
    const since = from ?? new Date(to.getTime() - USUAL_DAYS * DAY_MILLISECONDS);
    if (since > to) throw new InvalidOptionError("from", since, "a time before now");
    const page = await app.audit.list({
      from: since,
      to,
      limit: limit === undefined ? 50 : toNumber("limit", limit, { least: 1, most: MAX_LIMIT, whole: true }),
      ...(by !== undefined && { by }),
      ...(known !== undefined && { act: known }),
      ...(cursor !== undefined && { cursor }),
    });
    return c.json({ ...page, searchedFrom: since.toISOString() });
  });
}
