import { gunzipSync } from "node:zlib";
import { type Context, Hono } from "hono";
import { describeError } from "../errors.ts";
import { type Files, uploadKey } from "../files/files.ts";
import type { App } from "../task/current-app.ts";

/** Files by name; each name holds a hash of what is in it. */
export type DashboardFiles = Readonly<Record<string, { type: string; gzip: string; isNeeded?: true }>>;

/** Loads the files, which most calls of the function do not need. */
export type LoadDashboard = () => Promise<{ files: DashboardFiles }>;

/** An id that no upload has: only the host of its link is wanted. */
const NO_ID = "00000000-0000-7000-8000-000000000000";

/**
 * Puts the dashboard before an API: a page at `/` for browsers, and its files under `/dashboard/`. Both are open, for they hold nothing
 * of the service: the page asks for a key and calls the API with it.
 */
export function withDashboard(api: Hono, app: App, files: Files, load: LoadDashboard): Hono {
  const site = new Hono();
  let policy: Promise<string> | undefined;

  site.get("/", async (c) => {
    if (!asksForPage(c)) return answer(api, c);
    const dashboard = await load();
    policy ??= contentPolicy(app, files);
    c.header("Content-Security-Policy", await policy);
    c.header("Cross-Origin-Opener-Policy", "same-origin");
    c.header("Referrer-Policy", "no-referrer");
    c.header("X-Content-Type-Options", "nosniff");
    // A deployment shows when the page is loaded again, and programs that ask for JSON at the same address get theirs.
    c.header("Cache-Control", "no-cache");
    c.header("Vary", "Accept");
    return c.html(shell(dashboard.files));
  });

  site.get("/dashboard/:file", async (c) => {
    const dashboard = await load();
    const name = c.req.param("file");
    const file = Object.hasOwn(dashboard.files, name) ? dashboard.files[name] : undefined;
    if (file === undefined) return answer(api, c);
    c.header("Content-Type", file.type);
    c.header("Cache-Control", "public, max-age=31536000, immutable");
    c.header("Vary", "Accept-Encoding");
    c.header("X-Content-Type-Options", "nosniff");
    const body = Buffer.from(file.gzip, "base64");
    if (!/\bgzip\b/.test(c.req.header("accept-encoding") ?? "")) return c.body(new Uint8Array(gunzipSync(body)));
    c.header("Content-Encoding", "gzip");
    return c.body(new Uint8Array(body));
  });

  site.all("*", (c) => answer(api, c));
  return site;
}

/** A browser that opens the address, and no program. */
function asksForPage(c: Context): boolean {
  return /\btext\/html\b/.test(c.req.header("accept") ?? "");
}

/** With the event, in which the API finds the caller's address. */
async function answer(api: Hono, c: Context): Promise<Response> {
  return api.fetch(c.req.raw, c.env);
}

/**
 * The page may load its own files, call its own service, and the bucket, where uploads go and thumbnails lie; nothing else, and no
 * script that stands in the page. https://www.w3.org/TR/CSP3/
 */
async function contentPolicy(app: App, files: Files): Promise<string> {
  // Without a bucket the page works, but for files.
  const bucket = await files.linkOriginal(uploadKey(NO_ID), "file").then(
    (link) => ` ${new URL(link).origin}`,
    (error: unknown) => {
      app.log.warn("The dashboard can show no files", { error: describeError(error) });
      return "";
    },
  );
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src 'self' data:${bucket}`,
    `connect-src 'self'${bucket}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** The page before its script has run. Its addresses are relative, so that it works behind a prefix. */
function shell(files: DashboardFiles): string {
  const names = Object.keys(files);
  const style = names.find((name) => name.endsWith(".css"));
  const scriptOf = (entry: string): string | undefined =>
    names.find((name) => name.startsWith(`${entry}-`) && name.endsWith(".js"));
  // Parts that the scripts ask for at once; further ones belong to single pages.
  const parts = names.filter((name) => files[name]?.isNeeded);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Lovage</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="dashboard/${style}">
<script type="module" async src="dashboard/${scriptOf("first")}"></script>
<script type="module" src="dashboard/${scriptOf("dashboard")}"></script>
${parts.map((name) => `<link rel="modulepreload" href="dashboard/${name}">`).join("\n")}
</head>
<body><div id="root"><noscript>The dashboard needs JavaScript.</noscript></div></body>
</html>
`;
}
