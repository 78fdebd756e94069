/** Whether a stored record fits a search: only the attributes that its terms look into are read. */

import type { Item } from "../aws/change.ts";
import { type Json, parseJson } from "../message/json.ts";
import { fits, type Searched, type Term, textsOf } from "../search.ts";

/** Whether an item of a record fits each term. */
export function fitsAll(item: Item, terms: readonly Term[]): boolean {
  const task = toSearched(item);
  return terms.every((term) => fits(term, textsOf(task, term.field)));
}

function toSearched(item: Item): Searched {
  const text = (name: string): string => String(item[name] ?? "");
  const json = (name: string): Json => parseJson(text(name) || "null");
  return {
    id: text("sk"),
    state: text("state"),
    task: text("task"),
    queue: text("queue"),
    rootId: text("rootId"),
    ...(item.parentId !== undefined && { parentId: text("parentId") }),
    ...(item.tags !== undefined && { tags: Object(json("tags")) }),
    ...(item.headers !== undefined && { headers: Object(json("headers")) }),
    ...(item.error !== undefined && { error: Object(json("error")) }),
  };
}
