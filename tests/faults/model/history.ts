import { isDeepStrictEqual } from "node:util";
import type fc from "fast-check";
import type { Item } from "../../../shared/aws/change.ts";
import { type Grant, invariantsOf } from "./invariants.ts";
import type { RealTask } from "./real-task.ts";
import { take } from "./rules.ts";
import type { Step } from "./step.ts";
import { type Answer, isExpired, isPossible, type TaskModel } from "./task-model.ts";

/** One task's life so far. */
export interface History {
  task: RealTask;
  item: Item | undefined;
  ledger: Item | undefined;
  grants: Grant[];
  /** Called after each step that was taken. */
  count(step: Step): void;
}

/** A step in both worlds: they must give the same answer and come to the same record. */
export class Command implements fc.AsyncCommand<TaskModel, History> {
  readonly #step: Step;

  constructor(step: Step) {
    this.#step = step;
  }

  check(model: Readonly<TaskModel>): boolean {
    return isPossible(model, this.#step);
  }

  async run(model: TaskModel, history: History): Promise<void> {
    const step = this.#step;
    model.step += 1;
    const held = "by" in step ? model.workers[step.by] : undefined;
    const answer = await history.task.act(model, step);
    const expected = take(model, step);
    const { item, visible, record } = await history.task.look(model.now);

    const ledger = step.do.endsWith("Entry") ? await history.task.ledgerEntry() : history.ledger;
    const broken = invariantsOf({ step, answer, held, before: history, after: { item, ledger } });
    if (broken !== undefined) throw new Error(`After ${this}: ${broken}.`);
    if (!isAccepted(step, answer, expected)) differ(this, "answers", answer, expected);
    if (!isDeepStrictEqual(record, model.record)) differ(this, "leaves", record, model.record);
    const readable = model.record !== undefined && !isExpired(model.record, model.now);
    if (visible !== readable) differ(this, "shows", visible, readable);

    Object.assign(history, { item, ledger });
    history.count(step);
  }

  toString(): string {
    const { do: name, ...rest } = this.#step;
    return `${name}(${Object.keys(rest).length === 0 ? "" : JSON.stringify(rest)})`;
  }
}

/** A second try finds the first one's work done. A worker that cannot tell it from another's is told no, and leaves it to the redelivery. */
function isAccepted(step: Step, answer: Answer, expected: Answer): boolean {
  return (step.answerLost === true && expected === true) || isDeepStrictEqual(answer, expected);
}

function differ(command: Command, verb: string, real: unknown, expected: unknown): never {
  const show = (value: unknown): string => JSON.stringify(value)?.replaceAll(/\.{9,}/g, "…") ?? "nothing";
  throw new Error(`After ${command} the store ${verb}\n  ${show(real)}\nand the model\n  ${show(expected)}`);
}
