/** From what a task uses to what a million of them cost. Pure. */

import { PRICES, type Priced } from "./prices.ts";

/** Of each unit that has a price: how many a task uses. */
export type Usage = Partial<Record<Priced, number>>;

export interface Charge {
  priced: Priced;
  /** Units per task. */
  amount: number;
  /** For a million tasks. */
  usd: number;
}

export interface Bill {
  charges: Charge[];
  usd: number;
}

/** For a million tasks. Every unit that is named has its line, also where it is 0. */
export function toBill(usage: Usage): Bill {
  const names = Object.keys(PRICES).filter((name): name is Priced => name in PRICES);
  const charges = names.flatMap((priced): Charge[] => {
    const amount = usage[priced];
    return amount === undefined ? [] : [{ priced, amount, usd: amount * PRICES[priced].usdPerMillion }];
  });
  return { charges, usd: charges.reduce((all, { usd }) => all + usd, 0) };
}

/** How long the worker function runs is up to the tasks, so it is assumed: it awaits calls of a few milliseconds, all at once. */
export const ASSUMED = { millisecondsPerInvocation: 100, gigabytes: 1 };

/** Lambda's addition, for so many invocations per task. */
export function lambdaUsage(invocationsPerTask: number): Usage {
  const seconds = ASSUMED.millisecondsPerInvocation / 1000;
  return {
    lambdaRequest: invocationsPerTask,
    lambdaGigabyteSecond: invocationsPerTask * seconds * ASSUMED.gigabytes,
  };
}
