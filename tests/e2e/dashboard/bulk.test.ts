/** Acts on many tasks, in a real browser. */

import type { Page } from "playwright-core";
import { describe, expect } from "vitest";
import { toAnswer } from "../../../localstack/client.ts";
import { dashboardTest, expectWhole, type Ground } from "./browser.ts";

const it = dashboardTest();

/** Tasks with a tag that wait. */
async function waiting(client: Ground["client"], tag: string, count: number): Promise<string[]> {
  const options = { countdown: 900, tags: [tag] };
  const sent = await Promise.all(
    Array.from({ length: count }, (_, x) => client.post("/tasks/add", { payload: { x, y: 0 }, options })),
  );
  return sent.map(({ id }) => String(id));
}

/** Presses a button, and the one of the same name that asks again. */
async function press(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name, exact: true }).click();
  await page.getByRole("dialog", { name }).getByRole("button", { name, exact: true }).click();
}

describe("an act on all that a search finds", () => {
  it("shows how many they are, and goes on when the tab is closed", async ({ open, ground: { client, service } }) => {
    const ids = await waiting(client, "all-found", 12);
    const opened = await open("#/tasks?q=tag%3Aall-found+state%3APENDING%2CRETRY");
    const { page } = opened;
    await page.getByText("12 shown").waitFor();
    await page.getByRole("button", { name: "Revoke all found" }).click();
    await page.getByRole("dialog").getByLabel("A second").fill("1");
    await page.getByRole("dialog").getByRole("button", { name: "Revoke all found" }).click();

    await page.getByText("ready; nothing has been done yet").waitFor();
    await page.getByRole("link", { name: "add", exact: true }).first().waitFor();
    await expectWhole(opened);
    await press(page, "Revoke 12 tasks");
    await page.getByText("under way").waitFor();
    const address = new URL(page.url()).hash;
    await page.close();

    const again = await open(address);
    await again.page.getByText("12 of 12: 12 done, 0 left as they are, 0 failed").waitFor();
    await again.page.getByText("● done").first().waitFor();
    await expectWhole(again);
    const states = await Promise.all(
      ids.map(async (id) => toAnswer(await (await fetch(`${service.url}/tasks/${id}`)).json()).state),
    );
    expect(new Set(states)).toEqual(new Set(["REVOKED"]));
  });

  it("can be stopped, and stands in the activity while it is under way", async ({ open, ground: { client } }) => {
    await waiting(client, "stopped", 20);
    const { page } = await open("#/tasks?q=tag%3Astopped");
    await page.getByText("20 shown").waitFor();
    await page.getByRole("button", { name: "Revoke all found" }).click();
    await page.getByRole("dialog").getByLabel("A second").fill("0.2");
    await page.getByRole("dialog").getByRole("button", { name: "Revoke all found" }).click();
    await press(page, "Revoke 20 tasks");
    await page.getByText(/^[12] of 20/).waitFor();

    const activity = await open("#/activity");
    const row = activity.page
      .getByRole("region", { name: "Acts on many tasks" })
      .getByRole("row")
      .filter({ hasText: "tag stopped" });
    await row.getByText("◐ acting").waitFor();
    await expectWhole(activity);
    await press(page, "Stop");
    await page.getByText("■ stopped").waitFor();
    await row.getByText("stopped", { exact: true }).waitFor();
    await page.getByText("○ waiting").first().waitFor();
  });

  it("is made of what the page finds where the service cannot do the search", async ({ open, ground: { client } }) => {
    await waiting(client, "by-page", 3);
    const { id } = await client.post("/tasks/echo", {
      payload: { text: "x" },
      options: { tags: ["by-page"], countdown: 900 },
    });
    const opened = await open("#/tasks?q=tag%3Aby-page+-task%3Aadd");
    const { page } = opened;
    await page.getByText("1 shown").waitFor();
    await page.getByRole("button", { name: "Revoke all found" }).click();
    await page.getByRole("dialog").getByText("The page looks for them").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke all found" }).click();
    await press(page, "Revoke 1 task");

    await page.getByText("1 of 1: 1 done, 0 left as they are, 0 failed").waitFor();
    await page.getByRole("link", { name: String(id) }).waitFor();
    await page.getByRole("link", { name: "▲ failed 0" }).click();
    await page.getByRole("link", { name: String(id) }).waitFor({ state: "detached" });
    expect(page.url()).toContain("outcome=failed");
    await expectWhole(opened);
  });
});
