import { createTurns, type Turn } from "../turns.ts";
import { createProcess, type Process, type ProcessOptions } from "./processes.ts";

/** Calls beat, the tick and the sweep of timers in their time, as AWS calls functions: one that fails is called again. */
export interface Scheduler {
  /** Beat fires up to this time. */
  fireUntil(time: number): void;
  /** When the next call is; Infinity while one is under way, or if there will be none. */
  next(): number;
  /** Makes the next call. */
  take(): void;
  isIdle(): boolean;
  living(): Iterable<Process>;
}

const TRIES = 3;
const PAUSE_MILLISECONDS = 60_000;

export function createScheduler(parts: ProcessOptions): Scheduler {
  const { world, calls, ground } = parts;
  const name = "scheduler";
  const begin = (): Process => createProcess(name, parts, { role: "cloud", gone: () => (process = begin()) });
  let process = begin();
  const turns = createTurns(() => process.app, ground.modules, ground.table);
  let until = Number.NEGATIVE_INFINITY;
  let again = 0;
  const waiting: { turn: Turn; tries: number }[] = [];
  const call = async ({ turn, tries }: { turn: Turn; tries: number }): Promise<void> => {
    calls.note(name, `calls ${turn.name}`);
    const ended = await process.invoke(["other scheduler"], () => turn.make());
    if (ended === "done" || tries + 1 >= TRIES) return;
    again += 1;
    world.at(world.now() + PAUSE_MILLISECONDS, () => {
      again -= 1;
      waiting.push({ turn, tries: tries + 1 });
    });
  };
  const fires = (): boolean => world.now() <= until;

  return {
    fireUntil(time) {
      until = time;
      waiting.push(...turns.begin().map((turn) => ({ turn, tries: 0 })));
    },
    next() {
      if (process.busy || process.dead) return Number.POSITIVE_INFINITY;
      if (waiting.length > 0) return world.now();
      const time = fires() ? turns.next() : Number.POSITIVE_INFINITY;
      return time <= until ? time : turns.next({ beat: false });
    },
    take() {
      if (waiting.length === 0) {
        waiting.push(...turns.due({ beat: fires() }).map((turn) => ({ turn, tries: 0 })));
      }
      const one = waiting.shift();
      if (one) void call(one);
    },
    isIdle: () => (process.dead || !process.busy) && waiting.length === 0 && again === 0,
    living: () => (process.dead ? [] : [process]),
  };
}
