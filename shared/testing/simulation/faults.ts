import { chanceOf, pickOf } from "./chance.ts";

/** The effect of each fault, as a timeline says it. */
export const FAULTS = {
  again: "the answer was lost, and the SDK asked again",
  lost: "it was done, and the answer was lost for good",
  refused: "AWS was too busy: it was not done",
  partial: "AWS took only a part of the batch",
  slow: "it took long",
  "crash before": "the worker died before it",
  "crash after": "the worker died after it",
  duplicate: "SQS delivered it twice",
  early: "its visibility ended early: SQS delivered it again, while it was in a worker's hands",
  unacknowledged: "the acknowledgement was lost: SQS will deliver it again",
  late: "it came late",
  clock: "its clock is wrong",
  single: "each worker gets one message at a time",
  uneven: "calls take 1 to 20 ms, as chance has it",
} as const;

export type FaultKind = keyof typeof FAULTS;

/** One fault: where it struck, and what it was. */
export interface Fault {
  /** The call, delivery or process, with its number among those of the same name: `write SUCCESS of pay 1 #2`. */
  at: string;
  kind: FaultKind;
  /** Of `slow`, `late`, `early`, `duplicate`: how long; of `clock`: how far. */
  seconds?: number;
}

/** Says which faults strike. */
export interface Plan {
  readonly seed: number;
  /** Those that have struck. */
  readonly struck: readonly Fault[];
  /** The fault that strikes at this place, of these kinds, if there is one and `may` lets it. */
  strike(
    at: string,
    kinds: readonly FaultKind[],
    may?: (kind: FaultKind, seconds: number) => boolean,
  ): Fault | undefined;
}

const SECONDS: Readonly<Partial<Record<FaultKind, readonly [number, ...number[]]>>> = {
  slow: [0.2, 2, 8],
  late: [0.2, 2, 20],
  early: [0, 0.02, 1],
  duplicate: [0, 0.02, 1],
  clock: [-300, -5, 5, 300],
};
const RATES = [0.02, 0.08, 0.25] as const;
/** Kinds that hold for all of a run. */
const STANDING = new Set<FaultKind>(["clock", "single", "uneven"]);

/** Faults as the seed has them. Each seed has a rate and some of the kinds, so that some faults meet only each other. */
export function searching(seed: number, allowed: readonly FaultKind[]): Plan {
  const struck: Fault[] = [];
  const rate = pickOf(seed, "rate", RATES);
  const chosen = allowed.filter((kind) => STANDING.has(kind) || chanceOf(seed, `some ${kind}`) < 0.5);
  return {
    seed,
    struck,
    strike(at, kinds, may = () => true) {
      const [first, ...others] = kinds.filter((kind) => chosen.includes(kind));
      if (first === undefined) return undefined;
      const kind = pickOf(seed, `kind at ${at}`, [first, ...others]);
      if (chanceOf(seed, at) >= (STANDING.has(kind) ? 0.5 : rate)) return undefined;
      const lengths = SECONDS[kind];
      const seconds = lengths && pickOf(seed, `seconds at ${at}`, lengths);
      if (!may(kind, seconds ?? 0)) return undefined;
      const fault: Fault = { at, kind, ...(seconds !== undefined && { seconds }) };
      struck.push(fault);
      return fault;
    },
  };
}

/** The faults of a list, and no others. */
export function listed(seed: number, faults: readonly Fault[]): Plan {
  const struck: Fault[] = [];
  return {
    seed,
    struck,
    strike(at, kinds) {
      const fault = faults.find((one) => one.at === at && kinds.includes(one.kind));
      if (fault !== undefined) struck.push(fault);
      return fault;
    },
  };
}

/** Shorter times for a fault, shortest first. */
export function shorter({ kind, seconds = 0 }: Fault): number[] {
  return (SECONDS[kind] ?? [])
    .filter((one) => Math.abs(one) < Math.abs(seconds))
    .toSorted((a, b) => Math.abs(a) - Math.abs(b));
}
