import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseSync, Visitor } from "oxc-parser";
import { expect, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
const FILES = globSync("{shared,build,cli,localstack,handlers,demo,create,tests}/**/*.{ts,tsx}", { cwd: ROOT });

it("no object is spread only to put several fields on a line", () => {
  const found = FILES.flatMap((file) => {
    const text = readFileSync(join(ROOT, file), "utf8");
    const lines: string[] = [];
    const { program } = parseSync(file, text);
    new Visitor({
      ObjectExpression({ properties }) {
        for (const one of properties) {
          if (one.type !== "SpreadElement" || one.argument.type !== "ObjectExpression") continue;
          lines.push(`${file}:${text.slice(0, one.start).split("\n").length}`);
        }
      },
    }).visit(program);
    return lines;
  });

  expect(FILES.length).toBeGreaterThan(500);
  expect(found).toEqual([]);
});
