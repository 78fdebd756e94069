/** How long the event loop of this process has stood still: time in which no run could go on, and none could be told anything. */

const BEAT_MILLISECONDS = 50;

let users = 0;
let beats: NodeJS.Timeout | undefined;
let lastBeat = 0;
let stalled = 0;

/** Milliseconds for which the event loop has stood still since the first user came; a pause of less than two beats is none. */
export function stalledMilliseconds(): number {
  const now = performance.now();
  const late = now - lastBeat - BEAT_MILLISECONDS;
  if (late > BEAT_MILLISECONDS) stalled += late;
  // Asked between two beats, the rest of this one is still to come.
  if (late > 0) lastBeat = now;
  return stalled;
}

/** Watches the event loop until the function that it answers with is called. */
export function watchEventLoop(): () => void {
  if (users === 0) {
    lastBeat = performance.now();
    beats = setInterval(() => {
      stalledMilliseconds();
      lastBeat = performance.now();
    }, BEAT_MILLISECONDS);
  }
  users += 1;
  return () => {
    users -= 1;
    if (users === 0) clearInterval(beats);
  };
}
