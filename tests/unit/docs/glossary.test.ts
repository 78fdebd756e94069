import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "../../..");

/** Words that were given up, and the one that took the place of each (docs/glossary.md). */
const RETIRED: readonly (readonly [RegExp, string])[] = [
  [/\bleases?\b|\blease[A-Z]\w*|\bLEASE_/, "a function's time, `functionSeconds`; or a place"],
  [/\breceipts?\b(?! handle|-\$)/i, "a delivery"],
  [/\bpoison\w*/i, "an unreadable message; or a crash"],
  [/\babandon\w*/i, "`run.stop`, `results.revokeRunning`"],
  [/\bclaim checks?\b|\bclaimChecks?\b/i, "a large value"],
  [/\bErrorRecord\b|\berror record\b/i, "a stored error"],
  [/\b[eE]ndings\b/, "unclaimed writes"],
  [/\bgroupId\b/, "`messageGroupId`"],
  [/\bdeliverPacked\b|\bdeliver\(app\b/, "`submit`"],
  [/\bbegun\??: number/, "`starts`"],
];

/** Places where a word stands for something else, or says that it was given up. */
const ELSEWHERE = [
  "docs/glossary.md",
  "shared/message/large-values.ts", // the prefix of keys in the bucket, which stays
  "tests/unit/docs/glossary.test.ts",
];

const FILES = globSync(
  [
    ...["shared/**/*.ts", "handlers/**/*.ts", "build/**/*.ts", "demo/**/*.ts", "docs/*.md", "docs/guide/*.md"],
    ...["docs/reference/*.md", "README.md", "CONTRIBUTING.md", "tests/{faults,helpers}/**/*.ts"],
    "tests/integration/engine/*.ts",
  ],
  { cwd: ROOT },
).filter((file) => !ELSEWHERE.includes(file));

/** The lines of a text that use a retired word. */
function retiredIn(file: string, text: string): string[] {
  return text.split("\n").flatMap((line, index) =>
    RETIRED.flatMap(([word, instead]) => {
      const found = word.exec(line)?.[0];
      return found === undefined ? [] : [`${file}:${index + 1}: '${found}' was given up; say ${instead}`];
    }),
  );
}

describe("the vocabulary", () => {
  it("has no word that was given up", () => {
    expect(FILES.length).toBeGreaterThan(150);
    expect(FILES.flatMap((file) => retiredIn(file, readFileSync(join(ROOT, file), "utf8")))).toEqual([]);
  });

  it.each(["its lease has ended", "const receipt = 1", "leaseSeconds", "a poison message", "message.groupId"])(
    "would notice '%s'",
    (text) => {
      expect(retiredIn("x.ts", text)).toHaveLength(1);
    },
  );

  it("lets AWS's own words be", () => {
    expect(retiredIn("x.ts", "receiptHandle, a receipt handle, MessageGroupId, messageGroupId, release")).toEqual([]);
  });
});
