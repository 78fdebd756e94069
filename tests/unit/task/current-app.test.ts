import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, it } from "vitest";
import * as z from "zod";
import { task } from "../../../shared/index.ts";
import { testApp } from "../../../shared/testing/index.ts";

const MODULE = resolve(import.meta.dirname, "../../../shared/task/current-app.ts");
const folder = await mkdtemp(join(tmpdir(), "lovage-copy-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

const add = task({ name: "add", payload: z.object({ x: z.number() }), run: ({ x }) => x });

it("tells of a second copy of Lovage, which would send to AWS", async () => {
  const path = join(folder, "current-app.ts");
  await copyFile(MODULE, path);
  const copy: typeof import("../../../shared/task/current-app.ts") = await import(path);
  copy.provideApp(() => {
    throw new Error("The second copy has made an app of its own.");
  });
  await testApp({ tasks: { add } });

  expect(() => copy.currentApp()).toThrow(
    /^Lovage is in this process twice: the app was given to file:.+\/shared\/task\/current-app\.ts, and the task is of file:.+\/lovage-copy-.+\. Expected one copy/,
  );
});
