import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { WORK_FOLDER } from "../../build/paths.ts";
import type { Serverless, Template } from "../../build/serverless.ts";

/** The part of `serverless package` that turns serverless.yml into CloudFormation; bundling and zipping are left out. */
const STEPS = [
  "package:initialize",
  "package:setupProviderConfiguration",
  "package:compileLayers",
  "package:compileFunctions",
  "package:compileEvents",
  "aws:package:finalize:addExportNameForOutputs",
  "aws:package:finalize:mergeCustomProviderResources",
  "aws:package:finalize:stripNullPropsFromTemplateResources",
];

/** An empty zip. */
const NO_CODE = Buffer.from("504b0506000000000000000000000000000000000000", "hex");

/**
 * Compiles serverless.yml to the template that would be deployed, in a second and without an account. Only the hashes of
 * the code are missing.
 */
export async function compileTemplate(serverless: Serverless): Promise<Template> {
  const { functions } = serverless.service;
  const artifact = join(WORK_FOLDER, "no-code.zip");
  await mkdir(WORK_FOLDER, { recursive: true });
  await writeFile(artifact, NO_CODE);
  const own = Object.values(functions).map((config) => ({ config, package: config.package }));
  for (const { config } of own) config.package = { artifact };
  try {
    for (const step of STEPS) {
      for (const event of [`before:${step}`, step, `after:${step}`]) {
        for (const { hook } of serverless.pluginManager.hooks[event] ?? []) await hook();
      }
    }
  } finally {
    for (const { config, package: before } of own) {
      if (before === undefined) delete config.package;
      else config.package = before;
    }
  }
  return serverless.service.provider.compiledCloudFormationTemplate;
}
