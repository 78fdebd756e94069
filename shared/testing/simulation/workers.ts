import { createDeadLetterWorker, createWorker } from "../../app.ts";
import { messageIn } from "../ground.ts";
import type { Queued } from "../queues.ts";
import { chanceOf, pickOf } from "./chance.ts";
import { createProcess, type Process, type ProcessOptions, START_MILLISECONDS } from "./processes.ts";

/** The workers, and the cloud that gives them messages. */
export interface Workers {
  /** Delivers what is due to workers that are idle. */
  deliver(): void;
  /** When the next delivery could be; Infinity if there will be none. */
  next(): number;
  /** No worker has anything in its hands. */
  isIdle(): boolean;
  living(): Iterable<Process>;
}

const NAMES = ["worker 1", "worker 2", "worker 3"];
const DEAD_LETTER_WORKER = "dead-letter worker";
const isFifo = (url: string): boolean => url.endsWith(".fifo");

/** A message as timelines call it. */
function saidOf(body: string): string {
  const message = messageIn(body);
  return message ? `${message.id}${message.attempt > 1 ? ` attempt ${message.attempt}` : ""}` : "a message";
}

/** Holds up a message that comes to its queue. */
export function delay(message: Queued, { plan, calls }: Pick<ProcessOptions, "plan" | "calls">): void {
  const place = calls.placeOf(`arrival of ${saidOf(message.body)}`);
  const fault = plan.strike(place, ["late"]);
  if (fault) calls.note("SQS", place, fault);
  message.visibleAt += (fault?.seconds ?? 0) * 1000;
  if (calls.uneven && !isFifo(message.url))
    message.visibleAt += Math.floor(chanceOf(plan.seed, `delay of ${place}`) * 20);
}

export function createWorkers(parts: ProcessOptions): Workers {
  const { world, plan, calls, ground } = parts;
  const { queues } = ground;
  const single = plan.strike("deliveries", ["single"]) !== undefined;
  const pool = new Map<string, Process>();
  const handlers = new WeakMap<Process, ReturnType<typeof createWorker>>();
  const isFree = (name: string): boolean => {
    const process = pool.get(name);
    return process === undefined || !(process.busy || process.dead);
  };
  const freeFor = (url: string): string | undefined => {
    const free = (url === ground.dead ? [DEAD_LETTER_WORKER] : NAMES).filter(isFree);
    const [first, ...others] = free;
    if (first === undefined || !calls.uneven) return first;
    return pickOf(plan.seed, `worker at ${world.now()}`, [first, ...others]);
  };
  const processOf = (name: string): Process => {
    const process = pool.get(name) ?? createProcess(name, parts, { role: "worker", gone: () => pool.delete(name) });
    pool.set(name, process);
    return process;
  };
  const handlerOf = (process: Process): ReturnType<typeof createWorker> => {
    const { name, app } = process;
    const handler =
      handlers.get(process) ??
      (name === DEAD_LETTER_WORKER ? createDeadLetterWorker(app) : createWorker(ground.watched, app));
    handlers.set(process, handler);
    return handler;
  };

  type Records = ReturnType<typeof queues.receive>;
  const handle = async (name: string, Records: Records): Promise<void> => {
    const process = processOf(name);
    const handler = handlerOf(process);
    const hand = Records.flatMap(({ body }) => messageIn(body)?.id ?? []);
    let kept = new Set<string>();
    const ended = await process.invoke(hand, async (getRemainingTimeInMillis) => {
      const { batchItemFailures } = await handler({ Records }, { getRemainingTimeInMillis });
      kept = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    });
    if (ended !== "done") return;
    for (const { messageId, body } of Records) {
      if (kept.has(messageId)) continue;
      const place = calls.placeOf(`acknowledge ${saidOf(body)}`);
      const fault = plan.strike(place, ["unacknowledged"]);
      if (fault) calls.note("SQS", place, fault);
      else queues.acknowledge(messageId);
    }
  };
  /** Gives a copy of a message to another worker, as soon as one is free. */
  const copy = (record: Records[number], url: string): void => {
    const name = freeFor(url);
    if (name === undefined) return void world.at(world.now() + START_MILLISECONDS, () => copy(record, url));
    calls.note(name, `gets ${saidOf(record.body)} a second time`);
    void handle(name, [record]);
  };
  const meetFault = (record: Records[number], url: string): void => {
    const place = calls.placeOf(`delivery of ${saidOf(record.body)}`);
    const id = messageIn(record.body)?.id ?? "other delivery";
    // A FIFO queue does neither.
    const kinds = isFifo(url) ? [] : (["duplicate", "early"] as const);
    const fault = plan.strike(place, kinds, (kind) => kind !== "early" || calls.allow([id]));
    if (fault === undefined) return;
    calls.note("SQS", place, fault);
    const again = world.now() + (fault.seconds ?? 0) * 1000;
    const message = queues.all().find(({ messageId }) => messageId === record.messageId);
    if (fault.kind === "duplicate") world.at(again, () => copy(record, url));
    else if (message) message.visibleAt = again;
  };

  return {
    deliver() {
      for (;;) {
        const first = queues.next((one) => one.visibleAt <= world.now() && freeFor(one.url) !== undefined);
        const url = first?.url ?? "";
        const name = first && freeFor(url);
        if (first === undefined || name === undefined) return;
        // The next one may go to the dead-letter queue in place of a worker.
        const Records = queues.receive((one) => one.url === url && (!single || one === first));
        if (Records.length === 0) continue;
        const source = url === ground.dead ? "the dead letter " : "";
        calls.note(name, `gets ${source}${Records.map(({ body }) => saidOf(body)).join(", ")}`);
        for (const record of Records) meetFault(record, url);
        void handle(name, Records);
      }
    },
    next: () => queues.next((one) => freeFor(one.url) !== undefined)?.visibleAt ?? Number.POSITIVE_INFINITY,
    isIdle: () => [...pool.values()].every(({ busy, dead }) => dead || !busy),
    living: () => [...pool.values()].filter(({ dead }) => !dead),
  };
}
