import type { QueueDepth } from "../aws/sqs.ts";
import { describeError } from "../errors.ts";
import type { App } from "../task/current-app.ts";

export interface Queues {
  queues: ({ name: string; paused: boolean; workers?: number } & (QueueDepth | { unreadable: true }))[];
  /** Messages in the dead-letter queue; null if it could not be read. */
  dead: number | null;
}

/** How full the queues are, and how many workers each may have at once, where that is bounded. One that cannot be read does not hide the others. */
export async function readQueues(app: App): Promise<Queues> {
  const decisions = await app.control.decisions(0);
  const depthOf = (queue: string, depth: Promise<QueueDepth>): Promise<QueueDepth | { unreadable: true }> =>
    depth.catch((error: unknown) => {
      app.log.error("A queue could not be read", { queue, error: describeError(error) });
      return { unreadable: true };
    });
  const queues = await Promise.all(
    app.config.queues.map(async (name) => ({
      name,
      ...(await depthOf(name, app.broker.depth(name))),
      ...workersOf(app, name),
      paused: decisions.entries.some((one) => one.kind === "pause" && one.scope === "queue" && one.name === name),
    })),
  );
  const dead = await depthOf("dead-letter", app.broker.deadLetters());
  return { queues, dead: "unreadable" in dead ? null : dead.waiting + dead.inFlight };
}

function workersOf(app: App, queue: string): { workers?: number } {
  const workers = app.config.workers.get(queue);
  return workers === undefined ? {} : { workers };
}
