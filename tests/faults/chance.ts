/** All randomness of the fault tests: one seed, printed with every result, gives the same faults again. */

export interface Chance {
  /** 0 up to but not 1. */
  next(): number;
  /** Whether something of this probability happens now. */
  happens(probability: number): boolean;
  /** A number from `least` up to but not `most`. */
  between(least: number, most: number): number;
  pick<T>(choices: readonly [T, ...T[]]): T;
  /** A sequence of its own for one part of a test, so that the others cannot shift it. */
  fork(name: string): Chance;
}

/** `LOVAGE_SEED`, or one that no run had before. */
export const SEED = process.env.LOVAGE_SEED ? Number(process.env.LOVAGE_SEED) : Math.floor(Math.random() * 1_000_000);

/** Mulberry32: 32 bits of state, which is plenty for choosing faults. */
export function createChance(seed: number): Chance {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d_2b_79_f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    happens: (probability) => next() < probability,
    between: (least, most) => least + next() * (most - least),
    pick: (choices) => choices[Math.floor(next() * choices.length)] ?? choices[0],
    fork: (name) => createChance([...name].reduce((sum, letter) => Math.imul(sum, 31) + letter.charCodeAt(0), seed)),
  };
}

/** How much a test does: `LOVAGE_FAULTS=long` is for the night, the rest for every change. */
export function size<T>(everyChange: T, long: T): T {
  return process.env.LOVAGE_FAULTS === "long" ? long : everyChange;
}
