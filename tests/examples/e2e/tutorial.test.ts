import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createSteps } from "../../../demo/steps.ts";
import { createClient } from "../../../localstack/client.ts";
import { startService } from "../../../localstack/service.ts";

it("gives in every step of the demo what it should", async () => {
  const outbox = await mkdtemp(join(tmpdir(), "lovage-tutorial-"));
  const service = await startService({ environment: { LOVAGE_OUTBOX: outbox } });
  try {
    expect(service.output()).toContain(`${service.url}/tasks/add -H`);
    const states: string[] = [];
    for (const step of createSteps(service, createClient(service.url), outbox)) states.push((await step.run()).state);

    expect(states).toHaveLength(9);
    // The tutorial's view: it sends, and answers before anything has run.
    const welcome = await fetch(`${service.url}/welcome`);
    expect(welcome.status).toBe(202);
    const ids: Record<string, string> = Object(await welcome.json());
    for (const [task, id] of Object.entries(ids)) {
      expect(await createClient(service.url).waitFor(`/tasks/${id}`)).toMatchObject({ task, state: "SUCCESS" });
    }
    expect(Object.keys(ids)).toEqual(["add", "send_email"]);
  } finally {
    expect(await service.stop()).toBe(0);
    await rm(outbox, { recursive: true, force: true });
  }
});
