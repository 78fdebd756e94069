import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageFunction } from "../../../build/package-function.ts";
import { ROOT } from "../../../build/paths.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lovage-examples-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Names of the schedules that a stage is deployed with, and of its example function. */
async function exampleResources(stage: string, environment: Record<string, string>): Promise<string[]> {
  const file = join(folder, `${stage}.json`);
  await promisify(execFile)(
    join(ROOT, "node_modules", ".bin", "serverless"),
    ["template", "--stage", stage, "--output", file],
    { cwd: ROOT, env: { ...process.env, ...environment } },
  );
  const { Resources }: { Resources: Record<string, { Type: string }> } = JSON.parse(await readFile(file, "utf8"));
  return Object.keys(Resources).filter(
    (id) => Resources[id]?.Type === "AWS::Scheduler::Schedule" || id === "ViewLambdaFunction",
  );
}

describe("the examples", () => {
  it.each([
    ["are in the local stage", "local", {}, true],
    ["are in a stage for trying", "dev", {}, true],
    ["are not in production", "production", {}, false],
    ["are left out by LOVAGE_TASKS", "dev", { LOVAGE_TASKS: "handlers/tasks" }, false],
    ["are taken in by LOVAGE_TASKS", "production", { LOVAGE_TASKS: "handlers/tasks, handlers/examples" }, true],
  ])("%s", async (_, stage, environment, included) => {
    const examples = included ? ["BeatSendDailyEmailSchedule", "ViewLambdaFunction"] : [];

    expect((await exampleResources(stage, environment)).toSorted()).toEqual(
      [...examples, "TickSchedule", "TimersSchedule"].toSorted(),
    );
  });

  it("bring sharp for Linux on arm64, only where it is used", async () => {
    const pack = async (name: string, handler: string, native: string[]) => {
      const shared = { tasks: { folders: ["handlers/examples"] }, architecture: "arm64" };
      return Object.keys(unzipSync(await readFile(await packageFunction({ name, handler, native, ...shared }))));
    };
    const worker = await pack("examplesWorker", "handlers/worker.handler", ["sharp"]);
    const beat = await pack("examplesBeat", "handlers/beat.handler", []);

    expect(worker.some((file) => /node_modules\/@img\/sharp-linux-arm64\/.*\.node$/.test(file))).toBe(true);
    expect(worker.some((file) => file.includes("linux-x64"))).toBe(false);
    expect(beat.some((file) => file.startsWith("node_modules/"))).toBe(false);
  });
});
