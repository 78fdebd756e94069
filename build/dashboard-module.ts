import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build, type Metafile, type Plugin } from "esbuild";
import { ownFile, ROOT } from "./paths.ts";

const FOLDER = ownFile("shared/dashboard");

/** Where the package has the files ready; this repository builds them when they are asked for. */
export const DASHBOARD_FILE = "shared/dashboard/files.json";

const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
};

/**
 * Resolves `lovage:dashboard` to the files of the dashboard, built for browsers and compressed. Their names hold a hash of what is in
 * them, so a browser may keep each for ever.
 */
export function dashboardModule(): Plugin {
  return {
    name: "lovage:dashboard",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^lovage:dashboard$/ }, ({ path }) => ({ path, namespace: "lovage" }));
      onLoad({ filter: /^lovage:dashboard$/, namespace: "lovage" }, async () => {
        const ready = await readFile(ownFile(DASHBOARD_FILE), "utf8").catch(() => undefined);
        if (ready !== undefined) return { contents: `export const files = ${ready};` };
        const { files, sources } = await buildDashboard();
        return { contents: `export const files = ${JSON.stringify(files)};`, watchFiles: sources };
      });
    },
  };
}

/** Builds the dashboard's files, compressed and as base64, and tells what they were built from. */
export async function buildDashboard(): Promise<{
  files: Record<string, { type: string; gzip: string; isNeeded?: true }>;
  sources: string[];
}> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: { first: join(FOLDER, "first.ts"), dashboard: join(FOLDER, "main.tsx") },
    outdir: "dashboard",
    entryNames: "[name]-[hash]",
    chunkNames: "part-[hash]",
    bundle: true,
    splitting: true,
    platform: "browser",
    format: "esm",
    target: "es2023",
    jsx: "automatic",
    jsxImportSource: "preact",
    minify: true,
    metafile: true,
    write: false,
    logLevel: "silent",
  });
  const needed = neededAtOnce(metafile.outputs);
  const files = outputFiles.map(({ path, contents }) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    const type = TYPES[name.slice(name.lastIndexOf("."))] ?? "application/octet-stream";
    const gzip = Buffer.from(gzipSync(contents, { level: 9 })).toString("base64");
    return [name, { type, gzip, ...(needed.has(name) && { isNeeded: true as const }) }] as const;
  });
  return {
    files: Object.fromEntries(files),
    sources: Object.keys(metafile.inputs).map((input) => join(ROOT, input)),
  };
}

/** Names of the scripts that an entry, or one that it needs, imports: a browser that knows of them asks for all of them at once. */
function neededAtOnce(outputs: Metafile["outputs"]): Set<string> {
  const entries = Object.keys(outputs).filter((path) => outputs[path]?.entryPoint !== undefined);
  const found = new Set<string>();
  const follow = (path: string): void => {
    for (const { path: next, kind } of outputs[path]?.imports ?? []) {
      if (kind !== "import-statement" || found.has(next)) continue;
      found.add(next);
      follow(next);
    }
  };
  for (const path of entries.filter((one) => /\/(first|dashboard)-/.test(one))) follow(path);
  return new Set([...found].map((path) => path.slice(path.lastIndexOf("/") + 1)));
}
