/** A service and a browser that looks at its dashboard, for tests. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { test as base, expect } from "vitest";
import { createClient } from "../../../localstack/client.ts";
import { type Service, type ServiceOptions, startService } from "../../../localstack/service.ts";
import { CHROMIUM, launch } from "./chromium.ts";

export interface Opened {
  page: Page;
  /** Errors of the console, refused loads and broken policies, as they came. */
  complaints: string[];
  /** Addresses outside of the service that the page has asked for. */
  foreign: string[];
}

export interface Ground {
  service: Service;
  browser: Browser;
  client: ReturnType<typeof createClient>;
}

/** Opens `#/…` in a tab of its own, until the test is over. */
export type Open = (hash: string, options?: BrowserContextOptions) => Promise<Opened>;

/** @param options of the service; its tasks are those of the fixtures unless they say otherwise */
export function dashboardTest({ environment, ...options }: ServiceOptions = {}) {
  return base.extend<{ ground: Ground; open: Open }>({
    ground: [
      async ({ skip }, use) => {
        if (CHROMIUM === undefined)
          skip("Chromium is not installed (CHROMIUM names another place): no page was looked at");
        const service = await startService({
          ...options,
          environment: { LOVAGE_TASKS: "tests/fixtures/tasks", ...environment },
        });
        let browser: Browser | undefined;
        try {
          browser = await launch();
          await use({ service, browser, client: createClient(service.url) });
        } finally {
          await browser?.close();
          await service.stop();
        }
      },
      { scope: "file" },
    ],
    open: async ({ ground: { browser, service } }, use) => {
      await use((hash, context) => openPage(browser, service, hash, context));
      // A page that is left open goes on asking.
      await Promise.all(browser.contexts().map((context) => context.close()));
    },
  });
}

/** Opens `#/…` of a service, which may stand behind a proxy, in a tab of its own. */
export async function openPage(
  browser: Browser,
  service: Pick<Service, "url" | "endpoint">,
  hash: string,
  options: BrowserContextOptions = {},
): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const [complaints, foreign]: [string[], string[]] = [[], []];
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error.stack)));
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== "data:" && origin !== new URL(service.url).origin && origin !== service.endpoint)
      foreign.push(request.url());
  });
  await page.goto(`${service.url}/${hash}`);
  return { page, complaints, foreign };
}

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** As text, for it runs in the browser. */
const FAULTS = `axe.run().then(({ violations }) =>
  violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ": " + html.slice(0, 200))))`;
const OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth";

/** Sees that the page is whole: nothing complained, nothing foreign was asked for, nothing scrolls sideways, axe finds nothing. */
export async function expectWhole({ page, complaints, foreign }: Opened): Promise<void> {
  expect(complaints).toEqual([]);
  expect(foreign).toEqual([]);
  expect(await page.evaluate<number>(OVERFLOW)).toBeLessThanOrEqual(0);
  // Evaluated by the browser's debugger, which a policy of the page does not hold back.
  await page.evaluate(AXE);
  expect(await page.evaluate<string[]>(FAULTS)).toEqual([]);
}
