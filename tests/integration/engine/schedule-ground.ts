import type { SQSRecord } from "aws-lambda";
import { expect } from "vitest";
import * as z from "zod";
import { createScheduleApi, type Schedules } from "../../../shared/entries/schedules.ts";
import { type App, createTick, createWorker, type TaskModule, task } from "../../../shared/index.ts";
import { decodeMessage } from "../../../shared/message/encoding.ts";
import type { Message } from "../../../shared/message/message.ts";
import type { Engine } from "../../helpers/engine.ts";

/** Entries, ticks and workers on one engine, whose clock a test turns. */
export interface ScheduleGround {
  app: App;
  schedules: Schedules;
  /** Messages that were sent, each with its delay, since it was last asked; a copy of a message is left out. */
  sent(): { id: string; at: string; start: number; message: Message }[];
  /** Turns the clock to a time and ticks there. */
  tickAt(time: string): Promise<void>;
  /** Ticks each minute after `from` and up to `to`, some seconds late. */
  tickFrom(from: string, to: string, lateSeconds?: number): Promise<void>;
  /** Runs what was sent, in a worker. */
  work(messages: readonly Message[]): Promise<void>;
  turnTo(time: string): void;
  /** Deletes every entry, and forgets what was sent. */
  clear(): Promise<void>;
}

export const report = task({
  name: "report",
  payload: z.object({ id: z.number().default(0) }),
  run: ({ id }, { schedule }) => ({ id, at: schedule?.at.toISOString(), manual: schedule?.manual }),
});

const MINUTE = 60_000;

/** @param others modules beside that of the task `report` */
export function createScheduleGround(engine: Engine, others: readonly TaskModule[] = []): ScheduleGround {
  const messages: { message: Message; delay: number }[] = [];
  const app: App = {
    ...engine.app,
    broker: {
      ...engine.app.broker,
      send: async (message, delay = 0) => {
        messages.push({ message, delay });
      },
    },
  };
  const modules = [{ file: "report.ts", exports: { report } }, ...others];
  const beat = createTick(modules, app);
  const schedules = createScheduleApi(() => app);
  const worker = createWorker(modules, app);
  const ground: ScheduleGround = {
    app,
    schedules,
    sent() {
      const known = new Set<string>();
      const all = messages.splice(0).flatMap(({ message, delay }) => {
        if (known.has(message.id)) return [];
        known.add(message.id);
        const start = Math.round((Date.parse(message.sentAt) + delay * 1000) / 1000) * 1000;
        return [{ id: message.id, at: message.schedule?.at ?? "", start, message }];
      });
      return all.sort((a, b) => (a.at < b.at ? -1 : 1));
    },
    turnTo(time) {
      engine.clock.now = new Date(time);
    },
    async clear() {
      for (const { name } of await schedules.list()) await schedules.delete(name);
      messages.length = 0;
    },
    async tickAt(time) {
      ground.turnTo(time);
      const outcome = await beat(
        { scheduledTime: engine.clock.now.toISOString() },
        { getRemainingTimeInMillis: () => 50_000 },
      );
      expect(outcome.failed).toBe(0);
    },
    async tickFrom(from, to, lateSeconds = 2) {
      for (let time = Date.parse(from) + MINUTE; time <= Date.parse(to); time += MINUTE) {
        await ground.tickAt(new Date(time + lateSeconds * 1000).toISOString());
      }
    },
    async work(given) {
      const Records = given.map((message): SQSRecord => toRecord(message));
      const answer = await worker({ Records }, { getRemainingTimeInMillis: () => 30_000 });
      expect(answer.batchItemFailures).toEqual([]);
    },
  };
  return ground;
}

function toRecord(message: Message): SQSRecord {
  const body = JSON.stringify(message);
  decodeMessage(body);
  return {
    messageId: message.id,
    receiptHandle: message.id,
    body,
    messageAttributes: {},
    md5OfBody: "",
    eventSource: "aws:sqs",
    awsRegion: "us-east-1",
    eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:lovage-local-default",
    attributes: {
      ApproximateReceiveCount: "1",
      SentTimestamp: "0",
      SenderId: "a",
      ApproximateFirstReceiveTimestamp: "0",
    },
  };
}
