import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { prepareWorkFolder } from "../../../build/work-folder.ts";

class FrameworkError extends Error {}
const framework = { classes: { Error: FrameworkError } };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lovage-work-"));
  vi.stubEnv("SLS_SCHEMA_CACHE_BASE_DIR", "");
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

it("keeps the framework's cache in the project, not in a home folder that may not be there", () => {
  prepareWorkFolder(framework, join(folder, "work"));
  expect(process.env.SLS_SCHEMA_CACHE_BASE_DIR).toBe(join(folder, "work"));
});

it("refuses a folder that cannot be written, in the framework's own words for a user's mistake", () => {
  writeFileSync(join(folder, "work"), "a file in its place");
  const prepare = () => prepareWorkFolder(framework, join(folder, "work"));

  expect(prepare).toThrow(FrameworkError);
  expect(prepare).toThrow(/^Folder '.*work' cannot be written \(EEXIST.*\): expected a folder of yours.*remove it\.$/);
});
