/** The tasks that a list or a bulk act asks for, read from their fields. */

import { InvalidOptionError } from "../errors.ts";
import type { ListQuery } from "../results/list.ts";
import { ORDERS } from "../table/in-order.ts";
import type { Names } from "./names.ts";
import { toCursor, toId, toNumber, toPeriod, toSearch, toSeveral, toState, toTag } from "./query.ts";

const MAX_LIMIT = 100;

/** @throws InvalidOptionError, HttpError 404 for a task or queue that the service does not have */
export function toListQuery(fields: Readonly<Record<string, string>>, names: Names): ListQuery {
  const { state, task, queue, tag, parent, root, unregistered, search, order, cursor, limit, ...times } = fields;
  const known = names.filters(unregistered);
  const { from, to } = toPeriod(times, "from", "to");
  const { from: finishedFrom, to: finishedTo } = toPeriod(times, "finishedFrom", "finishedTo");
  return {
    ...(state !== undefined && { state: toSeveral("state", state, (one) => toState(one)) }),
    ...(task !== undefined && { task: [toSeveral("task", task, known.task)].flat().flatMap(names.all) }),
    ...(queue !== undefined && { queue: toSeveral("queue", queue, known.queue) }),
    ...(tag !== undefined && { tag: toTag("tag", tag) }),
    ...(parent !== undefined && { parentId: toId("parent", parent) }),
    ...(root !== undefined && { rootId: toId("root", root) }),
    ...(search !== undefined && { search: toSearch("search", search) }),
    ...(order !== undefined && { order: toOrder(order) }),
    ...(from && { from }),
    ...(to && { to }),
    ...(finishedFrom && { finishedFrom }),
    ...(finishedTo && { finishedTo }),
    ...(cursor !== undefined && { cursor: toCursor(cursor) }),
    ...(limit !== undefined && { limit: toNumber("limit", limit, { least: 1, most: MAX_LIMIT, whole: true }) }),
  };
}

function toOrder(text: string): (typeof ORDERS)[number] {
  const order = ORDERS.find((one) => one === text);
  if (order === undefined) throw new InvalidOptionError("order", text, ORDERS.join(" or "));
  return order;
}
