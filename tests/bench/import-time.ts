import { spawn } from "node:child_process";
import { once } from "node:events";
import { pathToFileURL } from "node:url";
import { median } from "./statistics.ts";

/**
 * Milliseconds to import each of `files` in a fresh process, the empty process subtracted: medians of `times` runs, which
 * take turns so that noise meets all alike. The file cache is warm and nothing is compiled ahead: compare, don't predict.
 */
export async function measureImports(
  files: readonly string[],
  times: number,
  progress: (line: string) => void,
): Promise<Map<string, number>> {
  const scripts = new Map([
    ["", ""],
    ...files.map((file) => [file, `await import("${pathToFileURL(file)}")`] as const),
  ]);
  const samples = new Map([...scripts.keys()].map((file) => [file, [] as number[]]));
  for (let run = 0; run <= times; run += 1) {
    progress(`imports, run ${run} of ${times}`);
    for (const [file, script] of scripts) {
      const milliseconds = await runNode(script);
      // The first run of each fills the file cache.
      if (run > 0) samples.get(file)?.push(milliseconds);
    }
  }
  const empty = median(samples.get("") ?? []);
  return new Map(files.map((file) => [file, median(samples.get(file) ?? []) - empty]));
}

async function runNode(script: string): Promise<number> {
  const start = performance.now();
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    env: { PATH: process.env.PATH, AWS_REGION: "us-east-1" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let complaint = "";
  child.stderr.on("data", (text) => (complaint += String(text)));
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`Process that runs '${script}' failed: ${complaint}`);
  return performance.now() - start;
}
