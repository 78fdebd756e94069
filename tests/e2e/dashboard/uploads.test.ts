import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { dashboardTest, expectWhole } from "./browser.ts";

/** Three parts. */
const BYTES = 20 * 1_048_576;

const it = dashboardTest();
let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lovage-parts-"));
  file = join(folder, "<b>many rows.bin");
  await writeFile(file, Buffer.alloc(BYTES, "abc"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Numbers of the parts that a page has sent, as they go. */
function partsOf(page: Page): number[] {
  const sent: number[] = [];
  page.on("requestfinished", (request) => {
    if (request.method() === "PUT") sent.push(Number(new URL(request.url()).searchParams.get("partNumber")));
  });
  return sent;
}

const choose = (page: Page): Promise<void> => page.getByLabel("Drop files here").setInputFiles(file);
const SENT = { name: "sent; see what it becomes" };

describe("a large file", () => {
  it("goes in parts, and becomes what a small one does", async ({ open }) => {
    const opened = await open("#/send");
    const { page } = opened;
    const sent = partsOf(page);
    await choose(page);
    await page.getByRole("link", SENT).click();

    await page.getByRole("heading", { name: "SUCCESS" }).waitFor();
    expect(sent.toSorted()).toEqual([1, 2, 3]);
    await expectWhole(opened);
  });

  it("goes on after a reload with the parts that are missing", async ({ open }) => {
    const opened = await open("#/send");
    const { page } = opened;
    const sent = partsOf(page);
    await page.route(/partNumber=3/, () => {});
    await choose(page);
    await expect.poll(() => sent.toSorted(), { timeout: 30_000 }).toEqual([1, 2]);
    // The reload first: a held request goes on when its route is taken away.
    await page.reload();
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await page.getByText("cut off by a reload").waitFor();
    await expectWhole(opened);
    await choose(page);
    await page.getByRole("link", SENT).click();

    await page.getByRole("heading", { name: "SUCCESS" }).waitFor();
    expect(sent.toSorted()).toEqual([1, 2, 3]);
  });

  it("goes on by itself when the network is back", async ({ open }) => {
    const { page } = await open("#/send");
    const sent = partsOf(page);
    await page.route(/partNumber=3/, async (route) => {
      await page.context().setOffline(true);
      await route.abort();
    });
    await choose(page);
    await page.getByText("cut off.").waitFor();
    expect(sent).not.toContain(3);
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await page.context().setOffline(false);

    await page.getByRole("link", SENT).waitFor();
    expect(new Set(sent)).toEqual(new Set([1, 2, 3]));
  });

  it("is given up with all that came of it", async ({ open, ground: { client } }) => {
    const { page } = await open("#/send");
    await page.route(/partNumber=3/, () => {});
    const answered = page.waitForResponse(/\/uploads\/multipart$/);
    await choose(page);
    const { id } = Object(await (await answered).json());
    await page.reload();
    await page.getByRole("button", { name: "Give up" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Give up" }).click();

    await page.getByText("cut off by a reload").waitFor({ state: "detached" });
    expect((await client.waitFor(`/uploads/${id}`)).state).toBe("REVOKED");
    await page.reload();
    expect(await page.getByText("cut off by a reload").count()).toBe(0);
  });
});
