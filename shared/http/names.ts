import { echo, listText } from "../echo.ts";
import { InvalidOptionError } from "../errors.ts";
import { isTag } from "../message/labels.ts";
import type { App } from "../task/current-app.ts";
import { namesOf, type Registry } from "../task/registry.ts";
import { HttpError } from "./problem.ts";

/** Checks the names in an operator's call: a mistyped one would do nothing, and say that it did. */
export interface Names {
  /** @throws HttpError 404 with the names that exist */
  task(name: string): string;
  /** @throws HttpError 404 with the names that exist */
  queue(name: string): string;
  /** Those of a task, today's first; of one that is not registered, the name itself. */
  all(name: string): readonly string[];
  /**
   * The names by which something is decided about a task, today's first: what was paused can be resumed when its code is gone, or its name.
   * @throws HttpError 404 for one that does not exist, and that nothing is decided about
   */
  decidedTasks(name: string): Promise<readonly string[]>;
  /** The same checks, for a filter: with `unregistered=true` in the query, old names are accepted, too. */
  filters(unregistered: string | undefined): Pick<Names, "task" | "queue">;
}

const HINT = " Add 'unregistered=true' to the query for a name that the service no longer has.";

export function createNames(app: App, registry: Registry): Names {
  const task = (name: string, hint = ""): string => {
    if (registry.find(name) !== undefined) return name;
    const sentence = `Task ${echo(name)} is not registered. Known tasks: ${listText(registry.names)}. Is it exported from a module in handlers/tasks/?`;
    throw new HttpError(404, "TASK_NOT_REGISTERED", sentence + hint);
  };
  const queue = (name: string, hint = ""): string => {
    if (app.config.queues.includes(name)) return name;
    const known = app.config.queues.join(", ");
    const sentence = `No queue has the name ${echo(name)}: expected ${known}.`;
    throw new HttpError(404, "QUEUE_NOT_FOUND", sentence + hint);
  };
  return {
    // A decision about a task that was renamed is one about its name by now.
    task: (name) => registry.find(task(name))?.name ?? name,
    queue: (name) => queue(name),
    all: (name) => namesOf(registry, name),
    async decidedTasks(name) {
      const { entries } = await app.control.decisions(0);
      const names = namesOf(registry, name);
      const decided = names.filter((one) =>
        entries.some((entry) => entry.kind !== "revoke" && entry.scope === "task" && entry.name === one),
      );
      // Today's name in any case: one who resumes what is not paused is told that it is not.
      return decided.includes(name) && registry.find(name) === undefined
        ? decided
        : [registry.find(task(name))?.name ?? name, ...decided.filter((one) => one !== names[0])];
    },
    filters(unregistered) {
      if (unregistered === undefined || unregistered === "false") {
        return { task: (name) => task(name, HINT), queue: (name) => queue(name, HINT) };
      }
      if (unregistered !== "true") {
        throw new InvalidOptionError("unregistered", unregistered, "true or false");
      }
      const any = (check: (name: string) => string) => (name: string) => (isTag(name) ? name : check(name));
      return { task: any(task), queue: any(queue) };
    },
  };
}
