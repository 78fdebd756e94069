/**
 * Lovage's own serverless.yml under that of a service: whatever the service does not say, this repository's declaration says, under
 * the same logical ids. The package has it as JSON; in this repository the service's declaration is Lovage's own
 * (docs/decisions/0059-package.md).
 */

import { existsSync, readFileSync } from "node:fs";
import { isObject, type JsonObject } from "../localstack/json.ts";
import { type Addition, additionsOf, applyAddition, valueAt } from "./entry-additions.ts";
import { readOwnEntries } from "./own-entries.ts";
import { ownFile } from "./paths.ts";
import type { Serverless } from "./serverless.ts";

/** Where the package has the declaration ready. */
export const DECLARATION_FILE = "serverless.json";

/** The role that views may share. A service without a view needs none. */
const VIEW_ROLE = "ViewRole";

/** How many keys lead to what is replaced as a whole: a function's property, and a property of a resource. */
const WHOLE: Readonly<Record<string, number | undefined>> = { functions: 3, resources: 5 };

type Extendable = Pick<Serverless, "configurationInput" | "extendConfiguration" | "classes">;

/**
 * Adds to a service's declaration what it leaves out. Its own word always wins: a property of a function or a resource as a whole, so
 * that no statement of Lovage's mixes with one of the service's, and `null` takes away. `${…}` in what is added is resolved later.
 * Entries under `custom.lovage` become all that they stand for, as Lovage's own word. The framework itself fills in `stage`, `region` and `versionFunctions` of the provider before any plugin: a service says them.
 * @throws the framework's own error, in one sentence, where a list or a text stands in the place of named entries, and for an entry that
 * cannot be used
 */
export function addOwnDeclaration(serverless: Extendable, file = ownFile(DECLARATION_FILE)): void {
  const service = serverless.configurationInput;
  const ours: unknown = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
  const custom = isObject(service.custom) ? service.custom : {};
  try {
    const entries = readOwnEntries(custom.lovage);
    const additions = additionsOf(isObject(ours) ? ours : service, service, entries);
    if (isObject(ours)) {
      for (const addition of additions) applyAddition(ours, addition);
      leaveOut(ours, service);
      extend(serverless, missing(ours, service, []));
    } else {
      for (const addition of additions) extend(serverless, unlessThere(addition, service));
    }
  } catch (error) {
    throw new serverless.classes.Error(error instanceof Error ? error.message : String(error), "LOVAGE");
  }
}

function extend(serverless: Extendable, additions: Iterable<Addition>): void {
  // All are known before the first is made: an addition is no word of the service.
  for (const [path, value] of [...additions]) serverless.extendConfiguration([...path], value);
}

/** An addition to a declaration that may have words on it. */
function* unlessThere([path, value]: Addition, service: JsonObject): Generator<Addition> {
  const own = valueAt(service, path);
  if (own === undefined) yield [path, value];
  else if (isObject(own) && isObject(value)) yield* missing(value, own, path);
}

/** Removes what a service has no use for. */
function leaveOut({ params, resources }: JsonObject, service: Serverless["configurationInput"]): void {
  const stages = Object.keys(service.params ?? {}).filter((name) => name !== "default");
  // A service that names its stages has no other.
  if (isObject(params) && stages.length > 0) {
    for (const name of Object.keys(params)) if (![...stages, "default"].includes(name)) delete params[name];
  }
  const hasViews = JSON.stringify(service.functions ?? {}).includes(`"${VIEW_ROLE}"`);
  if (!hasViews && isObject(resources) && isObject(resources.Resources)) delete resources.Resources[VIEW_ROLE];
}

/**
 * Each entry of `ours` that `theirs` lacks, with its place. An entry that the service took away is removed from `theirs`.
 * @throws Error for a list or a text in the place of named entries
 */
function* missing(ours: JsonObject, theirs: JsonObject, place: readonly string[]): Generator<Addition> {
  for (const [key, value] of Object.entries(ours)) {
    const path = [...place, key];
    const own = theirs[key];
    if (own === null) delete theirs[key];
    else if (own === undefined) yield [path, value];
    else if (isObject(value) && !isWhole(path, value, own)) {
      if (!isObject(own)) {
        const found = (JSON.stringify(own) ?? "").slice(0, 60);
        throw new Error(
          `'${path.join(".")}' in serverless.yml is ${found}: expected named entries, for Lovage adds its own to them. Write the entries there, with variables in their values.`,
        );
      }
      yield* missing(value, own, path);
    }
  }
}

function isWhole(path: readonly string[], ours: JsonObject, own: unknown): boolean {
  const depth = WHOLE[path[0] ?? ""];
  if (depth !== undefined && path.length >= depth) return true;
  // A function of CloudFormation, such as `Ref`, is a value.
  return [ours, own].some((value) => isObject(value) && Object.keys(value).some((key) => /^(Ref$|Fn::)/.test(key)));
}
