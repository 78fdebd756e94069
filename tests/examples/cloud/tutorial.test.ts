import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createSteps } from "../../../demo/steps.ts";
import { createClient } from "../../../localstack/client.ts";
import { startService } from "../../../localstack/service.ts";
import { startLocalStack, startMoto } from "../../cloud/peers.ts";

describe.each([
  ["moto", startMoto],
  ["LocalStack", startLocalStack],
] as const)("the whole demo on %s", (_, startPeer) => {
  it("gives what it gives on the embedded cloud, which is not started", { timeout: 240_000 }, async ({ skip }) => {
    const peer = await startPeer();
    if ("missing" in peer) {
      console.warn(`Skipped: ${peer.missing}`);
      return skip(peer.missing);
    }
    const outbox = await mkdtemp(join(tmpdir(), "lovage-peer-"));
    try {
      const service = await startService({
        environment: { ...peer.environment, LOVAGE_OUTBOX: outbox, LOVAGE_CLOUD_PORT: "1" },
      });
      try {
        const done: string[] = [];
        const steps = createSteps(service, createClient(service.url), outbox);
        for (const step of steps) {
          const { state } = await step.run().catch((error: unknown) => {
            throw new Error(
              `Step '${step.name}' failed after ${done.join(", ")}: ${String(error)}\n${service.output().slice(-3000)}`,
            );
          });
          done.push(`${step.name}: ${state}`);
        }
        expect(done).toHaveLength(steps.length);
        expect(steps.length).toBeGreaterThan(8);
      } finally {
        expect(await service.stop()).toBe(0);
      }
    } finally {
      await peer.stop();
      await rm(outbox, { recursive: true, force: true });
    }
  });
});
