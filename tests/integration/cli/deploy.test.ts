import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";

const PROGRAM = join(import.meta.dirname, "../../../cli/lovage.ts");

it.each([
  ["without a stage", [], "no stage is named"],
  ["with an option in the place of a stage", ["--verbose"], "'--verbose' is no name of a stage"],
])("lovage deploy %s deploys nothing, and says how to name one", (_, words, reason) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, "deploy", ...words], { encoding: "utf8" });

  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toBe(
    `Nothing was deployed, for ${reason}: expected dev, production or a name of your own. Say 'npm run deploy -- dev'.\n`,
  );
});
