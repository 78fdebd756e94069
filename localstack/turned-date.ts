/**
 * `Date` of this process, ahead of the machine's clock by as much as somebody has turned it: whoever asks for the time, packages included, sees
 * one clock. As long as nobody turns it, nothing is replaced. Timers run as ever.
 */

const MachineDate = Date;
let ahead = 0;

/** How far this process is ahead of the machine's clock. */
export function aheadMilliseconds(): number {
  return ahead;
}

export function setAhead(milliseconds: number): void {
  ahead = milliseconds;
  const wanted = milliseconds === 0 ? MachineDate : turnedDate;
  if (globalThis.Date === wanted) return;
  globalThis.Date = wanted;
  // So that a date's constructor is the one that everybody knows.
  MachineDate.prototype.constructor = wanted;
}

const now = (): number => MachineDate.now() + ahead;

const turnedDate = new Proxy(MachineDate, {
  apply: () => new MachineDate(now()).toString(),
  construct: (target, given, made) => Reflect.construct(target, given.length === 0 ? [now()] : given, made),
  get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
});
