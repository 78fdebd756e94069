/** Records and payloads as the API shows them: without their secrets. */

import { withPayloads, withVersions } from "../canvas/secrets.ts";
import { type Json, parseJson, toJsonText } from "../message/json.ts";
import { FIRST_PAYLOAD_VERSION, payloadVersionOf } from "../message/payload-version.ts";
import type { TaskRecord } from "../results/record.ts";
import type { Registry } from "../task/registry.ts";
import { ALL_SECRET, PARTS } from "../task/secrets.ts";
import { readStoredNode } from "../workflows/read-node.ts";

export interface Mask {
  /** A record with `[secret]` in the place of each secret, and without links to large values that hold some. */
  record(record: TaskRecord): TaskRecord;
  /** The payload of a task. */
  payload(task: string, payload: Json): Json;
  /** The version of a stored payload, which is said where its task has several: then it can be sent back as it is. */
  version(task: string, stored: { payloadVersion?: number }): { payloadVersion?: number };
  /** The payloads within a workflow, as `POST /workflows` takes it. */
  workflow(node: Json): Json;
}

/** The marks are those of the tasks' code as it is now: of a task that it no longer has, all is secret. */
export function createMask(registry: Registry): Mask {
  const secretsOf = (task: string): typeof ALL_SECRET => registry.find(task)?.secrets ?? ALL_SECRET;
  return {
    payload: (task, payload) => secretsOf(task).mask("payload", payload),
    version: (task, stored) =>
      registry.find(task)?.payloadVersion === FIRST_PAYLOAD_VERSION ? {} : { payloadVersion: payloadVersionOf(stored) },
    workflow: (node) =>
      parseJson(
        toJsonText(
          withPayloads(withVersions(registry, readStoredNode(node), "first"), ({ task, payload = null }) =>
            secretsOf(task).mask("payload", payload),
          ),
        ),
      ),
    record(record) {
      const secrets = secretsOf(record.task);
      const shown = { ...record };
      for (const part of PARTS) {
        const value = record[part];
        if (value !== undefined) shown[part] = secrets.mask(part, value);
      }
      const { payload, result, error } = record.large ?? {};
      const large = {
        ...(payload && { payload: secrets.has("payload") ? withoutLink(payload) : payload }),
        ...(result && { result: secrets.has("result") ? withoutLink(result) : result }),
        ...(error && { error }),
      };
      return { ...shown, ...(record.large && { large }) };
    },
  };
}

function withoutLink<Value extends { url?: string }>({ url, ...value }: Value): Omit<Value, "url"> {
  return value;
}
