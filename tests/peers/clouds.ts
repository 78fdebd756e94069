/** Which clouds the suites run against: the embedded one always, others when `LOVAGE_PEERS=moto,localstack` names them. */

import { afterAll, beforeAll, describe, type TestContext } from "vitest";
import { isInstalled, type Missing, missing } from "../cloud/peers.ts";
import { type Stage, startEmbedded, startLocalStackStage, startMotoStage } from "./stage.ts";

export interface Cloud {
  readonly name: "embedded" | "moto" | "localstack";
  /** The started cloud; without it, or without the suites, the test is skipped with the reason as its note. */
  readonly stage: (context: TestContext) => Stage;
}

const starts = [
  ["embedded", startEmbedded],
  ["moto", startMotoStage],
  ["localstack", startLocalStackStage],
] as const;

/** Declares tests for each cloud. Clouds of others are only measured: their failures fail nothing. */
export function describeClouds(subject: string, declare: (cloud: Cloud) => void): void {
  const measured = (process.env.LOVAGE_PEERS ?? "").split(",");
  const wanted = starts.filter(([name]) => name === "embedded" || measured.includes(name));
  describe.each(wanted)(`${subject} on %s`, (name, start) => {
    let stage: Stage | Missing = missing("suites");

    beforeAll(async () => {
      if (isInstalled("suites")) stage = await start();
      if ("missing" in stage) console.warn(stage.missing);
    });

    afterAll(async () => {
      if ("stop" in stage) await stage.stop();
    });

    declare({ name, stage: ({ skip }) => ("missing" in stage ? skip(stage.missing) : stage) });
  });
}
