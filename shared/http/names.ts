import { echo, listText } from "../echo.ts";
import { InvalidOptionError } from "../errors.ts";
import { isTag } from "../message/labels.ts";
import type { App } from "../task/current-app.ts";
import type { Registry } from "../task/registry.ts";
import { HttpError } from "./problem.ts";

/** Checks the names in an operator's call: a mistyped one would do nothing, and say that it did. */
export interface Names {
  /** @throws HttpError 404 with the names that exist */
  task(name: string): string;
  /** @throws HttpError 404 with the names that exist */
  queue(name: string): string;
  /** A task that exists, or one that something is still decided about: what was paused can be resumed when its code is gone. */
  decidedTask(name: string): Promise<string>;
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
    async decidedTask(name) {
      const { entries } = await app.control.decisions(0);
      const isDecided = entries.some((one) => one.kind !== "revoke" && one.scope === "task" && one.name === name);
      return isDecided ? name : (registry.find(task(name))?.name ?? name);
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
