import { relative } from "node:path";
import { build } from "esbuild";
import { bundleOptions, entryOf } from "./bundle.ts";
import { ROOT } from "./paths.ts";
import { createResolver } from "./resolve-template.ts";
import type { Serverless } from "./serverless.ts";
import { isTaskListing, readTaskFolders } from "./task-modules.ts";

/** Environments of functions, and the functions that share each. */
export interface FunctionEnvironment {
  functions: readonly string[];
  variables: Readonly<Record<string, string>>;
}

/**
 * The environments of the functions that carry tasks, as they will be on AWS: what serverless.yml sets, with names of the kind
 * that CloudFormation will put in. Nothing of this process's own: a deployed function has nothing of it, nor has a local one.
 */
export async function functionEnvironments(serverless: Serverless): Promise<FunctionEnvironment[]> {
  const { functions, provider, resources, custom } = serverless.service;
  const region = serverless.getProvider("aws").getRegion();
  const declared = { ...resources?.Resources, ...provider.compiledCloudFormationTemplate?.Resources };
  const Resources = Object.fromEntries(
    Object.entries(declared).flatMap(([id, resource]) => (isResource(resource) ? [[id, resource]] : [])),
  );
  const resolve = createResolver({ Resources }, region);
  const carriers = await carriersOf(
    Object.values(functions).map(({ handler }) => handler),
    readTaskFolders(custom.tasks),
  );
  const groups = new Map<string, { functions: string[]; variables: Record<string, string> }>();
  for (const [key, config] of Object.entries(functions)) {
    if (!carriers.has(config.handler)) continue;
    const given = Object.entries({ ...provider.environment, ...config.environment });
    const variables: Record<string, string> = {};
    for (const [name, value] of given) {
      if (value !== null && value !== undefined) variables[name] = String(await resolve(value));
    }
    const identity = JSON.stringify(variables);
    const group = groups.get(identity) ?? {
      functions: [],
      variables: { ...lambdaVariables(config.name, region), ...variables },
    };
    group.functions.push(key);
    groups.set(identity, group);
  }
  return [...groups.values()];
}

function isResource(value: unknown): value is { Type: string } {
  return typeof value === "object" && value !== null && "Type" in value;
}

/** https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime */
function lambdaVariables(name: string, region: string): Record<string, string> {
  return {
    TZ: ":UTC",
    LANG: "en_US.UTF-8",
    LAMBDA_TASK_ROOT: process.cwd(),
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_EXECUTION_ENV: `AWS_Lambda_nodejs${process.versions.node.split(".")[0]}.x`,
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
  };
}

/** The handlers whose bundles contain task modules. */
async function carriersOf(handlers: readonly string[], taskFolders: readonly string[]): Promise<Set<string>> {
  const inputOf = (handler: string): string => relative(ROOT, entryOf(handler)).replaceAll("\\", "/");
  const { metafile } = await build({
    ...bundleOptions(handlers, "unused", { folders: taskFolders }),
    packages: "external",
    write: false,
    metafile: true,
  });
  const carries = (input: string, seen: Set<string>): boolean => {
    if (isTaskListing(input)) return true;
    if (seen.has(input)) return false;
    seen.add(input);
    return (metafile.inputs[input]?.imports ?? []).some(({ path }) => carries(path, seen));
  };
  return new Set(handlers.filter((handler) => carries(inputOf(handler), new Set())));
}
