/**
 * moto's own tests of SQS, DynamoDB and S3, run against the embedded cloud. A test that fails must be in `left-out/`, with
 * its reason; an entry there whose tests pass is told. Where moto and LocalStack are installed, they are measured, too.
 */

import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { isInstalled, type Missing, missing } from "../cloud/peers.ts";
import { type Comparison, compare, readList } from "./left-out.ts";
import { type Outcome, runPytest } from "./pytest.ts";
import { type Stage, startEmbedded, startLocalStackStage, startMotoStage } from "./stage.ts";

const SERVICES = ["sqs", "dynamodb", "s3"] as const;

/** Clouds of others are measured on request only: theirs are no faults of ours, and LocalStack takes minutes. */
const measured = (process.env.LOVAGE_PEERS ?? "").split(",");
const starts = [
  ["embedded", startEmbedded],
  ["moto", startMotoStage],
  ["localstack", startLocalStackStage],
] as const;
const wanted = starts.filter(([name]) => name === "embedded" || measured.includes(name));

describe.each(wanted)("moto's tests on %s", (cloud, start) => {
  let stage: Stage | Missing = missing("suites");

  beforeAll(async () => {
    if (isInstalled("suites")) stage = await start();
    if ("missing" in stage) console.warn(stage.missing);
  });

  afterAll(async () => {
    if ("stop" in stage) await stage.stop();
  });

  async function outcomesOf(service: string, { skip }: TestContext): Promise<Outcome[]> {
    if ("missing" in stage) return skip(stage.missing);
    const suite = { name: `${cloud}-${service}`, plugins: ["moto_suite"], tests: `tests/test_${service}` };
    return runPytest(suite, stage);
  }

  it.for(SERVICES)("of %s pass, but for those that are left out", async (service, context) => {
    const outcomes = await outcomesOf(service, context);
    const compared = compare(outcomes, readList(service));
    console.log(tell(`${cloud}, ${service}`, compared));
    if (cloud !== "embedded") return;
    expect(compared.unexpected).toEqual([]);
    expect(compared.idle).toEqual([]);
  });
});

function tell(name: string, { passed, leftOut, unexpected, passing }: Comparison): string {
  const reasons = [...leftOut].map(([reason, count]) => `${count} ${reason}`).join(", ");
  const line = `${name}: ${passed} passed, ${unexpected.length} failed, left out: ${reasons || "none"}.`;
  const now = passing.length === 0 ? "" : ` Left out, though they pass: ${passing.join(", ")}.`;
  return line + now;
}
