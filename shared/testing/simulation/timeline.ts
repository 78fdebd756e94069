import { FAULTS, type Fault } from "./faults.ts";

/** Something that happened. */
export interface Happening {
  /** Milliseconds since the beginning. */
  at: number;
  /** The process, or the cloud. */
  who: string;
  text: string;
  fault?: Fault;
}

/** More lines help nobody. */
const MAX_LINES = 80;

const UNKNOWN = "id";

/** Names for ids, in the order in which they come: `pay 1`, and `id 1` for what is no task. */
export interface Names {
  add(id: string, task: string): void;
  of(id: string): string;
  /** A text with names for ids, and without times, so that it is the same in each run. */
  say(text: string): string;
}

export function createNames(): Names {
  const names = new Map<string, string>();
  const counts = new Map<string, number>();
  const add = (id: string, word: string): string => {
    const known = names.get(id);
    // Of some the task is known later than the id.
    if (known !== undefined && (word === UNKNOWN || !known.startsWith(`${UNKNOWN} `))) return known;
    const count = (counts.get(word) ?? 0) + 1;
    counts.set(word, count);
    const name = `${word} ${count}`;
    names.set(id, name);
    return name;
  };
  const of = (id: string): string => add(id, UNKNOWN);
  return {
    add,
    of,
    say: (text) =>
      text
        .replaceAll(/#?\d{4}-\d\d-\d\dT[\d:.]+Z?/g, "")
        .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, of)
        .replaceAll(/ {2,}/g, " "),
  };
}

/** Lines such as `  1.204 s  worker 1   writes SUCCESS of pay 1   <- the worker died after it`. */
export function printTimeline(happenings: readonly Happening[]): string {
  const [first, last] = [happenings.slice(0, MAX_LINES / 2), happenings.slice(MAX_LINES / 2)];
  const end = last.slice(-MAX_LINES / 2);
  const left = last.length - end.length;
  const rest = left > 0 ? [`      ... ${left} lines are left out ...`] : [];
  const width = Math.max(0, ...happenings.map(({ who }) => who.length));
  const line = ({ at, who, text, fault }: Happening): string => {
    const time = `${(at / 1000).toFixed(3)} s`.padStart(12);
    return `${time}  ${who.padEnd(width)}  ${text}${fault ? `   <- ${sayFault(fault)}` : ""}`;
  };
  return [...first.map(line), ...rest, ...end.map(line)].join("\n");
}

export function sayFault({ kind, seconds }: Fault): string {
  if (seconds === undefined || seconds === 0) return FAULTS[kind];
  if (kind === "clock") return `${FAULTS[kind]} by ${seconds} s`;
  return `${FAULTS[kind]} (${kind === "slow" || kind === "late" ? "" : "after "}${seconds} s)`;
}
