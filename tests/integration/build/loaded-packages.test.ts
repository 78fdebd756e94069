import { expect, it } from "vitest";
import { buildFunctions } from "../../bench/bundles.ts";

it("functions without HTTP load neither its library nor one for schemas", async () => {
  const functions = await buildFunctions(["beat", "dead-letter", "timers"].map((name) => `handlers/${name}.handler`));

  for (const { name, withoutTasks } of functions) {
    const packages = Object.keys(withoutTasks.loadedFrom);
    expect(packages, name).toContain("AWS SDK");
    expect(
      packages.filter((one) => ["hono", "zod"].includes(one)),
      name,
    ).toEqual([]);
  }
});
