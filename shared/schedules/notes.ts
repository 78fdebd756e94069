/** Notes of what left no record of a task: fire times that were skipped or missed, pauses, and runs by hand. */

import type { Item } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";
import { scheduleNoteKey, scheduleNotes } from "../table/keys.ts";

export interface Note {
  kind: "skipped" | "missed" | "paused" | "manual";
  /** The fire time, the first of several, or when it was run by hand. */
  at: Date;
  /** The last of several. */
  until?: Date;
  /** How many, if several. */
  count?: number;
  /** Why it was skipped, or who ran it. */
  reason?: string;
  /** The task that was run by hand. */
  id?: string;
}

export interface Notes {
  /** Writes a note; a repetition writes it again. */
  note(entry: { name: string; incarnation: string }, note: Note, keepSeconds: number): Promise<void>;
  /** Notes before a time, newest first. */
  notes(entry: { name: string; incarnation: string }, before: Date, limit: number): Promise<Note[]>;
}

/** A note is kept for so long at least. */
const NOTE_SECONDS = 30 * 86_400;

export function createNotes(table: Table): Notes {
  return {
    async note({ name, incarnation }, { kind, at, until, count, reason, id }, keepSeconds) {
      await table.update({
        key: scheduleNoteKey(name, incarnation, { at: at.toISOString(), kind }),
        set: {
          kind,
          ...(until && { until: until.toISOString() }),
          count,
          reason,
          id,
          ttl: Math.ceil((until ?? at).getTime() / 1000) + Math.max(NOTE_SECONDS, keepSeconds),
        },
      });
    },

    async notes({ name, incarnation }, before, limit) {
      const { pk, from } = scheduleNotes(name, incarnation);
      const items = await table.query({ pk, from, to: `${from}${before.toISOString()}`, limit, pageSize: limit });
      return items.map(toNote);
    },
  };
}

function toNote({ sk, kind, until, count, reason, id }: Item): Note {
  const at = String(sk).split("#")[2] ?? "";
  return {
    kind: kind === "missed" || kind === "paused" || kind === "manual" ? kind : "skipped",
    at: new Date(at),
    ...(until !== undefined && { until: new Date(String(until)) }),
    ...(typeof count === "number" && { count }),
    ...(typeof reason === "string" && { reason }),
    ...(typeof id === "string" && { id }),
  };
}
