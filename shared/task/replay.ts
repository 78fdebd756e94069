/** Running what has ended once more: one task, from its record. */

import { createHash } from "node:crypto";
import { TaskUnfinishedError, ValueExpiredError } from "../errors.ts";
import { derivedId } from "../message/id.ts";
import { type Json, toJsonText } from "../message/json.ts";
import { payloadVersionOf } from "../message/payload-version.ts";
import { isFinal, type StoredRecord } from "../results/record.ts";
import type { App } from "./current-app.ts";
import type { Registry } from "./registry.ts";
import { sendTask } from "./send.ts";
import type { Sent } from "./submit.ts";

/** The things that a replay may change. */
export interface Replay {
  payload?: Json;
  /** The version of that payload. @defaultValue that of the old one */
  payloadVersion?: number;
  eta?: Date;
}

/**
 * Runs a task that has ended once more, as a new task that is linked to the old one: with the old payload, or another. The new id is
 * derived from the old one and from another payload, so asking for the same twice is one task, whoever asks: the answer is then the
 * task that was sent before, as it is now. Its own end may be replayed in turn.
 *
 * Before it is sent, the old record names it (`submit`). Dying between the two, or before the new record is written, leaves a name
 * without a record: the next replay or redrive finds none under the same id, and sends it.
 * @throws TaskUnfinishedError, TaskNotRegisteredError, ValueExpiredError if a large payload is gone, and whatever sending throws
 */
export async function replay(app: App, registry: Registry, old: StoredRecord, change: Replay = {}): Promise<Sent> {
  const task = registry.get(old.task);
  if (!isFinal(old.state)) throw new TaskUnfinishedError(old.id, old.state);
  const version = payloadVersionOf(old);
  const { payloadVersion = version } = change;
  const isOther = payloadVersion !== version;
  const edited = change.payload !== undefined && (isOther || !isPayloadOf(old, change.payload));
  const id = replayId(old, edited ? change.payload : undefined, edited && isOther ? payloadVersion : undefined);
  const state = await app.results.stateOf(id);
  if (state !== undefined) return { id, state };

  const { queue, tags, headers, messageGroupId, schedule } = old;
  const options = {
    // Its queue may be gone from the service.
    ...(app.config.queues.includes(queue) && { queue }),
    ...(headers && { headers }),
    // Another payload may belong to another group: then the task says which.
    ...(messageGroupId !== undefined && !edited && { messageGroupId }),
    ...(change.eta && { eta: change.eta }),
  };
  const payload = change.payload === undefined ? await payloadOf(app, old) : change.payload;
  return sendTask(app, task, payload, {
    options,
    id,
    payloadVersion: edited ? payloadVersion : version,
    ...(old.others && { others: old.others }),
    replayOf: old.id,
    ...(tags && { tags }),
    ...(schedule && { schedule }),
  });
}

/** The task that runs this one's end again: the same for whoever asks, and another for each other payload, or version of one. */
export function replayId(
  old: Pick<StoredRecord, "id" | "finishedAt" | "createdAt">,
  payload?: Json,
  payloadVersion?: number,
): string {
  const hash = payload === undefined ? "" : `/${createHash("sha256").update(toJsonText(payload)).digest("hex")}`;
  const version = payloadVersion === undefined ? "" : `/${payloadVersion}`;
  return derivedId(new Date(old.finishedAt ?? old.createdAt), `replay/${old.id}${hash}${version}`);
}

/** Whether an edited payload is the old one after all. A large one is not fetched for that. */
function isPayloadOf(old: StoredRecord, payload: Json): boolean {
  return old.refs.payload === undefined && toJsonText(payload) === toJsonText(old.payload);
}

/** The payload of a record, from S3 if it is large. @throws ValueExpiredError */
export async function payloadOf(app: App, record: StoredRecord): Promise<Json> {
  const complete = await app.results.complete(record, { parts: ["payload"] });
  const { payload: ref } = record.refs;
  const lost = complete.large?.payload;
  if (lost && ref) throw new ValueExpiredError(ref.key, ref.sizeBytes, lost.damaged);
  return complete.payload;
}
