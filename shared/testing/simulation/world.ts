import { AsyncResource } from "node:async_hooks";
import { turnOfLoop } from "./real-world.ts";

/** A process of the simulation: what it has planned dies with it. */
interface Owner {
  readonly dead: boolean;
}

interface Planned {
  time: number;
  act: () => void;
  owner: Owner | undefined;
}

/** One clock, and what is planned by it. Nothing happens at once: of two things at the same time the one goes first that was planned first. */
export interface World {
  now(): number;
  /** Plans an act; the answer takes it back. */
  at(time: number, act: () => void, owner?: Owner): () => void;
  /** The time of the next act; Infinity if nothing is planned. */
  next(): number;
  /** Does the next act, and waits until all that follows from it stands still again. */
  step(): Promise<void>;
  /** Sets the clock on to a time before the next act. */
  passTo(time: number): void;
}

export function createWorld(begin: number): World {
  let time = begin;
  const planned: Planned[] = [];
  return {
    now: () => time,
    at(when, act, owner) {
      const one: Planned = { time: Math.max(time, when), act: AsyncResource.bind(act), owner };
      let place = planned.length;
      while (place > 0 && (planned[place - 1]?.time ?? 0) > one.time) place -= 1;
      planned.splice(place, 0, one);
      return () => {
        const index = planned.indexOf(one);
        if (index >= 0) planned.splice(index, 1);
      };
    },
    next() {
      while (planned[0]?.owner?.dead) planned.shift();
      return planned[0]?.time ?? Number.POSITIVE_INFINITY;
    },
    async step() {
      const one = planned.shift();
      if (one === undefined || one.owner?.dead) return;
      time = Math.max(time, one.time);
      one.act();
      await turnOfLoop();
    },
    passTo(when) {
      time = Math.max(time, when);
    },
  };
}
