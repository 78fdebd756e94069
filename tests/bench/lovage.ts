import { toSqsRecord } from "../../localstack/mapping/record.ts";
import { type App, createApp, createWorker, type TaskModule, useApp } from "../../shared/index.ts";
import { connect } from "./connection.ts";
import { type Handle, startLanes } from "./lanes.ts";
import type { Side } from "./side.ts";
import * as addition from "./tasks/add.ts";

export const SOURCE = { queueArn: "arn:aws:sqs:us-east-1:000000000000:bench", region: "us-east-1" };
const FUNCTION_MILLISECONDS = 30_000;

/** Lovage: `delay` sends, and the function of `handlers/worker.ts` gets the messages as Lambda would hand them over. */
export function createLovage(): Side {
  const handle = createWorkerSide([{ file: "tests/bench/tasks/add.ts", exports: addition }]);
  return {
    work: () => startLanes(connect(), handle),
    async send(payloads) {
      const results = await Promise.all(payloads.map((payload) => addition.add.delay(payload)));
      // One read, as the loops' own look; the results that are counted in the end must all be a SUCCESS.
      return results.map((result) => ({ isDone: () => result.ready() }));
    },
    sendAndGet: async (payload) => (await addition.add.delay(payload)).get(),
  };
}

/** The worker of these tasks; they are sent, too, as this process's environment says. */
export function createWorkerSide(
  modules: readonly TaskModule[],
  {
    app = createApp(process.env),
    functionMilliseconds = FUNCTION_MILLISECONDS,
  }: { app?: App; functionMilliseconds?: number } = {},
): Handle {
  useApp(app);
  const worker = createWorker(modules, app);
  return async (messages) => {
    const Records = messages.map((message) => toSqsRecord(message, SOURCE));
    const end = performance.now() + functionMilliseconds;
    const context = { getRemainingTimeInMillis: () => end - performance.now() };
    const { batchItemFailures } = await worker({ Records }, context);
    const kept = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    return messages.filter(({ MessageId = "" }) => !kept.has(MessageId));
  };
}
