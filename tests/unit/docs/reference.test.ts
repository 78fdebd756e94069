import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import type { Call } from "../../../shared/http/call.ts";
import { CALLS } from "../../../shared/http/calls.ts";
import { schemas } from "../../../shared/http/schemas.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");

/** The names in the first cells of a page's tables, without their backticks; several stand in one cell with commas. */
function firstCells(text: string): string[] {
  const cells = [...text.matchAll(/^\| (`[^|]*`) \|/gm)].map(([, cell = ""]) => cell);
  return cells.flatMap((cell) => cell.split(", ")).map((name) => name.replaceAll("`", ""));
}

/** The literals of a union type in a source. */
function literalsOf(file: string, type: string): string[] {
  const [, union = ""] = new RegExp(`export type ${type} =([^;]*);`).exec(read(file)) ?? [];
  return [...union.matchAll(/"([A-Z_]+)"/g)].map(([, code = ""]) => code);
}

const sorted = (names: Iterable<string>): string[] => [...new Set(names)].toSorted();

describe("the reference", () => {
  it("has every HTTP call, and no other", () => {
    const routes = Object.values<Call>(CALLS).map(({ route }) => route);

    expect(sorted(firstCells(read("docs/reference/http.md")))).toEqual(sorted(routes));
  });

  it("names every field of a query and of a body", () => {
    const page = read("docs/reference/http.md");
    for (const { route, parameters = [] } of Object.values<Call>(CALLS)) {
      const row = page.split("\n").find((line) => line.startsWith(`| \`${route}\` |`)) ?? "";
      for (const { name, in: place } of parameters) {
        if (place === "query") expect(row, `${route} ${name}`).toMatch(new RegExp(`\\b${String(name)}\\b`));
      }
    }
  });

  it("has every error code, and no other", () => {
    const codes = [
      ...literalsOf("shared/errors/base.ts", "ErrorCode"),
      ...literalsOf("shared/http/problem.ts", "HttpCode"),
    ];

    expect(codes.length).toBeGreaterThan(35);
    expect(sorted(firstCells(read("docs/reference/errors.md")))).toEqual(sorted(codes));
  });

  it("has every option of task() and of a call, and no other", () => {
    const [, ofTasks = "", ofCalls = ""] = read("docs/reference/options.md").split(/^## .*$/m);
    const [, declared = ""] = /const TASK_OPTIONS[^{]*\{([^}]*)\}/.exec(read("shared/task/task-options.ts")) ?? [];
    const known = [...declared.matchAll(/(\w+): true/g)].map(([, name = ""]) => name);

    expect(known.length).toBeGreaterThan(15);
    expect(sorted(firstCells(ofTasks))).toEqual(sorted(known));
    expect(sorted(firstCells(ofCalls))).toEqual(sorted(Object.keys(schemas.Options.properties ?? {})));
  });

  it("has every setting, and no other", () => {
    const [, variables = ""] = /const VARIABLES[^=]*= \{([^}]*)\}/.exec(read("shared/config.ts")) ?? [];
    const names = [...variables.matchAll(/"([A-Z_]+)"/g)].map(([, name = ""]) => name);

    expect(names.length).toBeGreaterThan(10);
    expect(sorted(firstCells(read("docs/reference/configuration.md")))).toEqual(sorted([...names, "BROKER_URL"]));
  });

  it("has every field of a record, and no other", () => {
    const fields = firstCells(read("docs/reference/records.md"));

    expect(sorted(fields)).toEqual(sorted(Object.keys(schemas.Task.properties ?? {})));
  });
});
