import { globSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";

const EXAMPLES = resolve(import.meta.dirname, "../../../../handlers/examples");

/** The modules of this house that its files import, by where they lie. */
function importsOf(files: string): string[] {
  const texts = globSync(files, { cwd: EXAMPLES }).map((file) => readFileSync(resolve(EXAMPLES, file), "utf8"));
  return texts.flatMap((text) => [...text.matchAll(/(?:from |import\()"([^"]+)"/g)].map(([, module = ""]) => module));
}

it("process_upload knows of the reader of unknown texts its interface alone, and that knows nothing of it", () => {
  const used = importsOf("{process-upload.ts,process-upload/*.ts}").filter((module) => module.includes("unknown-text"));

  expect([...new Set(used.map((module) => module.replace(/^\.+\//, "")))].toSorted()).toEqual([
    "unknown-text/index.ts",
    "unknown-text/words.ts",
  ]);
  expect(importsOf("unknown-text/*.ts").filter((module) => module.startsWith(".."))).toEqual([]);
});
