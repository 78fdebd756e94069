import { setTimeout as wait } from "node:timers/promises";
import { ResultTimeoutError, TaskRevokedError, WorkflowNotFoundError } from "../errors.ts";
import type { Json } from "../message/json.ts";
import type { App } from "../task/current-app.ts";
import { type GetOptions, pauses, timeoutOf, waitUntil } from "../task/wait.ts";
import {
  childPlace,
  type Definition,
  type EachNode,
  endPlace,
  type GroupNode,
  isEachNode,
  isGroupNode,
  nodeAt,
  type Place,
} from "../workflows/definition.ts";
import { errorOf, failedWith, GROUP } from "./failures.ts";
import {
  addedAs,
  asMember,
  groupAt,
  type MemberOutcome,
  outcomeAt,
  type Reading,
  sizeOf,
  tallyOf,
  valueAt,
} from "./results.ts";
import { revokeWorkflow } from "./revoke.ts";

const PAGE = 100;

/** The outcome of a member that was never begun. */
const STOPPED = failedWith("REVOKED", {
  id: "",
  task: GROUP,
  error: { name: "TaskRevokedError", message: "Its group was stopped before it began." },
});

/** How far a group has come. */
export interface GroupCounts {
  members: number;
  /** Those that have ended well. */
  completed: number;
  /** Those that have failed, were revoked or had expired. */
  failed: number;
}

/** A handle on a group that is the last part of a workflow. Everything that asks the table is a method. */
export class GroupResult<Result = Json[]> {
  /** The workflow's id. */
  readonly id: string;
  readonly #app: App;

  constructor(id: string, app: App) {
    this.id = id;
    this.#app = app;
  }

  /**
   * Waits for the results, in the order of the definition; not inside a task.
   * @param options `timeout`: seconds to wait, by default 60; `disableSyncSubtasks`: with false it waits inside a task, too
   * @throws SyncSubtaskError inside a task; WorkflowStepFailedError with the failures, by the group's policy; TaskRevokedError;
   * ResultTimeoutError if it has not ended in time; WorkflowNotFoundError
   */
  async get(options: GetOptions = {}): Promise<Result> {
    const timeout = timeoutOf(this.id, options);
    const { reading, place } = await this.#group();
    const outcome = await waitUntil(
      () => outcomeAt(reading, place),
      (seen) => seen !== undefined,
      timeout,
    );
    if (outcome === undefined) throw new ResultTimeoutError(this.id, timeout);
    if (outcome.state === "REVOKED") throw new TaskRevokedError(this.id, errorOf(GROUP, outcome).message);
    if (outcome.state === "FAILURE") throw errorOf(GROUP, outcome);
    // The one place where stored JSON gets its type back: the members' tasks wrote it.
    return (await valueAt(reading, place)) as Result;
  }

  /** Whether it has ended, however it did. @throws WorkflowNotFoundError */
  async ready(): Promise<boolean> {
    const { reading, place } = await this.#group();
    return (await outcomeAt(reading, place)) !== undefined;
  }

  /** Whether it has ended well. @throws WorkflowNotFoundError */
  async successful(): Promise<boolean> {
    const { reading, place } = await this.#group();
    return (await outcomeAt(reading, place))?.state === "SUCCESS";
  }

  /** How many members have ended well, as the joins say at this moment. @throws WorkflowNotFoundError */
  async completed(): Promise<number> {
    return (await this.counts()).completed;
  }

  /** @throws WorkflowNotFoundError */
  async counts(): Promise<GroupCounts> {
    const { reading, node, place } = await this.#group();
    const size = await sizeOf(reading, node, place);
    if (size === undefined) return { members: 0, completed: 0, failed: 0 };
    const { members, ended, failed } = await tallyOf(reading, place, size);
    return { members, completed: ended - failed, failed };
  }

  /**
   * Each member once, with its number and its outcome, in the order in which they end; it ends after the last. Members that were added
   * while the group ran come when it has ended, with the numbers that they have in its list. Not inside a task.
   * @throws SyncSubtaskError inside a task; ResultTimeoutError if no member has ended for `timeout` seconds, by default 60
   */
  async *outcomes(options: { timeout?: number } = {}): AsyncGenerator<{ index: number } & MemberOutcome> {
    const timeout = timeoutOf(this.id, { ...options, disableSyncSubtasks: true });
    const { reading, node, place } = await this.#group();
    const told = new Set<number>();
    let deadline = performance.now() + timeout * 1000;
    for (const pause of pauses()) {
      const size = await sizeOf(reading, node, place);
      // Whether nothing more can come is asked before the members are: whoever ends in between is seen.
      const isOver = (await outcomeAt(reading, place)) !== undefined;
      for (let from = 0; from < (size ?? 0); from += PAGE) {
        const left = numbers(from, Math.min(from + PAGE, size ?? 0)).filter((index) => !told.has(index));
        const ended = await Promise.all(
          left.map(async (index) => ({ index, outcome: await outcomeAt(reading, childPlace(place, index)) })),
        );
        for (const { index, outcome } of ended) {
          if (outcome === undefined) continue;
          told.add(index);
          deadline = performance.now() + timeout * 1000;
          yield { index, ...(await asMember(reading, childPlace(place, index), outcome)) };
        }
      }
      if (size !== undefined && isOver) {
        // Members that were never begun were revoked with their group.
        for (const index of numbers(0, size).filter((one) => !told.has(one))) {
          yield { index, ...(await asMember(reading, childPlace(place, index), STOPPED)) };
        }
        return yield* addedOutcomes(reading, place, { size, from: size });
      }
      if (performance.now() >= deadline) throw new ResultTimeoutError(this.id, timeout);
      await wait(pause);
    }
  }

  /** Revokes the whole workflow: what has not begun never runs, what runs sees its signal abort. @throws WorkflowNotFoundError */
  async revoke(): Promise<void> {
    await revokeWorkflow(this.#app, this.id);
  }

  async #group(): Promise<{ reading: Reading; node: GroupNode | EachNode; place: Place }> {
    const definition: Definition | undefined = await this.#app.workflows.read(this.id);
    if (definition === undefined) throw new WorkflowNotFoundError(this.id);
    const place = endPlace(definition.root, "");
    const node = nodeAt(definition.root, place);
    if (node === undefined || !(isGroupNode(node) || isEachNode(node))) throw new WorkflowNotFoundError(this.id);
    return { reading: { app: this.#app, definition }, node, place };
  }
}

/** The outcomes of members that were added to a group which has ended. */
async function* addedOutcomes(
  reading: Reading,
  place: Place,
  { size, from }: { size: number; from: number },
): AsyncGenerator<{ index: number } & MemberOutcome, number> {
  let index = from;
  const group = groupAt(reading, place);
  for (const name of size === 0 ? [] : await reading.app.workflows.joins.added(group, size)) {
    const found = await addedAs(reading, group, name);
    if (found === undefined) continue;
    for (const member of numbers(0, found.size)) {
      const at = childPlace("", member);
      const outcome = (await outcomeAt(found.reading, at)) ?? STOPPED;
      yield { index, ...(await asMember(found.reading, at, outcome)) };
      index += 1;
    }
    index = yield* addedOutcomes(found.reading, "", { size: found.size, from: index });
  }
  return index;
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, offset) => from + offset);
}
