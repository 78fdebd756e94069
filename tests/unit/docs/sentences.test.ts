import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "../../..");

const FILES = globSync(
  [
    ...[
      "{shared,handlers,localstack,build,cli,demo,tests}/**/*.{ts,tsx,mjs,md}",
      "docs/**/*.md",
      "*.md",
      "serverless.yml",
    ],
    ".github/**/*.md",
  ],
  { cwd: ROOT, exclude: ["**/*.generated.ts"] },
);

/** Where a sentence begins: a line of a comment or a text, a cell, an item of a list, or after another sentence. */
const BEGINNING = /(?:^\s*(?:[-*|#>]+ )?|[.:;!?]\s+|\/\*\* |\/\/ |\| |\*\*: )(What|Who|Whoever|Whatever|Whose|Whom)\b/g;

/** Beginnings of sentences by a clause without a noun: a reader from abroad has to look for the verb. A question may have one. */
function clausesIn(text: string, isText: boolean): string[] {
  return text.split("\n").flatMap((line, index) => {
    if (!isText && !/^\s*(?:\/\/|\*|\/\*\*|#)|\s\/\/ |\/\*\* /.test(line)) return [];
    const found = [...line.matchAll(BEGINNING)].filter((match) => {
      const rest = line.slice(match.index + match[0].length - (match[1] ?? "").length);
      return !/^[^.!;|]*\?/.test(rest);
    });
    return found.map(() => `${index + 1}: ${line.trim().slice(0, 100)}`);
  });
}

describe("sentences", () => {
  it("begin with a subject: no clause without a noun stands for one", () => {
    const faults = FILES.filter((file) => !file.endsWith("sentences.test.ts")).flatMap((file) =>
      clausesIn(readFileSync(join(ROOT, file), "utf8"), file.endsWith(".md")).map((fault) => `${file}:${fault}`),
    );

    expect(FILES.length).toBeGreaterThan(400);
    expect(faults).toEqual([]);
  });

  it.each(["/** What a run may do. */", "  // Whoever comes first wins.", " * It ends. What is left goes on."])(
    "would notice '%s'",
    (line) => {
      expect(clausesIn(line, false)).toHaveLength(1);
    },
  );

  it("leave questions and code alone", () => {
    expect(clausesIn("What happens then? It ends.", true)).toEqual([]);
    expect(clausesIn('const title = "What a day";', false)).toEqual([]);
  });
});
