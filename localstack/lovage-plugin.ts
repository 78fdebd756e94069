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
    addOwnDeclaration(serverless);
    for (const plugin of [LocalCloudPlugin, BuildPlugin]) serverless.pluginManager.addPlugin(plugin);
  }
}
