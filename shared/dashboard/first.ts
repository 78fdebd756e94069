/** The first script of the page: small, so that the service is asked while the rest is loaded. */

import { readSearch } from "../search.ts";
import { askEarly, boundNow } from "./early.ts";
import { listPath, startOf, toSearch } from "./filter.ts";
import { own } from "./own.ts";
import { pathOf, readRoute } from "./path.ts";

const { path, query } = readRoute(location.hash);
const [name = "", id] = path;

const LISTS: Readonly<Record<string, () => string>> = {
  "": () => "queues",
  queues: () => "queues",
  tasks: () =>
    listPath(toSearch(readSearch(query.q ?? "").terms), { from: startOf(query.period, boundNow(Date.now())) }),
};

if (name === "tasks" && id !== undefined) askEarly(pathOf(["tasks", id]));
else if (id === undefined) {
  const list = own(LISTS, name);
  if (list) askEarly(list());
}
