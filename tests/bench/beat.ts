/** A minute of beat in which some of many entries are due: what the tick asks of DynamoDB, and what it takes of a function. */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as z from "zod";
import { type App, createApp, createTick, task } from "../../shared/index.ts";
import { createLog } from "../../shared/log.ts";
import { toDefinition } from "../../shared/schedules/definition.ts";
import { created, dueAfter } from "../../shared/schedules/entry.ts";
import { createMemoryTable } from "../../shared/testing/table.ts";

/** Figures of one tick. DynamoDB's units are counted as for items below 1 KB. */
export interface BeatReport {
  entries: number;
  due: number;
  sent: number;
  queries: number;
  reads: number;
  writes: number;
  readUnits: number;
  writeUnits: number;
  milliseconds: number;
  /** Of the heap, more than before the tick. */
  megabytes: number;
}

const DUE = 1000;
const START = new Date("2026-01-01T00:00:30Z");
const TICK = new Date("2026-01-01T12:30:00Z");

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}

/** @param entries how many there are, of which a thousand are due */
export async function measureBeat(entries: number, progress: (line: string) => void): Promise<BeatReport> {
  const table = createMemoryTable();
  const clock = { now: START };
  const made = createApp(
    { BROKER_URL: "http://127.0.0.1/000000000000/default", RESULT_BACKEND: "dynamodb://memory" },
    { clock: () => clock.now, table, log: createLog({}, () => {}) },
  );
  let sent = 0;
  const broker: App["broker"] = {
    ...made.broker,
    send: async () => {
      sent += 1;
    },
  };
  const app: App = { ...made, broker };
  const report = task({ name: "report", payload: z.object({ user: z.number() }), run: () => null });
  await app.schedules.advance({
    day: "2026-01-01",
    until: new Date(TICK.getTime() - 60_000),
    zones: process.versions.tz ?? "",
  });
  for (let user = 0; user < entries; user += 1) {
    if (user % 10_000 === 0) progress(`beat, entry ${user} of ${entries}`);
    // All others at other minutes of the afternoon.
    const schedule = user < DUE ? "30 12 * * *" : `${user % 60} ${13 + (user % 11)} * * *`;
    const definition = toDefinition({ task: "report", payload: { user }, schedule }, "UTC");
    const entry = created(`user:${user}`, definition, START, made.newId);
    await app.schedules.write(entry, undefined, dueAfter(entry, START, START));
  }
  const tick = createTick([{ file: "report.ts", exports: { report } }], app);
  clock.now = TICK;
  // The garbage of making the entries is no part of it.
  collectGarbage();
  const before = { ...table.calls, heap: process.memoryUsage().heapUsed };
  const began = performance.now();
  await tick({ scheduledTime: TICK.toISOString() }, { getRemainingTimeInMillis: () => 55_000 });
  const milliseconds = performance.now() - began;
  const { reads, queries, writes } = table.calls;
  const counted = { queries: queries - before.queries, reads: reads - before.reads, writes: writes - before.writes };
  return {
    entries,
    due: DUE,
    sent,
    ...counted,
    milliseconds,
    // A consistent read of up to 4 KB is a unit; a due item is about 150 bytes, and a query reads them together.
    readUnits: counted.reads + counted.queries + Math.ceil((DUE * 150) / 4096),
    writeUnits: counted.writes,
    megabytes: Math.max(0, process.memoryUsage().heapUsed - before.heap) / 1_048_576,
  };
}
