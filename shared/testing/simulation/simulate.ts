import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Environment } from "../../config.ts";
import { InvalidOptionError } from "../../errors.ts";
import type { TestQueues } from "../ground.ts";
import { FAULTS, type Fault, type FaultKind, listed, type Plan, searching } from "./faults.ts";
import { type Life, live, type Story } from "./life.ts";
import { enterSimulation } from "./real-world.ts";
import { shrink } from "./shrink.ts";
import { printTimeline } from "./timeline.ts";

export interface SimulateOptions {
  /** Exports of task modules: tasks and beat schedules. */
  tasks: Readonly<Record<string, unknown>>;
  /** Queues of the service's own, as in `custom.lovage.queues`. @defaultValue those that the tasks name */
  queues?: TestQueues;
  /** Settings beside the kit's own, and in their place. */
  environment?: Environment;
  /** The first seed; each run has the next one. @defaultValue 1 */
  seed?: number;
  /** @defaultValue 100 */
  runs?: number;
  /** Kinds of faults. @defaultValue all */
  faults?: readonly FaultKind[];
  /**
   * Faults that may strike one task, of those that leave something undone: a death, a lost answer, a refusal. More of them may rightly
   * end it as a FAILURE. @defaultValue 2
   */
  faultsPerTask?: number;
  /** Steps, of about five a task, after which it is said that nothing comes to its end. @defaultValue 20,000 */
  maxSteps?: number;
  /** A file that an earlier failure was written to: only its faults strike, in one run. */
  replay?: string;
  /** The folder for such files. @defaultValue .lovage/simulations */
  folder?: string;
  /** Told of what tasks take from the real world. @defaultValue console.warn */
  tell?: (line: string) => void;
}

export interface Simulated {
  runs: number;
  /** How often each kind of fault has struck. */
  faults: Partial<Record<FaultKind, number>>;
  /** A line for each thing that tasks took from the real clock, from chance, or from outside of the simulation. */
  told: readonly string[];
}

/** A story has failed under some faults. Its cause is the story's own error. */
export class SimulationError extends Error {
  override name = "SimulationError";
  readonly seed: number;
  /** The runs that were made until it was found. */
  readonly runs: number;
  /** The shortest list that fails. */
  readonly faults: readonly Fault[];
  readonly timeline: string;
  /** The file that replays it. */
  readonly file: string;

  constructor(
    found: Pick<SimulationError, "seed" | "runs" | "faults" | "timeline" | "file">,
    life: Life,
    remark?: string,
  ) {
    const { failure, told } = life;
    const count = found.faults.length;
    super(
      [
        `Run ${found.runs}, of seed ${found.seed}, has failed, ${count === 0 ? "with no fault at all" : `with ${count} fault${count === 1 ? "" : "s"}`}: ${failure?.message}`,
        found.timeline,
        ...told,
        ...(remark ? [remark] : []),
        `Again: simulate({ replay: "${found.file}", … }).`,
      ].join("\n\n"),
      { cause: failure },
    );
    this.seed = found.seed;
    this.runs = found.runs;
    this.faults = found.faults;
    this.timeline = found.timeline;
    this.file = found.file;
  }
}

const FOLDER = join(".lovage", "simulations");

/**
 * Lives a story again and again, each time under other faults: messages that come twice, late or in another order, answers that are
 * lost, workers that die, clocks that disagree, an AWS that is too busy. The story sends, drains, and then says what must hold; that
 * everything ends is looked at by itself. A seed that fails is shrunk to its shortest list of faults and written to a file.
 * @throws SimulationError for a story that fails; InvalidOptionError
 */
export async function simulate(options: SimulateOptions, story: Story): Promise<Simulated> {
  const { seed = 1, runs = 100, faultsPerTask = 2, maxSteps = 20_000 } = options;
  for (const [name, value] of Object.entries({ seed, runs, faultsPerTask, maxSteps })) {
    if (!Number.isSafeInteger(value) || value < 0) throw new InvalidOptionError(name, value, "a whole number from 0");
  }
  const leave = enterSimulation();
  const lived = (plan: Plan): Promise<Life> => live(story, { ...options, plan, faultsPerTask, maxSteps });
  try {
    if (options.replay !== undefined) return await replay(options.replay, lived);
    const faults: Partial<Record<FaultKind, number>> = {};
    const told = new Set<string>();
    for (let run = 0; run < runs; run++) {
      const plan = searching(seed + run, options.faults ?? kinds());
      const life = await lived(plan);
      for (const line of life.told) {
        if (!told.has(line)) (options.tell ?? console.warn)(line);
        told.add(line);
      }
      for (const { kind } of plan.struck) faults[kind] = (faults[kind] ?? 0) + 1;
      if (life.failure) throw await explain(plan, life, { lived, runs: run + 1, options });
    }
    return { runs, faults, told: [...told] };
  } finally {
    leave();
  }
}

function kinds(): FaultKind[] {
  return Object.keys(FAULTS).filter((kind): kind is FaultKind => kind in FAULTS);
}

/** Shrinks a failure, and writes it down. */
async function explain(
  { seed, struck }: Plan,
  first: Life,
  { lived, runs, options }: { lived: (plan: Plan) => Promise<Life>; runs: number; options: SimulateOptions },
): Promise<SimulationError> {
  const again = await lived(listed(seed, struck));
  const remark = difference(first, again);
  const fails = async (faults: readonly Fault[]): Promise<boolean> =>
    (await lived(listed(seed, faults))).failure?.name === first.failure?.name;
  const isSame = again.failure?.name === first.failure?.name;
  const faults = isSame ? await shrink(struck, fails) : [...struck];
  const life = isSame ? await lived(listed(seed, faults)) : first;
  const timeline = printTimeline(life.happenings);
  const name = Object.keys(options.tasks).join("-").replaceAll(/\W+/g, "-").slice(0, 60);
  const file = join(options.folder ?? FOLDER, `${name}-seed-${seed}.json`);
  await mkdir(dirname(file), { recursive: true });
  const kept = { seed, faults, failure: life.failure?.message, timeline: timeline.split("\n") };
  await writeFile(file, `${JSON.stringify(kept, undefined, 2)}\n`);
  return new SimulationError({ seed, runs, faults, timeline, file }, life, remark);
}

/** Where two lives under the same faults part; undefined if they do not. */
function difference(first: Life, second: Life): string | undefined {
  const length = Math.max(first.happenings.length, second.happenings.length);
  for (let index = 0; index < length; index++) {
    const [one, other] = [first.happenings[index], second.happenings[index]];
    if (one?.at === other?.at && one?.who === other?.who && one?.text === other?.text) continue;
    return `Two runs with the same faults differ, first in '${one?.text ?? "the end"}' and '${other?.text ?? "the end"}': something takes time or chance from outside of the simulation.`;
  }
  return undefined;
}

async function replay(file: string, lived: (plan: Plan) => Promise<Life>): Promise<Simulated> {
  const { seed, faults } = readKept(file, await readFile(file, "utf8"));
  const plan = listed(seed, faults);
  const life = await lived(plan);
  if (life.failure) {
    const timeline = printTimeline(life.happenings);
    throw new SimulationError({ seed, runs: 1, faults: plan.struck, timeline, file }, life);
  }
  const struck: Partial<Record<FaultKind, number>> = {};
  for (const { kind } of plan.struck) struck[kind] = (struck[kind] ?? 0) + 1;
  return { runs: 1, faults: struck, told: life.told };
}

/** @throws InvalidOptionError for a file that is none of a simulation */
function readKept(file: string, text: string): { seed: number; faults: Fault[] } {
  const kept: unknown = JSON.parse(text);
  if (typeof kept === "object" && kept !== null && "seed" in kept && "faults" in kept) {
    const { seed, faults } = kept;
    if (typeof seed === "number" && Array.isArray(faults) && faults.every(isFault)) return { seed, faults };
  }
  throw new InvalidOptionError("replay", file, "a file that a failed simulation has written: its seed and its faults");
}

function isFault(value: unknown): value is Fault {
  if (typeof value !== "object" || value === null || !("at" in value && "kind" in value)) return false;
  return typeof value.at === "string" && typeof value.kind === "string" && value.kind in FAULTS;
}
