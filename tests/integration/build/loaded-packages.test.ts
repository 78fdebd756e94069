import { beforeAll, describe, expect, it } from "vitest";
import { buildFunctions, type FunctionBundles } from "../../bench/bundles.ts";

/** KB that a function loads at its start, Lovage alone and with some tasks: a little more than it does. Raise one knowingly. */
const MOST_KILOBYTES: Readonly<Record<string, [withoutTasks: number, deployed: number]>> = {
  worker: [476, 496],
  "dead-letter": [449, 449],
  timers: [437, 437],
  beat: [464, 578],
  uploads: [444, 558],
};

let functions: FunctionBundles[];
beforeAll(async () => {
  const handlers = Object.keys(MOST_KILOBYTES).map((name) => `handlers/${name}.handler`);
  functions = await buildFunctions(handlers, ["tests/fixtures/tasks"]);
});

const packagesOf = (name: string, bundle: "deployed" | "withoutTasks"): string[] =>
  Object.keys(functions.find((one) => one.name === name)?.[bundle].loadedFrom ?? {});

describe("a function's start", () => {
  it.each(Object.entries(MOST_KILOBYTES))("of %s is no larger than it was", (name, most) => {
    const found = functions.find((one) => one.name === name);
    const sizes = [found?.withoutTasks, found?.deployed].map((bundle) => (bundle?.loadedBytes ?? Infinity) / 1024);

    expect(sizes[0]).toBeLessThanOrEqual(most[0]);
    expect(sizes[1]).toBeLessThanOrEqual(most[1]);
  });

  it.each(["beat", "dead-letter", "timers"])("loads neither HTTP nor a library of schemas for %s", (name) => {
    const packages = packagesOf(name, "withoutTasks");

    expect(packages).toContain("AWS SDK");
    expect(packages).not.toContain("hono");
    expect(packages).not.toContain("zod");
  });

  it("loads no task for the worker, and nothing that only tasks need", () => {
    const packages = packagesOf("worker", "deployed");

    expect(packages).toContain("AWS SDK");
    for (const late of ["zod", "hono", "suncalc", "csv-parse", "nodemailer", "sharp"])
      expect(packages).not.toContain(late);
    expect(packagesOf("beat", "deployed")).toContain("zod");
  });

  it.each(["worker", "dead-letter", "timers"])("looks at no sun for %s", (name) => {
    expect(packagesOf(name, "withoutTasks")).not.toContain("suncalc");
  });
});
