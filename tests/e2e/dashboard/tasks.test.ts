import { readFile } from "node:fs/promises";
import { describe, expect } from "vitest";
import { toAnswer } from "../../../localstack/client.ts";
import type { Service } from "../../../localstack/service.ts";
import { dashboardTest, expectWhole } from "./browser.ts";

const it = dashboardTest();

/** How a task stands now. */
async function stateOf(service: Service, id: unknown): Promise<unknown> {
  return toAnswer(await (await fetch(`${service.url}/tasks/${id}`)).json()).state;
}

const HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>\u202Eevil';

describe("the dashboard's tasks", () => {
  it("come as they are sent, without a reload", async ({ open, ground: { client } }) => {
    const { page } = await open("#/tasks");
    await page.getByText("No task fits.").waitFor();
    const { id } = await client.post("/tasks/add", { payload: { x: 4, y: 6 } });

    const row = page.getByRole("row").filter({ hasText: String(id).slice(0, 8) });
    await row.getByText("SUCCESS").waitFor();
    await row.getByRole("link", { name: "add", exact: true }).click();

    await page.getByRole("heading", { name: "add" }).waitFor();
    expect(page.url()).toContain(`#/tasks/${id}`);
    await page.getByRole("region", { name: "Result" }).getByText("10").waitFor();
  });

  it("are found by their address, and a search is an address", async ({ open, ground: { client } }) => {
    await client.post("/tasks/echo", { payload: { text: "hello" }, options: { tags: ["customer-7"] } });
    await client.post("/tasks/add", { payload: { x: 1, y: 1 } });
    const { page } = await open("#/tasks?q=-task%3Aadd");
    await page.getByRole("link", { name: "echo", exact: true }).first().waitFor();
    expect(await page.getByRole("link", { name: "add", exact: true }).count()).toBe(0);

    await page.getByRole("searchbox").fill("tag:customer-7");
    await page.keyboard.press("Enter");
    await page.waitForURL(/q=tag%3Acustomer-7/);
    await page.getByRole("link", { name: "echo", exact: true }).first().click();
    await page.goBack();
    expect(await page.getByRole("searchbox").inputValue()).toBe("tag:customer-7");
  });

  it("show whatever a task brought along as text", async ({ open, ground: { client } }) => {
    const options = { tags: [HOSTILE], headers: { note: HOSTILE } };
    const { id } = await client.post("/tasks/echo", { payload: { text: HOSTILE }, options });
    await client.waitFor(`/tasks/${id}`);
    const list = await open("#/tasks?columns=tags");
    await list.page.getByText("evil").first().waitFor();
    const detail = await open(`#/tasks/${id}`);
    await detail.page.getByText("evil").first().waitFor();

    for (const { page } of [list, detail]) {
      expect(await page.locator("main img, main script").count()).toBe(0);
      expect(await page.title()).toContain("Lovage");
    }
    await expectWhole(list);
    await expectWhole(detail);
  });

  it("are exported as they were searched", async ({ open, ground: { client } }) => {
    const { id } = await client.post("/tasks/echo", { payload: { text: "=1" }, options: { tags: ["exported"] } });
    await client.waitFor(`/tasks/${id}`);
    const { page } = await open("#/tasks?q=tag%3Aexported");
    await page.getByText("Export").click();
    const file = async (name: string): Promise<string> => {
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name, exact: true }).click(),
      ]);
      return readFile(await download.path(), "utf8");
    };

    expect((await file("CSV")).split("\r\n").map((line) => line.split(",").slice(0, 3))).toEqual([
      ["id", "task", "state"],
      [id, "echo", "SUCCESS"],
      [""],
    ]);
    const [line = "", ...rest] = (await file("JSON Lines")).split("\n");
    expect(JSON.parse(line)).toMatchObject({ id, payload: { text: "=1" }, result: "=1" });
    expect(rest).toEqual([""]);
  });

  it("show every digit of a number", async ({ open, ground: { service, client } }) => {
    const answer = await fetch(`${service.url}/tasks/echo`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"payload":{"text":"n"},"options":{"headers":{"n":"1970670598291982290"}}}',
    });
    const { id }: { id: string } = JSON.parse(await answer.text());
    await client.waitFor(`/tasks/${id}`);
    const { page } = await open(`#/tasks/${id}`);

    await page.getByText("1970670598291982290").waitFor();
  });

  it("are revoked and replayed after one question", async ({ open, ground: { client } }) => {
    const { id } = await client.post("/tasks/add", { payload: { x: 1, y: 2 }, options: { countdown: 900 } });
    const { page } = await open(`#/tasks/${id}`);
    await page.getByText("It waits for its time: due in").waitFor();

    await page.getByRole("button", { name: "Revoke" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await page.getByRole("heading", { name: "REVOKED" }).waitFor();

    await page.getByRole("button", { name: "Replay", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Replay" }).click();
    await page.getByRole("heading", { name: "SUCCESS" }).waitFor();
    await page.getByText("Replay of").waitFor();
    expect(page.url()).not.toContain(String(id));
  });

  it("are replayed with another payload, which the task's schema checks", async ({ open, ground: { client } }) => {
    const { id } = await client.post("/tasks/add", { payload: { x: 1, y: 2 } });
    await client.waitFor(`/tasks/${id}`);
    const { page } = await open(`#/tasks/${id}`);
    await page.getByRole("button", { name: "Replay with another payload" }).click();
    const dialog = page.getByRole("dialog", { name: "Replay with another payload" });

    await dialog.getByLabel("Payload").fill('{"x":"one","y":2}');
    await dialog.getByRole("button", { name: "Replay with another payload" }).click();
    await dialog.getByText("was refused at 'x'").waitFor();
    await dialog.getByLabel("Payload").fill('{"x":40,"y":2}');
    await dialog.getByRole("button", { name: "Replay with another payload" }).click();

    await page.getByRole("region", { name: "Result" }).getByText("42").waitFor();
  });

  it("show what differs between two attempts, and between a task and its replay", async ({
    open,
    ground: { client },
  }) => {
    const first = await client.post("/tasks/add", { payload: { x: 1, y: 2 } });
    await client.waitFor(`/tasks/${first.id}`);
    const again = await client.post(`/tasks/${first.id}/replay`, { payload: { x: 1, y: 3 } });
    await client.waitFor(`/tasks/${again.id}`);
    const opened = await open(`#/tasks/${again.id}`);
    const { page } = opened;
    const row = page.getByRole("row").filter({ hasText: "Payload, y" });
    await row.getByText("2", { exact: true }).waitFor();
    await row.getByText("3", { exact: true }).waitFor();
    await expectWhole(opened);
    await page.getByLabel("From").selectOption({ label: "attempt 1" });
    await page.getByText("They differ in nothing but their times.").waitFor();
  });

  it("are revoked many at once, by what was ticked", async ({ open, ground: { client, service } }) => {
    const options = { countdown: 900, tags: ["many"] };
    const sent = await Promise.all([1, 2, 3].map((x) => client.post("/tasks/add", { payload: { x, y: 0 }, options })));
    const { page } = await open("#/tasks?q=tag%3Amany");
    for (const { id } of sent.slice(0, 2)) await page.getByLabel(`Task ${id}`).check();
    await page.getByRole("button", { name: "Revoke" }).click();
    await page.getByRole("dialog").getByText("the 2 selected tasks").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await page.getByText("2 of 2: 2 done, 0 left as they are, 0 failed").waitFor();

    const states = await Promise.all(sent.map(({ id }) => stateOf(service, id)));
    expect(states).toEqual(["REVOKED", "REVOKED", "PENDING"]);
  });
});

describe("the dashboard's other pages", () => {
  it("pause and resume a queue", async ({ open, ground: { client } }) => {
    const { page } = await open("#/queues");
    const low = page.getByRole("row").filter({ has: page.getByRole("link", { name: "low", exact: true }) });
    await low.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
    await low.getByText("paused").waitFor();
    const { id } = await client.post("/tasks/add", { payload: { x: 1, y: 2 }, options: { queue: "low" } });
    const task = await open(`#/tasks/${id}`);
    await task.page.getByText("It waits because the queue low is paused").waitFor();

    await low.getByRole("button", { name: "Resume" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
    await low.getByText("runs").waitFor();
  });

  it("group failures, replay them together, and take a word about them", async ({ open, ground: { client } }) => {
    const sent = await Promise.all(["1", "2"].map(() => client.post("/tasks/fails", {})));
    for (const { id } of sent) await client.waitFor(`/tasks/${id}`);
    const opened = await open("#/failures");
    const { page } = opened;
    await page.getByRole("row").filter({ hasText: "fails" }).getByRole("link").click();
    await page.getByRole("heading", { name: "fails" }).waitFor();
    await expectWhole(opened);

    await page.getByRole("button", { name: "Replay all" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Replay all" }).click();
    await page.getByRole("button", { name: "Replay 2 tasks" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Replay 2 tasks" }).click();
    await page.getByText("2 of 2: 2 done, 0 left as they are, 0 failed").waitFor();
    await page.goBack();
    await page.getByRole("button", { name: "Resolve" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Resolve" }).click();
    await page.getByText("● resolved").waitFor();
    const activity = await open("#/activity");
    await activity.page.getByRole("row").filter({ hasText: "resolve" }).waitFor();
  });

  it("send a task by a form that its schema makes, with the keyboard alone", async ({ open }) => {
    const { page } = await open("#/send?task=add");
    await page.getByLabel("x", { exact: true }).focus();
    await page.keyboard.type("20");
    await page.keyboard.press("Tab");
    await page.keyboard.type("22");
    await page.keyboard.press("Enter");
    await page.getByText("Sent:").getByRole("link").click();

    await page.getByRole("region", { name: "Result" }).getByText("42").waitFor();
  });

  it("upload a file, and show what became of it", async ({ open }) => {
    const opened = await open("#/send");
    const { page } = opened;
    await page.getByLabel("Drop files here").setInputFiles({
      name: "<b>table.csv",
      mimeType: "text/csv",
      buffer: Buffer.from("a,b\n1,2\n"),
    });
    await page.getByRole("link", { name: "sent; see what it becomes" }).click();

    await page.getByRole("heading", { name: "SUCCESS" }).waitFor();
    await page.getByRole("link", { name: "<b>table.csv" }).waitFor();
    await expectWhole(opened);
  });

  it.for(
    ["#/", "#/tasks", "#/queues", "#/send", "#/failures", "#/activity", "#/nowhere", "#/__proto__"].flatMap((hash) =>
      (["light", "dark"] as const).flatMap((colorScheme) => [1280, 420].map((width) => ({ hash, colorScheme, width }))),
    ),
  )("are whole: $hash, $colorScheme, $width wide", async ({ hash, colorScheme, width }, { open }) => {
    const opened = await open(hash, { colorScheme, viewport: { width, height: 900 } });
    await opened.page.getByRole("heading", { level: 1 }).waitFor();
    await opened.page.waitForLoadState("networkidle");

    await expectWhole(opened);
  });

  it("are each one press away from each other", async ({ open }) => {
    const opened = await open("#/tasks");
    const { page } = opened;
    // Keys are heard once the page stands, which the load of its script does not say.
    await page.getByText(/^as of/).waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("q");
    await page.getByRole("heading", { name: "Queues" }).waitFor();
    await page.keyboard.press("?");
    const help = page.getByRole("dialog", { name: "Help" });
    await help.getByText("in one of these states").waitFor();
    await expectWhole(opened);
    await page.keyboard.press("Escape");
    await help.waitFor({ state: "hidden" });
    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Send" }).click();
    await page.getByRole("heading", { name: "Send" }).waitFor();
  });
});

describe("a page that stays open", () => {
  it("says that the service is gone, and goes on when it is back", async ({ open }) => {
    const { page } = await open("#/queues");
    await page.getByText("as of now").waitFor();
    await page.context().setOffline(true);
    await page.getByText("The service does not answer.").waitFor();
    await page.getByRole("row").filter({ hasText: "default" }).waitFor();
    await page.context().setOffline(false);

    await page.getByText("as of now").waitFor({ timeout: 40_000 });
  });

  it("asks nothing while it is paused", async ({ open }) => {
    const { page } = await open("#/queues");
    await page.getByRole("row").filter({ hasText: "default" }).waitFor();
    await page.getByRole("button", { name: "Live" }).click();
    await page.getByRole("button", { name: "Paused" }).waitFor();
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.getByText(/as of [5-9] s ago/).waitFor();

    expect(asked).toEqual([]);
  });
});
