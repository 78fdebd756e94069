import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build, type Plugin } from "esbuild";
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
  files: Record<string, { type: string; gzip: string }>;
  sources: string[];
}> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: { dashboard: join(FOLDER, "main.tsx") },
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
  const files = outputFiles.map(({ path, contents }) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    const type = TYPES[name.slice(name.lastIndexOf("."))] ?? "application/octet-stream";
    return [name, { type, gzip: Buffer.from(gzipSync(contents, { level: 9 })).toString("base64") }] as const;
  });
  return {
    files: Object.fromEntries(files),
    sources: Object.keys(metafile.inputs).map((input) => join(ROOT, input)),
  };
}
