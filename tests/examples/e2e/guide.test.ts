import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Service, startService } from "../../../localstack/service.ts";
import { blocksOf, PAGES } from "../unit/docs/blocks.ts";

const run = promisify(execFile);
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

interface Call {
  command: string;
  answer: string;
}

/** The calls of a block: a line that begins with `$ curl`, and the lines after it, up to an empty one. */
function callsOf(code: string): Call[] {
  return code.split(/\n\n/).flatMap((part) => {
    const [first = "", ...answer] = part.trim().split("\n");
    return first.startsWith("$ curl ") ? [{ command: first.slice(2), answer: answer.join("\n") }] : [];
  });
}

const pages = PAGES.map((page) => ({ page, calls: blocksOf(page, "sh").flatMap(({ code }) => callsOf(code)) }));

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

/** An answer as a page shows it: `…` stands for anything, and each id for one that an earlier answer has named, or a new one. */
function patternOf(answer: string, ids: ReadonlyMap<string, string>): RegExp {
  const parts = answer.split(new RegExp(`(…|${UUID.source})`));
  const texts = parts.map((part) => {
    if (part === "…") return "[\\s\\S]*?";
    if (part.match(UUID)?.[0] === part) return ids.get(part) ?? `(?<id_${part.replaceAll("-", "_")}>${UUID.source})`;
    return part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  });
  // A fast worker may have begun, or ended, the task before its sender answers.
  return new RegExp(`^${texts.join("").replaceAll('"state":"PENDING"', '"state":"[A-Z]+"')}$`);
}

it("has calls on each page that shows some, and makes every one", () => {
  expect(pages.filter(({ calls }) => calls.length > 0).length).toBeGreaterThanOrEqual(9);
  const shown = PAGES.flatMap((page) =>
    blocksOf(page, "sh").flatMap(({ code }) =>
      (code.match(/^(\$ )?curl .*$/gm) ?? []).map((command) => command.replace(/^\$ /, "")),
    ),
  );
  const made = new Set(pages.flatMap(({ calls }) => calls.map(({ command }) => command)));
  expect(shown.filter((command) => !made.has(command))).toEqual([]);
});

it.each(pages.filter(({ calls }) => calls.length > 0))(
  "$page: each call answers as the page shows it",
  async ({ calls }) => {
    /** Ids of the page, and those of the service that they stand for. */
    const ids = new Map<string, string>();
    for (const { command, answer } of calls) {
      let made = command
        .replaceAll("http://127.0.0.1:3000", service.url)
        .replaceAll("http://127.0.0.1:4566", service.endpoint);
      for (const [shown, id] of ids) made = made.replaceAll(shown, id);
      const sends = !command.includes("?wait=") && answer.startsWith('{"id"') && !/uploads\/[0-9a-f]/.test(command);
      // A call that makes a task begins anew: its id on the page may be that of the call before.
      if (sends) ids.clear();
      const { stdout } = await run("bash", ["-c", made]);
      const found = patternOf(answer, ids).exec(stdout);

      expect(found, `${command}\nanswered\n${stdout}\ninstead of\n${answer}`).not.toBeNull();
      for (const [name, id] of Object.entries(found?.groups ?? {})) ids.set(name.slice(3).replaceAll("_", "-"), id);
    }
  },
);
