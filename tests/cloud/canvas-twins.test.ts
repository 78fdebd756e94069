import { execFile } from "node:child_process";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import * as z from "zod";
import { outcomeAt, valueAt } from "../../shared/canvas/results.ts";
import { sendWorkflow } from "../../shared/canvas/send.ts";
import { task } from "../../shared/index.ts";
import { createRegistry } from "../../shared/task/registry.ts";
import { startVirtualBench } from "../helpers/virtual-bench.ts";
import { shapes } from "./canvas-shapes.ts";
import { installations, isInstalled, missing } from "./peers.ts";

const number = z.object({ n: z.number(), by: z.number().default(1) });
const tasks = {
  inc: task({ name: "inc", payload: number, run: ({ n, by }) => n + by }),
  double: task({ name: "double", payload: number, run: ({ n }) => n * 2 }),
  sum: task({
    name: "sum",
    payload: z.object({ numbers: z.array(z.number()) }),
    run: ({ numbers }) => numbers.reduce((all, one) => all + one, 0),
  }),
  echo: task({ name: "echo", payload: z.object({ value: z.json() }), run: ({ value }) => value }),
  count: task({ name: "count", payload: z.object({ values: z.array(z.json()) }), run: ({ values }) => values.length }),
  fail: task({
    name: "fail",
    run: () => {
      throw new Error("broken");
    },
  }),
};
const registry = createRegistry([{ file: "tests.ts", exports: tasks }]);
const { engine, queues } = startVirtualBench(tasks);

const outcome = z.union([z.object({ value: z.json() }), z.object({ error: z.string() })]);
let byCelery: z.infer<typeof outcome>[] = [];

beforeAll(async () => {
  if (!isInstalled("celery")) return;
  const python = join(installations.celery.folder, "venv/bin/python");
  const script = join(import.meta.dirname, "celery-canvas.py");
  const printed = await new Promise<string>((resolve, reject) => {
    const child = execFile(python, [script], (error, stdout) => (error ? reject(error) : resolve(stdout)));
    child.stdin?.end(JSON.stringify(shapes.map(({ node }) => node)));
  });
  byCelery = z.array(outcome).parse(JSON.parse(printed.trim().split("\n").at(-1) ?? ""));
}, 300_000);

it.each(shapes.map((shape, index) => ({ ...shape, index })))("$name", async ({ node, differs, index }) => {
  const { id } = await sendWorkflow(engine.app, registry, node);
  await queues.until(new Date(engine.clock.now.getTime() + 3_600_000));
  const definition = await engine.app.workflows.read(id);
  if (definition === undefined) throw new Error("The definition is gone.");
  const reading = { app: engine.app, definition };
  const ended = await outcomeAt(reading, "");
  const own = ended?.state === "SUCCESS" ? { value: await valueAt(reading, "") } : { error: ended?.state };
  const celerys = byCelery[index];
  if (celerys === undefined) return;

  if (differs !== undefined) expect(own).not.toEqual(celerys);
  else if ("error" in celerys) expect(own).toHaveProperty("error", "FAILURE");
  else expect(own).toEqual(celerys);
});

it("is run by Celery itself", ({ skip }) => {
  if (!isInstalled("celery")) skip(missing("celery").missing);
  expect(byCelery).toHaveLength(shapes.length);
});
