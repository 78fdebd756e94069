/**
 * A number from 0 up to but not 1 for a name. The same seed and name always give the same one, whatever else was asked before: so a fault
 * that is left out moves no other.
 */
export function chanceOf(seed: number, name: string): number {
  // FNV-1a, then the mixing of Mulberry32: plenty for choosing faults.
  let state = 0x81_1c_9d_c5 ^ seed;
  for (const letter of name) state = Math.imul(state ^ (letter.codePointAt(0) ?? 0), 0x01_00_01_93);
  state = (state + 0x6d_2b_79_f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}

/** One of the choices. */
export function pickOf<T>(seed: number, name: string, choices: readonly [T, ...T[]]): T {
  return choices[Math.floor(chanceOf(seed, name) * choices.length)] ?? choices[0];
}
