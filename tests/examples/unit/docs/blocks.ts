import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

export const ROOT = resolve(import.meta.dirname, "../../../..");

/** Pages whose code is compiled and whose calls are made. */
export const PAGES: readonly string[] = [
  "README.md",
  ...globSync(["create/template/*.md", "handlers/*/*.md", "docs/**/*.md"], { cwd: ROOT }).toSorted(),
].toSorted((one, other) => Number(isLast(one)) - Number(isLast(other)));

/** A page that turns the service's clock. */
function isLast(page: string): boolean {
  return page === "docs/local-cloud.md";
}

/** The code blocks of a page in this language, with the line at which each begins. */
export function blocksOf(page: string, language: string): { line: number; code: string }[] {
  const text = readFileSync(join(ROOT, page), "utf8");
  const blocks = text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"));
  return [...blocks].map((match) => ({
    line: text.slice(0, match.index).split("\n").length + 1,
    code: match[1] ?? "",
  }));
}
