import type { Item } from "../../../shared/aws/change.ts";
import type { Table } from "../../../shared/aws/dynamodb.ts";
import type { StoredError } from "../../../shared/errors.ts";
import { newId } from "../../../shared/message/id.ts";
import type { LargeValues } from "../../../shared/message/large-values.ts";
import type { Message } from "../../../shared/message/message.ts";
import type { Claim } from "../../../shared/results/claims.ts";
import { createLedger, type Ledger } from "../../../shared/results/once-ledger.ts";
import { toRecord } from "../../../shared/results/record.ts";
import { createResultStore, type ResultStore } from "../../../shared/results/store.ts";
import { onceKey, recordKey } from "../../../shared/table/keys.ts";
import type { Event, Evidence, Step, Worker } from "./step.ts";
import {
  type Answer,
  attemptOf,
  deliveryOf,
  etaOf,
  type ModelRecord,
  RESULT_SECONDS,
  type Setup,
  START,
  seenBy,
  shownState,
  type TaskModel,
  textOf,
} from "./task-model.ts";

/** The key of the task's one `ctx.once`. */
const ONCE = "mail";

/** A task in the real store, under an id and a clock of its own. */
export interface RealTask {
  /** Takes a step that the model is about to take. */
  act(model: TaskModel, step: Step): Promise<Answer>;
  /** The item as the table holds it, and what a reader sees of it. */
  look(now: number): Promise<{ item: Item | undefined; visible: boolean; record: ModelRecord | undefined }>;
  ledgerEntry(): Promise<Item | undefined>;
}

export function createRealTask(cloud: { table: Table; largeValues: LargeValues }, setup: Setup): RealTask {
  const clock = { now: START };
  const faults: { answerLost: boolean; beforeSecondUpdate?: () => Promise<void> } = { answerLost: false };
  let updates = 0;
  let item: Item | undefined;
  const table: Table = {
    ...cloud.table,
    async update(update) {
      updates += 1;
      if (updates === 2) await faults.beforeSecondUpdate?.();
      if (faults.answerLost) await cloud.table.update(update);
      return cloud.table.update(update);
    },
    async get(key) {
      item = await cloud.table.get(key);
      return item;
    },
  };
  const store = createResultStore({
    table,
    clock: () => new Date(clock.now),
    largeValues: cloud.largeValues,
    failed: () => {},
    resultExpires: () => RESULT_SECONDS,
    ended: () => {},
    version: () => "",
  });
  const ledger = createLedger({ table, clock: () => new Date(clock.now) });
  const first = firstMessage(setup);
  const key = recordKey(first.id);

  return {
    async act(model, step) {
      clock.now = model.now;
      updates = 0;
      faults.answerLost = step.answerLost === true;
      delete faults.beforeSecondUpdate;
      const { meanwhile } = step.do === "requestRevoke" ? step : {};
      if (meanwhile && model.workers[meanwhile.by]) {
        faults.beforeSecondUpdate = async () => {
          await act({ store, ledger, first }, model, meanwhile);
        };
      }
      const answer = await act({ store, ledger, first }, model, step);
      if (step.do === "sweep") await table.remove(key);
      return answer;
    },
    async look(now) {
      clock.now = now;
      const seen = await store.read(first.id);
      if (item === undefined) return { item, visible: seen !== undefined, record: undefined };
      const { refs, large, ...record } = await store.complete(toRecord(item));
      return {
        item,
        visible: seen !== undefined,
        record: {
          state: record.state,
          attempt: record.attempt,
          fence: record.fence,
          starts: record.fence - record.fenceBase,
          holder:
            item.messageId === undefined
              ? undefined
              : {
                  messageId: String(item.messageId),
                  receiveCount: Number(item.receiveCount),
                  functionSeconds: record.functionSeconds,
                },
          revokeAsked: record.revokeRequestedAt !== undefined,
          ttl: Number(item.ttl),
          shownUntil: item.shownUntil === undefined ? undefined : Number(item.shownUntil),
          finishedAt: record.finishedAt === undefined ? undefined : Date.parse(record.finishedAt),
          result: textIn(record.result),
          error: record.error?.message,
          progress: textIn(record.progress),
        },
      };
    },
    ledgerEntry: () => cloud.table.get(onceKey(first.id, ONCE)),
  };
}

function firstMessage({ tracked, ignoreResult, keepSeconds }: Setup): Message {
  const id = newId();
  return {
    v: 1,
    id,
    rootId: id,
    task: "t",
    attempt: 1,
    payload: { a: 1 },
    queue: "default",
    sentAt: new Date(START).toISOString(),
    ...(!tracked && { trackStarted: false }),
    ...(ignoreResult && { ignoreResult: true }),
    ...(keepSeconds !== undefined && { keepUntil: new Date(START + keepSeconds * 1000).toISOString() }),
  };
}

async function act(
  { store, ledger, first }: { store: ResultStore; ledger: Ledger; first: Message },
  model: TaskModel,
  event: Event,
): Promise<Answer> {
  const text = textOf(model, event);
  const error: StoredError = { name: "Error", message: text };
  const message = ({ attempt, evidence = "another" }: { attempt: number; evidence?: Evidence }): Message => {
    const seen = seenBy(model, evidence);
    return { ...first, attempt: attemptOf(model, attempt), ...(seen !== undefined && { seen }) };
  };
  const claimOf = (worker: Worker): Claim => {
    const held = model.workers[worker];
    if (held === undefined) throw new Error(`Worker ${worker} has no claim.`);
    const { attempt, fence } = held;
    return {
      message: { ...first, attempt },
      fence,
      starts: undefined,
      tracked: model.setup.tracked,
      startedAt: new Date(0),
    };
  };
  const entryOf = (worker: Worker) => ({ id: first.id, key: ONCE, fence: claimOf(worker).fence });
  switch (event.do) {
    case "pending": {
      const eta = etaOf(model.setup);
      await store.pending({ ...first, ...(eta !== undefined && { eta: new Date(eta).toISOString() }) });
      return undefined;
    }
    case "claim": {
      const options = { countStarts: model.setup.countStarts };
      const outcome = await store.claim(
        message(event),
        deliveryOf(model, event.evidence),
        event.functionSeconds,
        options,
      );
      if (!outcome.claimed) return outcome.record?.state;
      return { claimed: { fence: outcome.claim.fence, starts: outcome.claim.starts } };
    }
    case "succeed":
      return store.succeed(claimOf(event.by), model.setup.ignoreResult ? undefined : JSON.stringify(text));
    case "fail":
      return store.fail(claimOf(event.by), error);
    case "revokeRunning":
      return store.revokeRunning(claimOf(event.by), error);
    case "retry":
      return store.retry(claimOf(event.by), error, new Date(model.now + event.afterSeconds * 1000));
    case "release":
      return (await store.release(claimOf(event.by), "unsettled", error)) !== undefined;
    case "progress":
      return store.progress(claimOf(event.by), text);
    case "requestRevoke": {
      const record = await store.requestRevoke(first.id, error);
      return record && shownState(record.state, record.revokeRequestedAt !== undefined);
    }
    case "revoke":
      return store.revoke(message(event), deliveryOf(model, event.evidence), error);
    case "expire":
      return store.expire(message(event), error);
    case "failUnclaimed": {
      const { applied, record } = await store.failUnclaimed(message(event), deliveryOf(model, event.evidence), error);
      return applied || record?.state;
    }
    case "explain":
      return store.explain(message(event), error);
    case "replace":
      return store.replace(first.id, error);
    case "stateOf":
      return store.stateOf(first.id);
    case "openEntry": {
      const entry = await ledger.open(entryOf(event.by));
      return entry.state === "done" ? `done: ${textIn(entry.result)}` : entry.state;
    }
    case "closeEntry":
      return ledger.close(entryOf(event.by), { resultJson: JSON.stringify(text) });
    case "wait":
    case "waitFor":
    case "sweep":
      return undefined;
  }
}

function textIn(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
