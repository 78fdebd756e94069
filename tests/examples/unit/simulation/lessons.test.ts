/** Ten tasks with a fault that was planted in each, and their mended twins: docs/guide/08-testing.md has them in a table. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { SimulationError, simulate } from "../../../../shared/testing/index.ts";
import { messages } from "./messages.ts";
import { payments } from "./payments.ts";
import { rows } from "./rows.ts";

const folder = mkdtempSync(join(tmpdir(), "lovage-lessons-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A fault is found in so many runs; it takes less than two seconds. */
const RUNS = 200;
const lessons = Object.entries({ ...payments, ...rows, ...messages });

it("are ten", () => {
  expect(lessons).toHaveLength(10);
});

describe.each(lessons)("%s", (name, { planted, mended }) => {
  it("is found, shrunk to a few faults, and found again by its file", async () => {
    const begun = performance.now();
    const tell = (): void => undefined;
    const found: unknown = await simulate({ tasks: planted.tasks, runs: RUNS, folder, tell }, planted.story).catch(
      (error: unknown) => error,
    );
    if (!(found instanceof SimulationError)) throw new Error(`${name} was not found in ${RUNS} runs`, { cause: found });
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    console.log(
      `${name}: found in run ${found.runs}, after ${seconds} s, with ${found.faults.length} faults\n${found.timeline}`,
    );
    expect(found.faults.length).toBeLessThanOrEqual(3);

    const again = simulate({ tasks: planted.tasks, replay: found.file }, planted.story);
    await expect(again).rejects.toThrow(found.cause instanceof Error ? found.cause.message : "");
  });

  it("is not found in its mended twin", async () => {
    const { runs } = await simulate({ tasks: mended.tasks, runs: RUNS, folder }, mended.story);
    expect(runs).toBe(RUNS);
  });
});
