/**
 * Lovage as one plugin of the framework: `plugins: [lovage/serverless, serverless-offline]`. It builds what is deployed, and starts the
 * local cloud before serverless-offline, which must come after it.
 */

import BuildPlugin from "../build/plugin.ts";
import type { Serverless } from "../build/serverless.ts";
import LocalCloudPlugin from "./plugin.ts";

export default class LovagePlugin {
  constructor(serverless: Serverless) {
    for (const plugin of [LocalCloudPlugin, BuildPlugin]) serverless.pluginManager.addPlugin(plugin);
  }
}
