import { spawnSync } from "node:child_process";
import type { Command } from "./command.ts";

/** `lovage deploy <stage>`: the framework's own command, which without a stage says no more than that a value is missing. */
export const deploy: Command = {
  usage: "deploy <stage> [options of serverless deploy]",
  help: "deploys the service in this folder to AWS, as a stage such as dev or production",
  async run([stage, ...options]) {
    if (stage === undefined || !/^[a-zA-Z0-9]/.test(stage)) {
      const found = stage === undefined ? "no stage is named" : `'${stage}' is no name of a stage`;
      throw new Error(
        `Nothing was deployed, for ${found}: expected dev, production or a name of your own. Say 'npm run deploy -- dev'.`,
      );
    }
    const { status, error } = spawnSync("serverless", ["deploy", "--stage", stage, ...options], {
      stdio: "inherit",
      // On Windows it is a script, which only a shell can start.
      shell: process.platform === "win32",
    });
    if (error) {
      throw new Error(
        `The program 'serverless' could not be started (${error.message}): install osls, and say 'npm run deploy'.`,
      );
    }
    return { text: "", exitCode: status ?? 1 };
  },
};
