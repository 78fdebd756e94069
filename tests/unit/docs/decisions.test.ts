import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const FOLDER = resolve(import.meta.dirname, "../../../docs/decisions");
const HEAD =
  /^# (\d+)\. (.+)\n\nStatus: (accepted|superseded by \d+|amended by \d+(?:, \d+)*)\n\nDate: (\d{4}-\d\d-\d\d)\n\n## /;
const SECTIONS = ["Context", "Decision", "Alternatives", "Consequences"];

interface Decision {
  file: string;
  text: string;
  number: number;
  title: string;
  status: string;
  date: string;
}

/** Numbers after a word of a status, as in "amended by 14, 27". */
function numbersIn(status: string): number[] {
  return [...status.matchAll(/\d+/g)].map(([digits]) => Number(digits));
}

/** Numbers that a text's own sentences name, as in "Amends [decision 5](0005-visibility.md)". */
function named(text: string, verb: string): number[] {
  const sentences = new RegExp(`\\b${verb} \\[decision (\\d+)\\]\\((\\d{4})-[a-z0-9-]+\\.md\\)`, "g");
  return [...text.matchAll(sentences)].map(([, shown, linked]) => {
    expect(Number(linked)).toBe(Number(shown));
    return Number(shown);
  });
}

function read(file: string): Decision {
  const text = readFileSync(join(FOLDER, file), "utf8");
  const [, number = "", title = "", status = "", date = ""] = HEAD.exec(text) ?? [];
  return { file, text, number: Number(number), title, status, date };
}

/** The cells of each row of the README's table: number, link, status, date. */
function tableOf(readme: string): string[][] {
  const rows = readme.split("\n").filter((line) => /^\| *\d/.test(line));
  return rows.map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const byNumber = (a: number, b: number): number => a - b;

describe("the decisions", () => {
  const files = readdirSync(FOLDER).filter((file) => file !== "README.md");
  const decisions = files.map(read);
  const readme = readFileSync(join(FOLDER, "README.md"), "utf8");

  it.each(files)("%s has the head and the four sections", (file) => {
    const { text, number } = read(file);

    expect(text).toMatch(HEAD);
    expect(file).toMatch(/^\d{4}-[a-z0-9-]+\.md$/);
    expect(number).toBe(Number(file.slice(0, 4)));
    expect([...text.matchAll(/^## (.+)$/gm)].map(([, name]) => name)).toEqual(SECTIONS);
    for (const section of text.split(/^## .+$/m).slice(1)) expect(section.trim()).not.toBe("");
  });

  it.each(files)("%s links to files that exist", (file) => {
    const links = [...read(file).text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, target = ""]) => target);

    expect(links.filter((target) => !existsSync(join(FOLDER, target)))).toEqual([]);
  });

  it("are numbered once each, and the README names the numbers that were left out", () => {
    const numbers = decisions.map(({ number }) => number).sort(byNumber);
    const last = numbers.at(-1) ?? 0;
    const unused = Array.from({ length: last }, (_, index) => index + 1).filter((one) => !numbers.includes(one));

    expect(new Set(numbers).size).toBe(numbers.length);
    expect(readme).toContain(`Numbers ${unused.slice(0, -1).join(", ")} and ${unused.at(-1)} were never used.`);
  });

  it("are the rows of the README's table", () => {
    const sorted = decisions.toSorted((a, b) => a.number - b.number);

    expect(tableOf(readme)).toEqual(
      sorted.map(({ number, title, file, status, date }) => [`${number}`, `[${title}](${file})`, status, date]),
    );
  });

  it.each([
    ["amended", "Amended by", "Amends"],
    ["superseded", "Superseded by", "Supersedes"],
  ])("say on both sides which one is %s by which", (status, passive, active) => {
    const pairs = (sides: (one: Decision) => [number, number][]): string[] =>
      decisions.flatMap((one) => sides(one).map(([earlier, later]) => `${later} changes ${earlier}`)).sort();
    const heads = pairs(({ number, status: head }) =>
      head.startsWith(status) ? numbersIn(head).map((later) => [number, later]) : [],
    );

    expect(pairs(({ number, text }) => named(text, passive).map((later) => [number, later]))).toEqual(heads);
    expect(pairs(({ number, text }) => named(text, active).map((earlier) => [earlier, number]))).toEqual(heads);
  });
});
