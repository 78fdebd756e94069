/** Medians and spreads. Pure. */

export interface Spread {
  median: number;
  least: number;
  greatest: number;
}

/** The value below which the share `part` of all lies (nearest rank); NaN of none. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

export function spread(values: readonly number[]): Spread {
  return { median: median(values), least: Math.min(...values), greatest: Math.max(...values) };
}

/**
 * Ratios of values that were measured one after another in the same round, so that what slows a whole round does not
 * count.
 */
export function ratios(of: readonly number[], to: readonly number[]): Spread {
  return spread(of.map((value, index) => value / (to[index] ?? Number.NaN)));
}
