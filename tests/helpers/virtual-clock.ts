import type { Clock } from "../../localstack/clock.ts";

/** Time that passes only when the test says so. */
export function virtualClock(start: string): Clock & { runTo(time: string): Promise<void> } {
  let now = new Date(start).getTime();
  const timers = new Set<{ at: number; act: () => void }>();
  return {
    now: () => now,
    after(ms, act) {
      const timer = { at: now + ms, act };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    sleep: (ms) => new Promise((resolve) => timers.add({ at: now + ms, act: resolve })),
    async runTo(time) {
      const end = new Date(time).getTime();
      for (;;) {
        // The work that the last timer has set off may set others.
        await new Promise((resolve) => setImmediate(resolve));
        const [next] = [...timers].sort((a, b) => a.at - b.at);
        if (next === undefined || next.at > end) break;
        timers.delete(next);
        now = next.at;
        next.act();
      }
      now = end;
    },
  };
}
