/** Workers that die at random, on a cloud in memory whose time passes at once. */

import { createApp, createDeadLetterWorker, createTimerSweep, createWorker } from "../../../shared/app.ts";
import { loadConfig } from "../../../shared/config.ts";
import type { App } from "../../../shared/index.ts";
import { createLog } from "../../../shared/log.ts";
import { derivedId } from "../../../shared/message/id.ts";
import type { TaskModule } from "../../../shared/task/registry.ts";
import { createMemoryBucket } from "../../../shared/testing/bucket.ts";
import { createQueues, type QueueRules } from "../../../shared/testing/queues.ts";
import { createMemoryTable } from "../../../shared/testing/table.ts";
import type { Chance } from "../../faults/chance.ts";

const ADDRESS = "https://sqs.invalid/000000000000";
const DEAD = `${ADDRESS}/dead`;
const SETTINGS = {
  BROKER_URL: `${ADDRESS}/default`,
  DEAD_LETTER_QUEUE_URL: DEAD,
  RESULT_BACKEND: "dynamodb://tests",
  UPLOADS_BUCKET: "tests",
};
const TIME = { getRemainingTimeInMillis: () => 28_000 };
const MINUTE = 60_000;
const MAX_DELIVERIES = 3000;

/** One process: its app forgets what it knows with it. */
interface Process {
  app: App;
  work: ReturnType<typeof createWorker>;
  bury: ReturnType<typeof createDeadLetterWorker>;
  isDead(): boolean;
}

export interface MortalCrew {
  /** An app that does not die, to send and to ask. */
  readonly app: App;
  readonly kills: number;
  /** Delivers until nothing waits, now or later; `between` is called after each delivery. */
  run(between: (deliveries: number) => Promise<void>): Promise<void>;
  /** Ids of all workflows that were sent, and of those that tasks have become. */
  workflows(): string[];
}

/** @param deaths so many calls of AWS are the last ones of their process, made or not */
export function createMortalCrew(modules: readonly TaskModule[], random: Chance, deaths: number): MortalCrew {
  let time = Date.UTC(2026, 0, 1);
  let ids = 0;
  let kills = 0;
  const clock = (): Date => new Date(time);
  const newId = (): string => derivedId(clock(), `crew ${ids++}`);
  const config = loadConfig(SETTINGS);
  const redrive = { maxReceives: 3, to: DEAD };
  const rules = new Map<string, QueueRules>([[DEAD, { visibilitySeconds: 30 }]]);
  for (const queue of config.queues) rules.set(config.queueUrl(queue), { visibilitySeconds: 90, redrive });
  const [table, bucket] = [createMemoryTable(), createMemoryBucket(clock)];
  const queues = createQueues({ clock, newId, rules });
  const log = createLog({}, () => {});

  const born = (isMortal: boolean): Process => {
    let isDead = false;
    let callsLeft = Math.ceil(random.between(0, 80));
    /** A process that is dead makes no call more, and never hears of its last one. */
    const mortal = <T extends object>(service: T): T =>
      new Proxy(service, {
        get(target, name) {
          const found: unknown = Reflect.get(target, name);
          if (typeof found !== "function") return found;
          return async (...given: unknown[]): Promise<unknown> => {
            const die = (): never => {
              throw new Error("The process is dead.");
            };
            if (isDead) die();
            if (isMortal && kills < deaths && --callsLeft === 0) {
              kills += 1;
              isDead = true;
              if (random.happens(0.5)) await Reflect.apply(found, target, given);
              die();
            }
            const answer: unknown = await Reflect.apply(found, target, given);
            return isDead ? die() : answer;
          };
        },
      });
    const services = { table: mortal(table), bucket: mortal(bucket), sqs: mortal(queues.sqs) };
    const app = createApp(SETTINGS, { clock, newId, ...services, random: random.next, log });
    return { app, work: createWorker(modules, app), bury: createDeadLetterWorker(app), isDead: () => isDead };
  };

  const [keeper, lanes] = [born(false), [born(true), born(true), born(true)]];
  /** One invocation of one function; false if nothing is due. */
  const deliver = async (lane: number): Promise<boolean> => {
    const Records = queues.receive();
    const [first] = Records;
    const process = lanes[lane];
    if (first === undefined || process === undefined) return false;
    const handle = first.eventSourceARN.endsWith(":dead") ? process.bury : process.work;
    const answer = await handle({ Records }, TIME).catch((error: unknown) => {
      if (!process.isDead()) throw error;
    });
    if (process.isDead()) {
      // SQS hears nothing, and shows the messages again.
      lanes[lane] = born(true);
      return true;
    }
    const kept = new Set(answer?.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    for (const { messageId } of Records) if (!kept.has(messageId)) queues.acknowledge(messageId);
    return true;
  };
  const nextTimer = (): number => {
    const etas = table.items("timer#").map(({ eta }) => Date.parse(String(eta)));
    return Math.min(...etas) - MINUTE;
  };

  return {
    app: keeper.app,
    get kills() {
      return kills;
    },
    workflows: () => table.items("workflows#").map(({ sk }) => String(sk)),
    async run(between) {
      for (let deliveries = 0; ; deliveries += lanes.length) {
        if (deliveries > MAX_DELIVERIES) throw new Error("It does not come to an end.");
        const some = await Promise.all(lanes.map((_, lane) => deliver(lane)));
        await between(deliveries);
        if (some.includes(true)) continue;
        const next = Math.min(nextTimer(), queues.next()?.visibleAt ?? Number.POSITIVE_INFINITY);
        if (next === Number.POSITIVE_INFINITY) return;
        time = Math.max(time, next);
        if (nextTimer() <= time) await createTimerSweep(keeper.app)(undefined, TIME);
      }
    },
  };
}
