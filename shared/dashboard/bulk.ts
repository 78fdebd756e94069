/** Bulk acts, as the service shows them. */

import type { BulkAct, Outcome } from "../bulk/act.ts";
import { call, pathOf } from "./api.ts";

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

/** A UUID of version 7. https://www.rfc-editor.org/rfc/rfc9562#section-5.7 */
export function newActId(now = Date.now(), random = crypto.getRandomValues(new Uint8Array(10))): string {
  const [a = 0, b = 0, c = 0, ...rest] = random;
  const hex = (bytes: readonly number[]): string => bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const time = now.toString(16).padStart(12, "0");
  const [version, variant] = [hex([0x70 | (a & 0x0f), b]), hex([0x80 | (c & 0x3f), ...rest.slice(0, 1)])];
  return `${time.slice(0, 8)}-${time.slice(8)}-${version}-${variant}-${hex(rest.slice(1))}`;
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
