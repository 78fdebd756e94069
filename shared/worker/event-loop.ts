/** How long the event loop of a process has stood still: time in which no run could go on, and none could be told anything. */

const BEAT_MILLISECONDS = 50;

interface Watched {
  users: number;
  beats: NodeJS.Timeout | undefined;
  lastBeat: number;
  stalled: number;
}

/** By the app of the process. A test has several in one, each with a time of its own. */
const loops = new WeakMap<object, Watched>();

function loopOf(process: object): Watched {
  const loop = loops.get(process) ?? { users: 0, beats: undefined, lastBeat: 0, stalled: 0 };
  loops.set(process, loop);
  return loop;
}

/** Milliseconds for which the event loop has stood still since the first user came; a pause of less than two beats is none. */
export function stalledMilliseconds(process: object): number {
  const loop = loopOf(process);
  const now = performance.now();
  const late = now - loop.lastBeat - BEAT_MILLISECONDS;
  if (late > BEAT_MILLISECONDS) loop.stalled += late;
  // Asked between two beats, the rest of this one is still to come.
  if (late > 0) loop.lastBeat = now;
  return loop.stalled;
}

/** Watches the event loop until the function that it answers with is called. */
export function watchEventLoop(process: object): () => void {
  const loop = loopOf(process);
  if (loop.users === 0) {
    loop.lastBeat = performance.now();
    loop.beats = setInterval(() => {
      stalledMilliseconds(process);
      loop.lastBeat = performance.now();
    }, BEAT_MILLISECONDS);
  }
  loop.users += 1;
  return () => {
    loop.users -= 1;
    if (loop.users === 0) clearInterval(loop.beats);
  };
}
