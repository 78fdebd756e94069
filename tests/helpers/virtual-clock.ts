import type { SchedulerClock } from "../../localstack/scheduler.ts";

/** Time that passes only when the test says so. */
export function virtualClock(start: string): SchedulerClock & { runTo(time: string): Promise<void> } {
  let now = new Date(start).getTime();
  const timers = new Set<{ at: number; then: () => void }>();
  return {
    now: () => new Date(now),
    after(milliseconds, then) {
      const timer = { at: now + milliseconds, then };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async runTo(time) {
      const end = new Date(time).getTime();
      for (;;) {
        // What the last timer has set off may set others.
        await new Promise((resolve) => setImmediate(resolve));
        const [next] = [...timers].sort((a, b) => a.at - b.at);
        if (next === undefined || next.at > end) break;
        timers.delete(next);
        now = next.at;
        next.then();
      }
      now = end;
    },
  };
}
