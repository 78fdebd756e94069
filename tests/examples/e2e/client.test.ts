import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type * as math from "../../../handlers/examples/math.ts";
import type * as upload from "../../../handlers/examples/process-upload.ts";
import type * as retries from "../../../handlers/examples/retries.ts";
import { type Service, startService } from "../../../localstack/service.ts";
import { type Client, createClient, TaskFailedError } from "../../../shared/client/index.ts";
import { CHROMIUM, launch } from "../../e2e/dashboard/chromium.ts";
import { blocksOf, ROOT } from "../unit/docs/blocks.ts";

const run = promisify(execFile);
const PAGE = "docs/client.md";
const FOLDER = join(ROOT, ".lovage/client");

type Tasks = { math: typeof math; retries: typeof retries; upload: typeof upload };

let service: Service;
let client: Client<Tasks>;

beforeAll(async () => {
  service = await startService();
  client = createClient<Tasks>({ url: service.url });
  // The page's programs find their service as a deployment's would.
  process.env.LOVAGE_URL = service.url;
  await rm(FOLDER, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true });
});
afterAll(async () => {
  delete process.env.LOVAGE_URL;
  await service.stop();
});

/** The client as a page loads it. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, "shared/client/index.ts")],
    bundle: true,
    format: "iife",
    globalName: "lovage",
    platform: "browser",
    write: false,
  });
  return outputFiles[0]?.text.replace("var lovage", "globalThis.lovage") ?? "";
}

/** A program of the page, by a text that is in no other, with what it exports. */
async function program(text: string): Promise<Record<string, unknown>> {
  const [block] = blocksOf(PAGE, "ts").filter(({ code }) => code.includes(text));
  if (block === undefined) throw new Error(`No program of ${PAGE} has '${text}'.`);
  const file = join(FOLDER, `line-${block.line}.ts`);
  await writeFile(file, block.code);
  return import(pathToFileURL(file).href);
}

describe("a client of a running service", () => {
  it("gets results, and the errors of tasks", async () => {
    expect(await (await client.tasks.add.delay({ x: 4, y: 6 })).get()).toBe(10);
    const failing = await client.tasks.always_fails.delay({ reason: "the printer is on fire" });

    await expect(failing.get()).rejects.toBeInstanceOf(TaskFailedError);
    await expect(failing.get()).rejects.toMatchObject({ failure: { cause: { message: "the printer is on fire" } } });
  });

  it("uploads a file, with progress, and gets what was made of it", async () => {
    const csv = new TextEncoder().encode(`order,amount\n${"1,2.5\n".repeat(100_000)}`);
    const seen: number[] = [];
    const sent = await client.uploads.send(new File([csv], "größe.csv", { type: "text/csv" }), {
      onProgress: (sentBytes, totalBytes) => {
        expect(totalBytes).toBe(csv.byteLength);
        seen.push(sentBytes);
      },
    });
    const result = await sent.get();
    const record = await sent.fetch();

    expect(result).toMatchObject({ csv: { rows: 100_000 } });
    expect(record).toMatchObject({ filename: "größe.csv", state: "SUCCESS" });
    expect(new Uint8Array(await (await fetch(String(record.original))).arrayBuffer())).toEqual(csv);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.length).toBeGreaterThan(3);
    expect(seen.at(-1)).toBe(csv.byteLength);
  });

  it("uploads a file from a page, with progress, and stops there, too", async ({ skip }) => {
    if (CHROMIUM === undefined) skip("Chromium is not installed (CHROMIUM names another place): no page was looked at");
    const browser = await launch();
    try {
      const page = await browser.newPage();
      // A page of this machine, with no policy of its own.
      await page.goto(`${service.url}/health`);
      await page.evaluate(await bundle());
      const outcome = await page.evaluate(`(async () => {
        const client = lovage.createClient({ url: location.origin });
        const seen = [];
        const file = new File(["order,amount\\n" + "1,2.5\\n".repeat(500_000)], "page.csv", { type: "text/csv" });
        const sent = await client.uploads.send(file, { onProgress: (bytes, total) => seen.push([bytes, total]) });
        const { csv } = await sent.get();
        const stop = new AbortController();
        const stopped = client.uploads.send(file, {
          signal: stop.signal,
          onProgress: () => stop.abort(new Error("the page was left")),
        });
        const reason = await stopped.catch((error) => error.message);
        return { size: file.size, seen, rows: csv.rows, filename: (await sent.fetch()).filename, reason };
      })()`);
      const { size, seen, ...rest } = Object(outcome);

      expect(rest).toEqual({ rows: 500_000, filename: "page.csv", reason: "the page was left" });
      expect(seen.at(-1)).toEqual([size, size]);
      expect(seen).toEqual(seen.toSorted(([a]: number[], [b]: number[]) => Number(a) - Number(b)));
    } finally {
      await browser.close();
    }
  });

  it("stops an upload when its signal is aborted", async () => {
    const stop = new AbortController();
    const sending = client.uploads.send(new Blob([new Uint8Array(50_000_000)]), {
      signal: stop.signal,
      onProgress: () => stop.abort(new Error("the page was left")),
    });

    await expect(sending).rejects.toThrow("the page was left");
  });

  it("has types that `lovage types` writes, and that fit the service", async () => {
    const types = join(FOLDER, "tasks.d.ts");
    const words = ["cli/lovage.ts", "types", service.url, types];
    await run(process.execPath, words, { cwd: ROOT });
    const checked = await run(process.execPath, [...words, "--check"], { cwd: ROOT });
    await writeFile(types, "export interface Tasks {}");
    const stale = await run(process.execPath, [...words, "--check"], { cwd: ROOT }).catch((error) => error);

    expect(checked.stdout).toContain("as they are");
    expect([stale.code, stale.stdout]).toEqual([1, expect.stringContaining("Write it anew")]);
  });
});

/** A handler as frameworks have them. */
type Handler = (...call: unknown[]) => Promise<Response>;

function handlerOf(value: unknown): Handler {
  if (typeof value !== "function") throw new Error("The program exports no handler of that name.");
  return (...call) => value(...call);
}

const post = (url: string, body: unknown): Request =>
  new Request(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

describe("the programs of the page", () => {
  it("Next.js: a route sends, refuses, and tells how it stands", async () => {
    const route = await program("app/api/sums/route.ts");
    const sent = await handlerOf(route.POST)(post("http://localhost/api/sums", { x: 4, y: 6 }));
    const { id } = Object(await sent.json());
    await client.result(id).get();
    const read = await handlerOf(route.GET)(new Request(`http://localhost/api/sums?id=${id}`));
    const refused = await handlerOf(route.POST)(post("http://localhost/api/sums", { x: "4" }));

    expect([sent.status, await read.json()]).toEqual([202, { state: "SUCCESS", result: 10 }]);
    expect([refused.status, await refused.json()]).toMatchObject([422, { issues: [{ path: ["x"] }, { path: ["y"] }] }]);
  });

  it("Express: an app sends, and refuses what the task refuses", async () => {
    const { app } = await program('from "express"');
    const server = createServer((request, response) => handlerOf(app)(request, response)).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/sign-ups`;
    const sent = await fetch(post(url, { email: "ada@example.com" }));
    const refused = await fetch(post(url, { email: "nobody" }));
    const { id } = Object(await sent.json());

    expect([sent.status, await client.result(id).fetch()]).toMatchObject([202, { task: "send_email" }]);
    expect([refused.status, await refused.json()]).toMatchObject([422, { issues: [{ path: ["to"] }] }]);
    server.close();
    await once(server, "close");
  });

  it("Hono: an app sends, and waits", async () => {
    const { app } = await program("new Hono()");
    const handle = handlerOf(Object(app).fetch);
    const sent = await handle(post("http://localhost/sums", { x: 4, y: 6 }));
    const { id } = Object(await sent.json());
    const read = await handle(new Request(`http://localhost/sums/${id}`));

    expect([sent.status, await read.json()]).toEqual([202, { sum: 10 }]);
  });

  it("Python: a script sends and waits, with its own library alone", async () => {
    const [script] = blocksOf(PAGE, "python");
    await writeFile(join(FOLDER, "sums.py"), String(script?.code));
    const { stdout } = await run("python3", [join(FOLDER, "sums.py")], {
      env: { ...process.env, LOVAGE_URL: service.url },
    });

    expect(stdout).toBe("10\n");
  });
});
