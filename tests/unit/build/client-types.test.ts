import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toStandardJsonSchema } from "@valibot/to-json-schema";
import * as v from "valibot";
import { expect, it } from "vitest";
import * as z from "zod";
import { clientTypes } from "../../../build/client-types.ts";
import { ROOT } from "../../../build/paths.ts";
import { createOpenApi } from "../../../shared/http/openapi.ts";
import { task } from "../../../shared/index.ts";

interface Tree {
  name: string;
  children: Tree[];
}
const tree: z.ZodType<Tree, Tree> = z.object({
  name: z.string(),
  get children() {
    return z.array(tree);
  },
});

const tasks = [
  task({ name: "add", payload: z.object({ x: z.number(), y: z.int().describe("The other */ one.") }), run: () => 1 }),
  task({
    name: "total",
    result: z.object({ cents: z.int(), by: z.enum(["card", "cash"]), note: z.string().optional() }),
    run: () => ({ cents: 1, by: "card" }),
  }),
  task({ name: "undescribed", result: v.number(), run: () => 1 }),
  task({ name: "tick", run: () => null }),
  task({ name: "billing.close", payload: z.object({ tree, force: z.boolean().default(false) }), run: () => 1 }),
  task({
    name: "many",
    payload: z.object({
      state: z.enum(["a", "b"]),
      pair: z.tuple([z.string(), z.number()]),
      by: z.record(z.string(), z.number().nullable()),
      one: z.union([z.literal(5), z.string()]),
      both: z.intersection(z.object({ a: z.string() }), z.object({ b: z.string() })),
      anything: z.json(),
    }),
    run: () => 1,
  }),
  task({ name: "valid", payload: toStandardJsonSchema(v.object({ n: v.optional(v.number()) })), run: () => 1 }),
  task({ name: "unsaid", payload: v.object({ n: v.number() }), run: () => 1 }),
];
const contract = JSON.parse(JSON.stringify(createOpenApi(tasks, "https://api.example.com")));

it("declarations compile with a client, and take and refuse as the tasks do", () => {
  const folder = ".lovage/client-types";
  rmSync(join(ROOT, folder), { recursive: true, force: true });
  mkdirSync(join(ROOT, folder), { recursive: true });
  writeFileSync(join(ROOT, folder, "tasks.d.ts"), clientTypes(contract));
  writeFileSync(join(ROOT, folder, "use.ts"), USE);
  // Declarations themselves are to be read, too.
  const compilerOptions = { skipLibCheck: false, types: ["node"] };
  const tsconfig = { extends: "../../tsconfig.json", compilerOptions, include: ["*.ts"] };
  writeFileSync(join(ROOT, folder, "tsconfig.json"), JSON.stringify(tsconfig));
  const tsc = spawnSync("node_modules/.bin/tsc", ["--project", folder], { cwd: ROOT, encoding: "utf8" });

  expect(tsc.stdout.split("\n").filter((line) => line.startsWith(folder))).toEqual([]);
});

const USE = `
import { createClient } from "lovage/client";
import type { Tasks } from "./tasks.d.ts";

const { tasks } = createClient<Tasks>({ url: "https://api.example.com" });
const many = { state: "a", pair: ["a", 1], by: { a: null }, one: 5, both: { a: "", b: "" }, anything: [1] } as const;
const twig = { name: "twig", children: [] };
export const right = () => [
  tasks.add.delay({ x: 1, y: 2 }),
  tasks.tick.delay(),
  tasks["billing.close"].delay({ tree: { name: "root", children: [twig] } }),
  tasks.many.delay({ ...many, pair: ["a", 1], anything: {} }),
  tasks.valid.delay(),
  tasks.unsaid.delay({ whatever: true }),
  async () => { const { by, note = by } = await (await tasks.total.delay()).get(); const one: "card" | "cash" = by; return [one, note.length]; },
];
export const wrong = [
  // @ts-expect-error
  () => tasks.add.delay({ x: 1 }),
  // @ts-expect-error
  () => tasks.tick.delay({ x: 1 }),
  // @ts-expect-error
  () => tasks["billing.close"].delay({ tree: { name: "root", children: [{ name: 1, children: [] }] } }),
  // @ts-expect-error
  () => tasks.many.delay({ ...many, state: "c" }),
  // @ts-expect-error
  () => tasks.many.delay({ ...many, one: 6 }),
  // @ts-expect-error
  () => tasks.many.delay({ ...many, both: { a: "" } }),
  // @ts-expect-error
  () => tasks.valid.delay({ n: "1" }),
  // @ts-expect-error
  async () => (await (await tasks.total.delay()).get()).euros,
  // @ts-expect-error
  async () => (await (await tasks.undescribed.delay()).get()).toFixed(),
  // @ts-expect-error
  () => tasks.subtract,
];
`;

it("the same contract gives the same text, another one another", () => {
  const { "/tasks/tick": tick, ...paths } = contract.paths;

  expect(clientTypes(structuredClone(contract))).toBe(clientTypes(contract));
  expect(clientTypes({ ...contract, paths }).split("\n")[0]).not.toBe(clientTypes(contract).split("\n")[0]);
  expect(tick).toBeDefined();
});

it.each([[{}], [{ paths: { "/pets": { post: {} } } }], [null]])(
  "refuses what is no contract of a service: %j",
  (other) => {
    expect(() => clientTypes(other)).toThrow("The contract has no call that sends a task");
  },
);
