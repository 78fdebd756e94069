/** The arrival of the file that an upload's task is for. It may come before its run, meanwhile, or long after. */

import { absent, allOf, anyOf, equal } from "../aws/change.ts";
import type { MultipartUpload } from "../aws/s3-multipart.ts";
import { toJsonText } from "../message/json.ts";
import { recordKey } from "../table/keys.ts";
import { lastRunItem } from "./attempts.ts";
import type { StoreParts } from "./claims.ts";
import { ENDED_IN_VAIN, NOT_BEGUN, NOT_ENDED } from "./conditions.ts";
import { recordIn, type StoredRecord, toRecord } from "./record.ts";

/** A run that has begun so long before the file came may have seen it all the same: clocks differ. */
const SKEW_MILLISECONDS = 60_000;

/**
 * - `waits`: it runs next, and its record says that the file is there; its message may be sent.
 * - `runs`: a run is under way that may have begun before the file was there; its end decides.
 * - `ended`: it has seen a file, or was revoked.
 */
interface Arrived {
  next: "waits" | "runs" | "ended";
  record: StoredRecord;
}

export interface Arrivals {
  /**
   * Notes in the record of a task that its file came at `time`. One that has failed without having seen it waits again, for its next
   * attempt. Repeated, it answers the same; dying after it leaves a task that waits for a message, which the next notification sends.
   * Undefined: there is no such record.
   */
  arrive(id: string, time: Date): Promise<Arrived | undefined>;
  /**
   * Notes which file is waited for: another form may be for one of another name, and one may come in parts. False: one has come meanwhile,
   * or none is waited for any more.
   */
  awaitFile(
    record: Pick<StoredRecord, "id" | "headers">,
    file: { filename: string; multipart?: MultipartUpload },
  ): Promise<boolean>;
}

export function createArrivals({ table, lifetime }: Pick<StoreParts, "table" | "lifetime">): Arrivals {
  const arrivals: Arrivals = {
    async arrive(id, time) {
      const key = recordKey(id);
      const arrivedAt = time.toISOString();
      const noted = await table.update({ key, set: { arrivedAt }, when: NOT_ENDED, returns: "ALL_NEW" });
      if (noted.applied) {
        const record = toRecord(noted.attributes);
        return { record, next: record.state === "STARTED" && beganBefore(record, time) ? "runs" : "waits" };
      }
      const record = recordIn(noted.item);
      if (record === undefined) return undefined;
      if (record.state !== "FAILURE" || !beganBefore(record, time)) return { record, next: "ended" };
      const revived = await table.update({
        key,
        set: {
          ...lastRunItem(record),
          state: "PENDING",
          attempt: record.attempt + 1,
          arrivedAt,
          ttl: Math.max(Number(noted.item?.ttl ?? 0), lifetime.unfinished({})),
        },
        setFrom: { fenceBase: "fence" },
        remove: ["finishedAt", "shownUntil", "startedAt", "eta", "error", "errorRef", "progress", "failureGroup"],
        when: allOf(ENDED_IN_VAIN, equal("attempt", record.attempt)),
        returns: "ALL_NEW",
      });
      return revived.applied ? { record: toRecord(revived.attributes), next: "waits" } : arrivals.arrive(id, time);
    },
    async awaitFile({ id, headers }, { filename, multipart }) {
      const waits = allOf(absent("arrivedAt"), anyOf(NOT_BEGUN, ENDED_IN_VAIN));
      const set = {
        headers: toJsonText({ ...headers, filename }),
        ...(multipart && { multipart: toJsonText({ ...multipart }) }),
      };
      return (await table.update({ key: recordKey(id), set, when: waits })).applied;
    },
  };
  return arrivals;
}

/** The run that the record tells of may not have seen the file. */
function beganBefore({ startedAt }: StoredRecord, time: Date): boolean {
  return startedAt === undefined || Date.parse(startedAt) <= time.getTime() + SKEW_MILLISECONDS;
}
