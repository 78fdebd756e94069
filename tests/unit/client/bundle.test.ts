import { join } from "node:path";
import { createContext, runInContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, it } from "vitest";
import { ROOT } from "../../../build/paths.ts";

/** Stated in docs/client.md. */
const MAX_BYTES = 6 * 1024;

async function bundle(format: "esm" | "iife"): Promise<{ text: string; inputs: string[] }> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [join(ROOT, "shared/client/index.ts")],
    bundle: true,
    minify: true,
    format,
    globalName: "lovage",
    // As a browser's bundler does: a module of Node's is an error.
    platform: "browser",
    target: "es2022",
    metafile: true,
    write: false,
  });
  return { text: outputFiles[0]?.text ?? "", inputs: Object.keys(metafile.inputs) };
}

it("the client is at most 6 KB, minified and compressed, and has nothing of the engine", async () => {
  const { text, inputs } = await bundle("esm");

  expect(inputs.filter((file) => !file.startsWith("shared/client/"))).toEqual([]);
  expect(gzipSync(text, { level: 9 }).byteLength).toBeLessThan(MAX_BYTES);
});

it("the client runs where there are no globals but those of the web", async () => {
  const asked: { url: string; body: { id: string } }[] = [];
  const fetch = async (url: string, init: { body: string }) => {
    asked.push({ url, body: JSON.parse(init.body) });
    return Response.json({ id: "1", task: "add", state: "PENDING" });
  };
  const web = {
    AbortSignal,
    Blob,
    crypto,
    File,
    FormData,
    performance,
    setTimeout,
    clearTimeout,
    ReadableStream,
    URL,
  };
  const context = createContext({ ...web, URLSearchParams, fetch, TypeError });
  runInContext((await bundle("iife")).text, context);
  const id: unknown = await runInContext(
    'lovage.createClient({ url: "https://api.example.com" }).tasks.add.delay({ x: 1, y: 2 }).then(({ id }) => id)',
    context,
  );

  expect(id).toBe("1");
  expect(asked).toMatchObject([{ url: "https://api.example.com/tasks/add", body: { payload: { x: 1, y: 2 } } }]);
  expect(asked[0]?.body.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
});
