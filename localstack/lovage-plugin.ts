/**
 * Lovage as one plugin of the framework: `plugins: [lovage/serverless, serverless-offline]`. It adds what the engine needs of the cloud to
 * the service's declaration, builds what is deployed, and starts the local cloud before serverless-offline, which must come after it.
 */

import { addOwnDeclaration } from "../build/own-declaration.ts";
import BuildPlugin from "../build/plugin.ts";
import type { Serverless } from "../build/serverless.ts";
import LocalCloudPlugin from "./plugin.ts";

export default class LovagePlugin {
  constructor(serverless: Serverless) {
    if (process.versions.pnp !== undefined) {
      throw new serverless.classes.Error(
        "This service is installed with Yarn's Plug'n'Play: expected a folder node_modules, which bundling needs. Write 'nodeLinker: node-modules' into .yarnrc.yml, and run 'yarn install'.",
        "LOVAGE",
      );
    }
    addOwnDeclaration(serverless);
    for (const plugin of [LocalCloudPlugin, BuildPlugin]) serverless.pluginManager.addPlugin(plugin);
  }
}
