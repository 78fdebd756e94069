import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { blocksOf, PAGES, ROOT } from "./blocks.ts";

/** As deep below the root as `handlers/tasks/`, so that imports stand as a user writes them. Not in the repository. */
const FOLDER = ".lovage/docs";

it("every TypeScript block of README and guide compiles as it stands", () => {
  rmSync(join(ROOT, FOLDER), { recursive: true, force: true });
  mkdirSync(join(ROOT, FOLDER), { recursive: true });
  const blocks = PAGES.flatMap((page) => blocksOf(page, "ts").map((block) => ({ page, ...block })));
  for (const { page, line, code } of blocks) {
    const name = `${page.replaceAll(/\W/g, "-")}-line-${line}.ts`;
    writeFileSync(join(ROOT, FOLDER, name), code.replaceAll('"../examples/', '"../../handlers/examples/'));
  }
  const tsconfig = { extends: "../../tsconfig.json", compilerOptions: { noUnusedLocals: false }, include: ["*.ts"] };
  writeFileSync(join(ROOT, FOLDER, "tsconfig.json"), JSON.stringify(tsconfig));

  const tsc = spawnSync("node_modules/.bin/tsc", ["--project", FOLDER], { cwd: ROOT, encoding: "utf8" });

  expect(blocks.length).toBeGreaterThan(15);
  expect(tsc.stdout).toBe("");
});
