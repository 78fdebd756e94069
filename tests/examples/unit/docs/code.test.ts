import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { blocksOf, PAGES, ROOT } from "./blocks.ts";

/** As deep below the root as `handlers/tasks/`, so that imports stand as a user writes them. Not in the repository. */
const FOLDER = ".lovage/docs";

/** Names that a page takes as given, where its sentences say what they are; a block that declares one of its own hides it. */
const GIVEN = `import type * as lovage from "lovage";
import type * as zod from "zod";

declare global {
  const chord: typeof lovage.chord;
  const group: typeof lovage.group;
  const task: typeof lovage.task;
  const z: typeof zod;
  const url: string;
  const urls: readonly string[];
  const fetchPage: lovage.Task<{ url: string }, string, "fetch_page">;
  const countWords: lovage.Task<{ text?: string; url?: string }, { words: number }, "count_words">;
  const save: lovage.Task<{ bucket: string; words: number }, string, "save">;
  const render: lovage.Task<{ page: string }, string, "render">;
  const zip: lovage.Task<{ files: readonly string[] }, string, "zip">;
  const load: lovage.Task<{ day: string }, { id: number }, "load">;
  const report: lovage.Task<{ id?: number; outcomes?: lovage.Json }, string, "report">;
}
`;

it("every TypeScript block of README and docs compiles as it stands", () => {
  rmSync(join(ROOT, FOLDER), { recursive: true, force: true });
  mkdirSync(join(ROOT, FOLDER), { recursive: true });
  const blocks = PAGES.flatMap((page) => blocksOf(page, "ts").map((block) => ({ page, ...block })));
  for (const { page, line, code } of blocks) {
    const name = `${page.replaceAll(/\W/g, "-")}-line-${line}.ts`;
    writeFileSync(join(ROOT, FOLDER, name), code.replaceAll('"../examples/', '"../../handlers/examples/'));
  }
  writeFileSync(join(ROOT, FOLDER, "given.ts"), GIVEN);
  const tsconfig = { extends: "../../tsconfig.json", compilerOptions: { noUnusedLocals: false }, include: ["*.ts"] };
  writeFileSync(join(ROOT, FOLDER, "tsconfig.json"), JSON.stringify(tsconfig));

  const tsc = spawnSync("node_modules/.bin/tsc", ["--project", FOLDER], { cwd: ROOT, encoding: "utf8" });

  expect(blocks.length).toBeGreaterThan(15);
  expect(tsc.stdout).toBe("");
});
