/** Tasks as lists show them. */

import { cut } from "../echo.ts";
import { byteLength } from "../message/json.ts";
import type { ListPage } from "../results/list.ts";
import type { TaskRecord } from "../results/record.ts";

/** Tasks that are short, however large their values are. */
export function withoutValues(tasks: readonly TaskRecord[]): TaskRecord[] {
  return tasks.map(({ result, progress, error, attempts, ...record }) => ({
    ...record,
    payload: null,
    ...(error && { error: { name: error.name, message: cut(error.message), ...(error.code && { code: error.code }) } }),
  }));
}

/** As many tasks of a page as fit, at least one; the cursor goes on after the last. */
export function cutPage(page: ListPage, maxBytes: number): ListPage {
  let bytes = 0;
  const fits = page.tasks.findIndex((task, index) => {
    bytes += byteLength(JSON.stringify(task));
    return bytes > maxBytes && index > 0;
  });
  if (fits < 0) return page;
  const tasks = page.tasks.slice(0, fits);
  return { ...page, tasks, cursor: tasks.at(-1)?.id ?? "" };
}
