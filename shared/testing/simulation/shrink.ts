import { type Fault, shorter } from "./faults.ts";

/** More tries are not worth their time. */
const MAX_TRIES = 300;

/**
 * The shortest list of faults that still fails: none can be left out of it (delta debugging), and none takes less time.
 * @param fails lives the story with these faults
 */
export async function shrink(
  faults: readonly Fault[],
  fails: (faults: readonly Fault[]) => Promise<boolean>,
): Promise<Fault[]> {
  let left = [...faults];
  let tries = 0;
  const holds = async (some: readonly Fault[]): Promise<boolean> => {
    tries += 1;
    return tries <= MAX_TRIES && (await fails(some));
  };
  if (left.length > 0 && (await holds([]))) return [];
  for (let size = Math.ceil(left.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < left.length; ) {
      const without = [...left.slice(0, start), ...left.slice(start + size)];
      if (without.length > 0 && (await holds(without))) left = without;
      else start += size;
    }
    // A fault that could not go before may go now.
    if (size === 1 && tries < MAX_TRIES) {
      const again = left.length;
      for (const fault of [...left]) {
        const without = left.filter((one) => one !== fault);
        if (without.length > 0 && (await holds(without))) left = without;
      }
      if (left.length < again) size = 2;
    }
  }
  for (const [index, fault] of left.entries()) {
    for (const seconds of shorter(fault)) {
      const quicker = left.with(index, { ...fault, seconds });
      if (!(await holds(quicker))) continue;
      left = quicker;
      break;
    }
  }
  return left;
}
