import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { expect, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "../../..");
const FILES = globSync(["*.md", "docs/**/*.md", "handlers/**/*.md", "tests/**/*.md", ".github/**/*.md"], { cwd: ROOT });

/** The anchor that GitHub gives a heading. */
function anchorOf(heading: string): string {
  return heading
    .replaceAll(/[`*_]|\[|\]\([^)]*\)/g, "")
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} -]/gu, "")
    .replaceAll(" ", "-");
}

it("every link within the repository leads to a file, and to a heading in it", () => {
  const broken = FILES.flatMap((file) => {
    const text = readFileSync(join(ROOT, file), "utf8").replaceAll(/```[\s\S]*?```/g, "");
    const links = [...text.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)].map(([, target = ""]) => target);
    // The examples may be deleted, and the demo with them.
    return links
      .filter((link) => !/(^|\/)(handlers\/examples|demo)\//.test(link))
      .flatMap((link) => {
        const [path = "", anchor] = link.split("#");
        const target = path === "" ? join(ROOT, file) : join(ROOT, dirname(file), path);
        if (!existsSync(target)) return [`${file}: ${link}`];
        if (anchor === undefined) return [];
        const headings = [...readFileSync(target, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
          anchorOf(heading),
        );
        return headings.includes(anchor) ? [] : [`${file}: ${link}`];
      });
  });

  expect(FILES.length).toBeGreaterThan(30);
  expect(broken).toEqual([]);
});

it("every page that a comment names is there", () => {
  const files = globSync(["{shared,handlers,localstack,build,cli,demo,tests}/**/*.{ts,mjs}", "serverless.yml"], {
    cwd: ROOT,
  });
  const missing = files.flatMap((file) => {
    const named = readFileSync(join(ROOT, file), "utf8").matchAll(/\bdocs\/[\w/-]+\.md\b/g);
    return [...named].flatMap(([page]) => (existsSync(join(ROOT, page)) ? [] : [`${file}: ${page}`]));
  });

  expect(files.length).toBeGreaterThan(300);
  expect(missing).toEqual([]);
});
