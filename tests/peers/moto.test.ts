/**
 * moto's own tests of SQS, DynamoDB and S3, run against the embedded cloud. A test that fails must be in `left-out/`, with
 * its reason; an entry there whose tests pass is told.
 */

import { expect, it } from "vitest";
import { describeClouds } from "./clouds.ts";
import { type Comparison, compare, readList } from "./left-out.ts";
import { runPytest } from "./pytest.ts";

describeClouds("moto's tests", ({ name, stage }) => {
  it.for(["sqs", "dynamodb", "s3"])("of %s pass, but for those that are left out", async (service, context) => {
    const suite = { name: `${name}-${service}`, plugins: ["moto_suite"], tests: `tests/test_${service}` };
    const compared = compare(await runPytest(suite, stage(context)), readList(service));
    console.log(tell(suite.name, compared));
    if (name !== "embedded") return;
    expect(compared.unexpected).toEqual([]);
    expect(compared.idle).toEqual([]);
  });
});

function tell(name: string, { passed, leftOut, unexpected, passing }: Comparison): string {
  const reasons = [...leftOut].map(([reason, count]) => `${count} ${reason}`).join(", ");
  const line = `${name}: ${passed} passed, ${unexpected.length} failed, left out: ${reasons || "none"}.`;
  return passing.length === 0 ? line : `${line} In the list, though they pass:\n${passing.join("\n")}`;
}
