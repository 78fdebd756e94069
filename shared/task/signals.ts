/** A task throws these to steer its own life. */

import { InvalidOptionError } from "../errors.ts";
import type { Node } from "../workflows/definition.ts";

/**
 * Base of what a task throws to steer its own life; never a fault. Celery's semipredicates:
 * https://docs.celeryq.dev/en/stable/userguide/tasks.html#semipredicates
 */
export class TaskSignal extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
  }
}

/** Thrown by `ctx.retry()`: run this task again after `countdown` seconds. */
export class Retry extends TaskSignal {
  readonly countdown: number | undefined;

  constructor(countdown: number | undefined, cause: unknown) {
    super("retry", cause);
    this.countdown = countdown;
  }
}

/**
 * Throw it to refuse the message. The task ends as a FAILURE that is never retried and can be replayed (`TASK_REJECTED`); with
 * `requeue` it goes back to its queue instead, and runs again under the same attempt number.
 */
export class Reject extends TaskSignal {
  readonly requeue: boolean;
  /** Seconds before a requeued task runs again. */
  readonly countdown: number;

  /** @param options `requeue`, by default false; `countdown`: seconds until then, 0 to 900, by default 1 */
  constructor(reason: string, options: { requeue?: boolean; countdown?: number } = {}) {
    super(reason);
    this.requeue = options.requeue ?? false;
    this.countdown = options.countdown ?? 1;
    if (!(this.countdown >= 0 && this.countdown <= 900)) {
      throw new InvalidOptionError("countdown", this.countdown, "0 to 900 seconds");
    }
  }
}

/** Thrown by `ctx.replace()`: the task becomes a workflow. */
export class Replace extends TaskSignal {
  readonly node: Node;

  constructor(node: Node) {
    super("replace");
    this.node = node;
  }
}

/** Throw it to end the task as REVOKED: it has found that there is nothing left to do. No hook is called. */
export class Ignore extends TaskSignal {}
