import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const FOLDER = resolve(import.meta.dirname, "../../../docs/decisions");
const files = globSync("0*.md", { cwd: FOLDER }).toSorted();
const read = (file: string): string => readFileSync(join(FOLDER, file), "utf8");

/** Numbers of the decisions that a line of the head names. */
function named(file: string, line: string): number[] {
  const found = new RegExp(`^- ${line}: (.*)$`, "m").exec(read(file))?.[1] ?? "";
  return [...found.matchAll(/\[(\d+)\]/g)].map(([, number]) => Number(number));
}

describe("the decisions", () => {
  it.each(files)("%s has a head, and the alternatives that were not taken", (file) => {
    const head = /^# (\d+)\. .+\n\n- Status: (accepted|superseded by \[\d+\]\(.+\))\n- Date: \d{4}-\d\d-\d\d\n/.exec(
      read(file),
    );

    expect(head?.[1]?.padStart(4, "0")).toBe(file.slice(0, 4));
    expect(read(file)).toMatch(/\n## Alternatives\n\n- \*\*.+\*\*: .+/);
  });

  it("name each other both ways", () => {
    const pairs = (line: string) =>
      files.flatMap((file) => named(file, line).map((to) => [Number(file.slice(0, 4)), to]));

    expect(
      pairs("Amended by")
        .map(([from, to]) => `${to} > ${from}`)
        .toSorted(),
    ).toEqual(
      pairs("Amends")
        .map(([from, to]) => `${from} > ${to}`)
        .toSorted(),
    );
  });

  it("are all in the list, with their titles and states", () => {
    const expected = files.map((file) => {
      const [, number, title] = /^# (\d+)\. (.+)$/m.exec(read(file)) ?? [];
      const by = named(file, "Amended by");
      const date = /^- Date: (.*)$/m.exec(read(file))?.[1];
      return `| ${number} | [${title}](${file}) | ${by.length === 0 ? "accepted" : `amended by ${by.join(", ")}`} | ${date} |`;
    });

    expect(
      read("README.md")
        .split("\n")
        .filter((line) => /^\| \d/.test(line)),
    ).toEqual(expected);
  });
});
