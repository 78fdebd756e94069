/** Bulk acts, as the service shows them. */

import type { BulkAct, Outcome } from "../bulk/act.ts";
import { call } from "./api.ts";
import { pathOf } from "./path.ts";

type Counts = Pick<BulkAct, "id" | "act" | "by" | "at" | "state" | "rate" | "total" | "done" | "skipped" | "failed">;

export interface ShownAct extends Counts {
  target: unknown;
  isCut?: true;
  startedAt?: string;
  endedAt?: string;
}

export interface ActWithTasks extends ShownAct {
  tasks: (Omit<Outcome, "outcome"> & { id: string; outcome: Outcome["outcome"] | "waiting" })[];
  cursor?: string;
}

/** The body of a call that makes an act. */
interface Wanted {
  act: BulkAct["act"];
  rate: number;
  /** Without it the act waits when its tasks are found, so that somebody can look at them. */
  start: boolean;
  filter?: Readonly<Record<string, string>>;
  failure?: string;
  ids?: readonly string[];
}

/** @param id made once for what the viewer wants: pressed twice it is one act */
export function makeAct(id: string, wanted: Wanted): Promise<ShownAct> {
  return call<ShownAct>(pathOf(["bulk"]), { method: "POST", body: { id, ...wanted } });
}

export function isUnderWay({ state }: Pick<ShownAct, "state">): boolean {
  return state === "collecting" || state === "acting";
}

/** Tasks that have their outcome. */
export function acted({ done, skipped, failed }: ShownAct): number {
  return done + skipped + failed;
}

/** The tasks that an act is about: the fields of a filter by themselves. */
export function aboutOf({ target }: ShownAct): unknown {
  return typeof target === "object" && target !== null && "filter" in target ? target.filter : target;
}
