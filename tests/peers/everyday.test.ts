/** Everyday commands of the AWS CLI and calls of boto3, `everyday/*.py`: all must answer as AWS does. */

import { join } from "node:path";
import { expect, it } from "vitest";
import { describeClouds } from "./clouds.ts";
import { runPytest } from "./pytest.ts";

describeClouds("everyday commands", ({ name, stage }) => {
  it("answer as AWS does", async (context) => {
    const suite = { name: `${name}-everyday`, plugins: [], tests: join(import.meta.dirname, "everyday") };
    const outcomes = await runPytest(suite, stage(context));
    const failed = outcomes.filter(({ outcome }) => outcome !== "passed");
    console.log(`${suite.name}: ${outcomes.length - failed.length} passed, ${failed.length} failed.`);
    if (name !== "embedded") return;
    expect(failed.map(({ id, message }) => `${id}: ${message}`)).toEqual([]);
  });
});
