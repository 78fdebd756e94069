/**
 * `npm run pictures`: takes the pictures of docs/dashboard.md anew, of a service that has done something, and says how long the page takes
 * until it can be used on a processor slowed four times.
 */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { ROOT } from "../../../build/paths.ts";
import { createClient } from "../../../localstack/client.ts";
import { type Service, startService } from "../../../localstack/service.ts";
import { median } from "../../bench/statistics.ts";
import { launch } from "./chromium.ts";

const FOLDER = join(ROOT, "docs", "pictures");
/** Stacks show where the code lies on this machine. As text, for it runs in the browser. */
const SHORTEN = `for (const stack of document.querySelectorAll("pre"))
  stack.textContent = stack.textContent.replaceAll(${JSON.stringify(`${ROOT}/`)}, "")`;
const SLOWED = 4;
const VISITS = 5;

const service = await startService();
const browser = await launch();
try {
  await mkdir(FOLDER, { recursive: true });
  const ids = await work(service);
  for (const [name, hash, options] of [
    ["overview", "#/", {}],
    ["overview-dark", "#/", { colorScheme: "dark" }],
    ["tasks", "#/tasks", {}],
    ["tasks-narrow", "#/tasks", { viewport: { width: 420, height: 900 } }],
    ["task", `#/tasks/${ids.failed}`, {}],
    ["upload", `#/tasks/${ids.upload}`, {}],
    ["failures", "#/failures", {}],
    ["workflow", `#/workflows/${ids.workflow}`, {}],
    ["queues", "#/queues", {}],
    ["schedules", "#/schedules", {}],
    ["schedule", "#/schedules/report", {}],
    ["send", "#/send?task=send_email", {}],
    ["activity", "#/activity", {}],
  ] as const) {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
    await page.goto(`${service.url}/${hash}`);
    await page.getByRole("heading").first().waitFor();
    // All that is asked for has been answered once.
    await page.getByText("Loading …").first().waitFor({ state: "detached" });
    await page.waitForLoadState("networkidle").catch(() => {});
    await page.evaluate(SHORTEN);
    await page.screenshot({ path: join(FOLDER, `${name}.png`), fullPage: true });
    await page.close();
  }
  console.log(`Pictures: ${FOLDER}`);
  const { drawn, row } = await usableAfter(browser, service);
  console.log(
    `A processor slowed ${SLOWED} times: input after ${drawn.toFixed(0)} ms, a row after ${row.toFixed(0)} ms.`,
  );
} finally {
  await browser.close();
  await service.stop();
}

/** Something of everything that the pages show. */
async function work({ url }: Service): Promise<Record<"failed" | "upload" | "workflow", string>> {
  const client = createClient(url);
  const send = async (task: string, payload: object, options: object = {}): Promise<string> =>
    String((await client.post(`/tasks/${task}`, { payload: { ...payload }, options: { ...options } })).id);
  const ended: string[] = [];
  for (let number = 1; number <= 12; number += 1) {
    ended.push(await send("add", { x: number, y: 6 }, { tags: [`customer-${number % 3}`], queue: "high" }));
  }
  ended.push(await send("send_email", { to: "ada@example.com", subject: "Welcome", message: "Hello Ada." }));
  const failed = await send("always_fails", { reason: "The partner does not answer." });
  ended.push(failed, await send("flaky", { failures: 1 }));
  const form = await client.post("/uploads", { filename: "orders.csv", contentType: "text/csv" });
  const rows = Array.from({ length: 40 }, (_, row) => `${row + 1},Berlin,${(row * 7.25).toFixed(2)}`);
  await client.upload(Object(form.upload), new TextEncoder().encode(`id,city,amount\n${rows.join("\n")}\n`));
  ended.push(String(form.id));
  const { id } = await client.post("/workflows", {
    chain: [
      { group: [1, 2, 3, 4].map((x) => ({ task: "add", payload: { x, y: 10 } })) },
      {
        task: "send_email",
        payload: { to: "ada@example.com", subject: "Sums", message: "All done." },
        immutable: true,
      },
    ],
  });
  const put = await fetch(`${url}/schedules/report`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ task: "add", payload: { x: 1, y: 1 }, schedule: "30 2 * * 1-5", timezone: "Europe/Berlin" }),
  });
  if (!put.ok) throw new Error(`The schedule was answered with ${put.status}.`);
  ended.push(String((await client.post("/schedules/report/run", {})).id));
  await Promise.all(ended.map((one) => client.waitFor(`/tasks/${one}`, 60)));
  await client.post("/queues/low/pause", {});
  await send("add", { x: 1, y: 1 }, { queue: "low" });
  await send("add", { x: 2, y: 2 }, { countdown: 3600 });
  return { failed, upload: String(form.id), workflow: String(id) };
}

/** Milliseconds from the call of the page until it is drawn and takes input, and until its first row is there: medians. */
async function usableAfter(from: Browser, { url }: Service): Promise<{ drawn: number; row: number }> {
  const times: { drawn: number; row: number }[] = [];
  // The first visit starts the function.
  for (let visit = 0; visit <= VISITS; visit += 1) {
    const page = await from.newPage();
    const session = await page.context().newCDPSession(page);
    await session.send("Emulation.setCPUThrottlingRate", { rate: SLOWED });
    const began = performance.now();
    await page.goto(`${url}/#/tasks`);
    await page.getByRole("searchbox").fill("state:SUCCESS");
    const drawn = performance.now() - began;
    await page.getByRole("row").nth(1).waitFor();
    if (visit > 0) times.push({ drawn, row: performance.now() - began });
    await page.close();
  }
  return { drawn: median(times.map(({ drawn }) => drawn)), row: median(times.map(({ row }) => row)) };
}
