import { readFile } from "node:fs/promises";
import { afterEach, describe, expect } from "vitest";
import { dashboardTest, expectWhole, openPage } from "./browser.ts";
import { type Prefixed, startProxy } from "./proxy.ts";

const PAGES = ["Overview", "Tasks", "Failures", "Workflows", "Queues", "Schedules", "Send", "Activity"] as const;

let proxy: Prefixed | undefined;
afterEach(() => proxy?.close());

const it = dashboardTest().extend<{ behind: (hash: string) => ReturnType<typeof openPage> }>({
  behind: async ({ ground: { browser, service } }, use) => {
    proxy = await startProxy(service.url, "/a/production");
    const { url } = proxy;
    await use((hash) => openPage(browser, { url, endpoint: service.endpoint }, hash));
    await Promise.all(browser.contexts().map((context) => context.close()));
  },
});

describe("the dashboard behind a prefix", () => {
  it("leads from each page to each, and back by a reload", async ({ behind }) => {
    const opened = await behind("#/");
    const { page } = opened;
    for (const name of PAGES) {
      await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name, exact: true }).click();
      await page.getByRole("heading", { level: 1, name }).waitFor();
      await page.reload();
      await page.getByRole("heading", { level: 1, name }).waitFor();
      await page.getByText("Loading …").first().waitFor({ state: "detached" });
      expect(page.url()).toContain("/a/production/#/");
      await expectWhole(opened);
    }
    expect(proxy?.strays).toEqual([]);
  });

  it("shows, acts, sends, uploads and downloads", async ({ behind, ground: { client } }) => {
    const { id } = await client.post("/tasks/add", { payload: { x: 1, y: 2 }, options: { tags: ["behind"] } });
    await client.waitFor(`/tasks/${id}`);
    const deep = await behind(`#/tasks/${id}`);
    const { page } = deep;
    await page.getByRole("region", { name: "Result" }).getByText("3", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Replay", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Replay" }).click();
    await page.getByText("Replay of").waitFor();

    await page.goto(`${proxy?.url}/#/tasks?q=tag%3Abehind`);
    await page.getByText("Export").click();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "JSON Lines" }).click(),
    ]);
    expect(await readFile(await download.path(), "utf8")).toContain(String(id));

    await page.goto(`${proxy?.url}/#/send?task=add`);
    await page.getByLabel("x", { exact: true }).fill("20");
    await page.getByLabel("y", { exact: true }).fill("22");
    await page.keyboard.press("Enter");
    await page.getByText("Sent:").getByRole("link").click();
    await page.getByRole("region", { name: "Result" }).getByText("42").waitFor();

    await page.goto(`${proxy?.url}/#/send`);
    for (const bytes of [7, 17 * 1_048_576]) {
      const buffer = Buffer.alloc(bytes, "a,b\n1,2\n");
      await page.getByLabel("Drop files here").setInputFiles({ name: `${bytes}.csv`, mimeType: "text/csv", buffer });
      await page
        .getByRole("row")
        .filter({ hasText: `${bytes}.csv` })
        .or(page.getByRole("listitem").filter({ hasText: `${bytes}.csv` }))
        .getByRole("link", { name: "sent; see what it becomes" })
        .click();
      await page.getByRole("heading", { name: "SUCCESS" }).waitFor();
      const [file] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("link", { name: `${bytes}.csv` }).click(),
      ]);
      expect((await readFile(await file.path())).length).toBe(bytes);
      await page.goBack();
    }
    expect(deep.complaints).toEqual([]);
    expect(deep.foreign).toEqual([]);
    expect(proxy?.strays).toEqual([]);
  });
});
