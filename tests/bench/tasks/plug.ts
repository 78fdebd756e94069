import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import * as z from "zod";
import { task } from "../../../shared/index.ts";

/** Milliseconds between two looks: the most by which a drain can seem longer than it was. */
const LOOK_MILLISECONDS = 50;

/** Keeps its sandbox busy until there is a file `open` in `folder`: a backlog can be built up behind it. */
export const plug = task({
  name: "plug",
  payload: z.object({ folder: z.string() }),
  run: async ({ folder }) => {
    await writeFile(join(folder, `sandbox-${process.pid}`), "");
    while (!existsSync(join(folder, "open"))) await wait(LOOK_MILLISECONDS);
    return null;
  },
});
