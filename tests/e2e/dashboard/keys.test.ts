import { createHash } from "node:crypto";
import { describe, expect } from "vitest";
import { dashboardTest } from "./browser.ts";

const KEY = "a key of this test";
const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
const it = dashboardTest({
  args: [
    "--param",
    `apiKeyHashes=${["read", "operate"].map((role) => `${role}-key:${role}:${hash(role + KEY)}`).join(",")}`,
  ],
});

describe("the dashboard of a service with keys", () => {
  it("loads without one, asks for it, and keeps it for the tab alone", async ({ open }) => {
    const { page } = await open("#/queues");
    const dialog = page.getByRole("dialog", { name: "API key" });
    await dialog.getByLabel("Key").fill("another");
    await page.keyboard.press("Enter");
    await dialog.getByText("An API key is needed").waitFor();
    await dialog.getByLabel("Key").fill(`operate${KEY}`);
    await page.keyboard.press("Enter");
    await page.getByRole("row").filter({ hasText: "default" }).waitFor();

    await page.reload();
    await page.getByRole("row").filter({ hasText: "default" }).waitFor();
    expect(await page.evaluate("JSON.stringify({ ...localStorage })")).not.toContain(KEY);

    await page.getByRole("button", { name: "Forget key" }).click();
    await dialog.waitFor();
  });

  it("offers a reader no act, which the service would refuse", async ({ open }) => {
    const { page } = await open("#/queues");
    await page.getByRole("dialog", { name: "API key" }).getByLabel("Key").fill(`read${KEY}`);
    await page.keyboard.press("Enter");
    await page.getByText("read-key (read)").waitFor();
    await page.getByRole("row").filter({ hasText: "default" }).waitFor();

    expect(await page.getByRole("button", { name: "Pause", exact: true }).count()).toBe(0);
  });
});
