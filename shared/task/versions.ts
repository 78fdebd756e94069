/** A payload whose shape has changed: the versions that a task has had, and how each becomes the next one. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { InvalidOptionError, InvalidPayloadError } from "../errors.ts";
import { type Json, parseJson } from "../message/json.ts";
import { FIRST_PAYLOAD_VERSION, isPayloadVersion, MAX_PAYLOAD_VERSION } from "../message/payload-version.ts";
import { payloadText } from "../message/user-values.ts";
import { isSchema, validate } from "./payload.ts";

type Input<Schema> = Schema extends StandardSchemaV1 ? StandardSchemaV1.InferInput<Schema> : never;
type Output<Schema> = Schema extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<Schema> : never;

/** The schemas that follow those of the older versions, the newest last. */
type Following<Older extends readonly unknown[], Newest> = Older extends readonly [unknown, ...infer Rest]
  ? [...Rest, Newest]
  : [];

/** Of a list whose length nobody knows, any of them may follow. */
type NextInput<Older extends readonly unknown[], Newest, Index> = number extends Older["length"]
  ? Input<Older[number]> | Input<Newest>
  : Index extends keyof Following<Older, Newest>
    ? Input<Following<Older, Newest>[Index]>
    : never;

/** The older versions of a payload, in their order: each `upgrade` makes of one what the schema of the next one takes. */
export type Versions<Older extends readonly StandardSchemaV1[], Newest> = {
  readonly [Index in keyof Older]: {
    /** The schema that the payload had. */
    schema: Older[Index];
    /** Makes the next version of a payload that this schema has accepted. It may be asked again for the same one, so it must change nothing. */
    upgrade: (
      payload: Output<Older[Index]>,
    ) => NextInput<Older, Newest, Index> | Promise<NextInput<Older, Newest, Index>>;
  };
};

interface Older {
  schema: StandardSchemaV1;
  upgrade: (payload: unknown) => unknown;
}

/** The versions of one task's payload. */
export interface Upgrades {
  readonly oldest: number;
  readonly newest: number;
  /** The schemas of all but the newest. */
  readonly schemas: readonly StandardSchemaV1[];
  /**
   * A payload as the newest version has it, to be checked by that. Each step is given what JSON makes of the step before.
   * @throws InvalidPayloadError for a version that is not read any more, or whose schema refuses it; whatever an upgrade throws
   */
  upgraded(payload: Json, version: number, refuse: Refuse): Promise<Json>;
}

/** The error for a payload that a schema has refused. */
type Refuse = (payload: Json, issues: readonly StandardSchemaV1.Issue[]) => InvalidPayloadError;

const EXPECTED =
  "a list of { schema, upgrade }, one for each older version of the payload, in their order, each a Standard Schema and a function";

/** @throws InvalidOptionError */
export function createUpgrades(task: string, versions: unknown, oldest: unknown): Upgrades {
  const older: readonly unknown[] = Array.isArray(versions) ? versions : [];
  if (!Array.isArray(versions) || !older.every(isOlder)) throw new InvalidOptionError("versions", versions, EXPECTED);
  if (!isPayloadVersion(oldest) || oldest + older.length > MAX_PAYLOAD_VERSION) {
    const most = MAX_PAYLOAD_VERSION - older.length;
    throw new InvalidOptionError("oldestVersion", oldest, `a whole number from ${FIRST_PAYLOAD_VERSION} to ${most}`);
  }
  const newest = oldest + older.length;
  return {
    oldest,
    newest,
    schemas: older.map(({ schema }) => schema),
    async upgraded(payload, version, refuse) {
      if (version < oldest) {
        const message = `it is of version ${version}, and this service reads ${oldest} to ${newest}: give its task() the older ones in 'versions' again`;
        throw new InvalidPayloadError(task, [{ message }]);
      }
      let value = payload;
      for (const [step, { schema, upgrade }] of older.slice(version - oldest).entries()) {
        const outcome = await validate(schema, value);
        if (outcome.issues) throw refuse(value, inVersion(outcome.issues, `in version ${version + step} of it`));
        value = parseJson(payloadText(task, await upgrade(outcome.value)));
      }
      return value;
    },
  };
}

/** The issues of a schema, each with the version of the payload that it is about. */
export function inVersion(issues: readonly StandardSchemaV1.Issue[], where: string): StandardSchemaV1.Issue[] {
  return issues.map((issue) => ({ ...issue, message: `${issue.message} (${where})` }));
}

function isOlder(value: unknown): value is Older {
  if (typeof value !== "object" || value === null || !("schema" in value && "upgrade" in value)) return false;
  return isSchema(value.schema) && typeof value.upgrade === "function" && Object.keys(value).length === 2;
}
