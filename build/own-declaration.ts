/**
 * Lovage's own serverless.yml under that of a service: whatever the service does not say, this repository's declaration says, under
 * the same logical ids. The package has it as JSON; in this repository the service's declaration is Lovage's own
 * (docs/decisions/0059-package.md).
 */

import { existsSync, readFileSync } from "node:fs";
import { isObject, type JsonObject } from "../localstack/json.ts";
import { ownFile } from "./paths.ts";
import type { Serverless } from "./serverless.ts";

/** Where the package has the declaration ready. */
export const DECLARATION_FILE = "serverless.json";

/** The role that views may share. A service without a view needs none. */
const VIEW_ROLE = "ViewRole";

/** How many keys lead to what is replaced as a whole: a function's property, and a property of a resource. */
const WHOLE: Readonly<Record<string, number | undefined>> = { functions: 3, resources: 5 };

type Path = readonly string[];
type Extendable = Pick<Serverless, "configurationInput" | "extendConfiguration" | "classes">;

/**
 * Adds to a service's declaration what it leaves out. Its own word always wins: a property of a function or a resource as a whole, so
 * that no statement of Lovage's mixes with one of the service's, and `null` takes away. `${…}` in what is added is resolved later.
 * The framework itself fills in `stage`, `region` and `versionFunctions` of the provider before any plugin: a service says them.
 * @throws the framework's own error, in one sentence, where a list or a text stands in the place of named entries
 */
export function addOwnDeclaration(serverless: Extendable, file = ownFile(DECLARATION_FILE)): void {
  if (!existsSync(file)) return;
  const ours: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (!isObject(ours)) return;
  const service = serverless.configurationInput;
  leaveOut(ours, service);
  for (const [path, value] of [...missing(ours, service, [], serverless)])
    serverless.extendConfiguration([...path], value);
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

/** Each entry of `ours` that `theirs` lacks, with its place. An entry that the service took away is removed from `theirs`. */
function* missing(
  ours: JsonObject,
  theirs: JsonObject,
  place: Path,
  serverless: Extendable,
): Generator<readonly [Path, unknown]> {
  for (const [key, value] of Object.entries(ours)) {
    const path = [...place, key];
    const own = theirs[key];
    if (own === null) delete theirs[key];
    else if (own === undefined) yield [path, value];
    else if (isObject(value) && !isWhole(path, value, own)) {
      if (!isObject(own)) {
        const found = (JSON.stringify(own) ?? "").slice(0, 60);
        throw new serverless.classes.Error(
          `'${path.join(".")}' in serverless.yml is ${found}: expected named entries, for Lovage adds its own to them. Write the entries there, with variables in their values.`,
          "LOVAGE",
        );
      }
      yield* missing(value, own, path, serverless);
    }
  }
}

function isWhole(path: Path, ours: JsonObject, own: unknown): boolean {
  const depth = WHOLE[path[0] ?? ""];
  if (depth !== undefined && path.length >= depth) return true;
  // A function of CloudFormation, such as `Ref`, is a value.
  return [ours, own].some((value) => isObject(value) && Object.keys(value).some((key) => /^(Ref$|Fn::)/.test(key)));
}
