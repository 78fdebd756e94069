import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { type Answer, toAnswer } from "../../../localstack/client.ts";
import type { Service } from "../../../localstack/service.ts";
import { dashboardTest, expectWhole, type Opened } from "./browser.ts";

const it = dashboardTest({ environment: { LOVAGE_TASKS: "tests/fixtures/flows" } });

const HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>\u202Eevil';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lovage-dashboard-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The answer of the service. */
async function read({ url }: Service, path: string): Promise<Answer> {
  return toAnswer(await (await fetch(url + path)).json());
}

const picky = (n: number, more: object = {}) => ({ task: "picky", payload: { n, ...more }, immutable: true });
const echo = { task: "echo", payload: { text: "x" }, immutable: true };
const group = (count: number, bad: readonly number[]) => ({
  group: Array.from({ length: count }, (_, n) => picky(n, { bad })),
  policy: "collect",
});

/** Presses a button and, in its dialog, the button of the same name. */
async function act({ page }: Opened, verb: string): Promise<void> {
  await page.getByRole("button", { name: verb, exact: true }).first().click();
  await page.getByRole("dialog", { name: verb }).getByRole("button", { name: verb, exact: true }).click();
}

/** Sees that a page is whole in light and dark, wide and narrow. */
async function expectWholeInAllLooks(opened: Opened): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [1280, 420]) {
      await opened.page.emulateMedia({ colorScheme });
      await opened.page.setViewportSize({ width, height: 900 });
      await expectWhole(opened);
    }
  }
}

describe("the dashboard's workflows", () => {
  it("come as they are sent, with their progress, and lead to their graph", async ({ open, ground: { client } }) => {
    const list = await open("#/workflows");
    await list.page.getByText("No workflow fits.").waitFor();
    const { id } = await client.post("/workflows", { chain: [picky(1), echo, echo] });

    const row = list.page.getByRole("row").filter({ hasText: String(id).slice(0, 8) });
    await row.getByText("SUCCESS").waitFor();
    await row.getByText("3 of 3").waitFor();
    await expectWholeInAllLooks(list);
    await row.getByRole("link", { name: "picky → echo → echo" }).click();

    await list.page.getByRole("heading", { name: "Workflow SUCCESS" }).waitFor();
    await list.page.getByRole("link", { name: /echo.*1.*SUCCESS/ }).focus();
    await list.page.keyboard.press("Enter");
    await list.page.getByRole("heading", { name: "echo" }).waitFor();
  });

  it("go on before one's eyes when a failed member is replayed", async ({ open, ground: { client } }) => {
    const file = join(folder, "mended");
    const { id } = await client.post("/workflows", {
      chain: [
        { group: [picky(1), { task: "needs_file", payload: { file } }] },
        { task: "total", into: "values" },
        echo,
      ],
    });
    const opened = await open(`#/workflows/${id}`);
    const { page } = opened;
    await page.getByRole("heading", { name: "FAILURE" }).waitFor();
    await page.getByRole("link", { name: /echo.*2.*FAILURE · could not run/ }).waitFor();
    await expectWholeInAllLooks(opened);
    await writeFile(file, "");

    await act(opened, "Replay");
    await page.getByRole("heading", { name: "SUCCESS" }).waitFor();
    await page.getByRole("link", { name: /total.*1.*SUCCESS/ }).waitFor();
    expect(await page.getByRole("heading", { name: "Failed" }).count()).toBe(0);
  });

  it("fold a group of 5,000, and lead to a failed member in two presses", async ({ open, ground: { client } }) => {
    const bad = [17, 2500, 4999];
    const { id } = await client.post("/workflows", { chain: [group(5000, bad), { task: "total", into: "values" }] });
    await client.waitFor(`/tasks/${id}`, 100);
    const opened = await open("#/workflows");
    const { page } = opened;
    await page.getByRole("link", { name: "5000 × picky → total" }).click();
    await page.getByRole("link", { name: /group of 5,000, collect.*5,000 ended, 3 failed/ }).waitFor();

    expect(await page.locator(".picture svg *").count()).toBeLessThan(100);
    await expectWhole(opened);
    await page.getByRole("link", { name: /picky.*0\.2500.*FAILURE/ }).click();
    await page.getByRole("heading", { name: "picky FAILURE" }).waitFor();

    await page.goBack();
    await page.getByRole("link", { name: "group of 5,000" }).click();
    await page.getByText("members 0 to 99 of 5,000").waitFor();
    await page.getByRole("link", { name: "next 100" }).click();
    await page.getByRole("link", { name: /picky.*0\.150.*SUCCESS/ }).waitFor();
  });

  it("fold a whole that is one group", async ({ open, ground: { client } }) => {
    const { id } = await client.post("/workflows", group(150, [3]));
    const { page } = await open(`#/workflows/${id}`);

    await page.getByRole("link", { name: /group of 150, collect.*150 ended, 1 failed/ }).waitFor();
    expect(await page.locator(".picture a").count()).toBe(2);
  });

  it("page through the failed members of a large group", async ({ open, ground: { client } }) => {
    const bad = Array.from({ length: 104 }, (_, index) => 2 * index);
    const { id } = await client.post("/workflows", { chain: [group(210, bad), { task: "total", into: "values" }] });
    await client.waitFor(`/tasks/${id}`, 100);
    const { page } = await open(`#/workflows/${id}`);
    await page.getByRole("link", { name: "All 104 failed members of 0" }).click();
    await page.getByRole("link", { name: "next 100" }).click();
    await page
      .getByRole("link", { name: /picky.*0\.206.*FAILURE/ })
      .first()
      .waitFor();
    await page.getByRole("link", { name: "the first" }).click();
    await page
      .getByRole("link", { name: /picky.*0\.2 .*FAILURE|picky.*0\.2\b.*FAILURE/ })
      .first()
      .waitFor();
  });

  it("draw 300 nodes, and find the failed ones among them", async ({ open, ground: { client } }) => {
    const { id } = await client.post("/workflows", {
      chain: [
        group(98, [7, 70]),
        { task: "total", into: "values" },
        group(98, []),
        { task: "total", into: "values" },
        group(98, []),
      ],
    });
    const opened = await open(`#/workflows/${id}`);
    const { page } = opened;
    await page.getByRole("heading", { name: "Workflow SUCCESS" }).waitFor({ timeout: 60_000 });
    expect(await page.locator(".picture a").count()).toBe(3 + 3 * 98 + 2);

    await page.getByRole("button", { name: "Next failed" }).click();
    await page.getByRole("button", { name: "Next failed" }).click();
    expect(await page.locator(".picture a:focus").textContent()).toMatch(/^picky.*0\.70.*FAILURE/);
    await page.getByRole("link", { name: "only failed" }).click();
    await page.waitForURL(/focus=failed/);
    await expect.poll(() => page.locator(".picture a").count()).toBe(3);
    await page.getByRole("button", { name: "Fit" }).click();
    await page.getByRole("button", { name: "Larger" }).click();

    await page.getByRole("link", { name: "as a table" }).click();
    await page.getByRole("row").filter({ hasText: "0.70" }).getByRole("link", { name: "picky" }).waitFor();
    await expectWhole(opened);
    await page.getByRole("link", { name: "only running" }).click();
    await page.getByText("Nothing runs now.").waitFor();
  });

  it("are revoked after one question, and a failure's text is text", async ({ open, ground: { client } }) => {
    const nap = { task: "naps", payload: { seconds: 600 }, options: { countdown: 600 }, immutable: true };
    const { id } = await client.post("/workflows", {
      group: [picky(1, { bad: [1], why: HOSTILE }), nap],
      policy: "waitForAll",
    });
    const opened = await open(`#/workflows/${id}`);
    const { page } = opened;
    await page.getByText("document.title=2").waitFor();
    expect(await page.locator("main img, main script").count()).toBe(0);

    await act(opened, "Revoke the workflow");
    await page.getByRole("heading", { name: "Workflow REVOKED" }).waitFor();
    expect(await page.getByRole("button", { name: "Revoke the workflow" }).isDisabled()).toBe(true);
    expect(await page.title()).toContain("Lovage");
    await expectWhole(opened);
  });

  it("say that there is none of that id", async ({ open }) => {
    const { page } = await open("#/workflows/01a2f000-0000-7000-8000-000000000000");
    await page.getByText("There is no workflow").waitFor();
  });
});

describe("the dashboard's schedules", () => {
  it("are made with a preview as one types, in the entry's zone and in mine", async ({ open, ground: { service } }) => {
    const opened = await open("#/schedules", { timezoneId: "Asia/Tokyo" });
    const { page } = opened;
    await page.getByRole("link", { name: "New entry" }).click();
    await page.getByLabel("Name").fill("nightly");
    await page.getByLabel("Schedule", { exact: true }).fill("30 2 * * x");
    await page.getByRole("region", { name: "Preview" }).getByText("'30 2 * * x'").waitFor();
    await page.getByLabel("Schedule", { exact: true }).fill("30 2 * * *");
    await page.getByLabel("Zone").fill("Europe/Berlin");
    await page.getByRole("columnheader", { name: "In Asia/Tokyo" }).waitFor();
    await page.getByRole("cell", { name: /fire times? .*skipped/ }).waitFor();
    await page.getByLabel("Task").selectOption("echo");
    await page.getByLabel("Payload, as JSON").fill('{"text":1970670598291982290}');
    await page.getByRole("button", { name: "Make it" }).click();
    await page.getByRole("alert").getByText("the number 1970670598291982290").waitFor();
    await page.getByLabel("Payload, as JSON").fill('{"text":"<b>night</b>"}');
    await page.getByLabel("Description").fill(HOSTILE);
    await expectWholeButRefused(opened);
    await page.getByRole("button", { name: "Make it" }).click();

    await page.getByRole("heading", { name: "nightly ● fires dynamic" }).waitFor();
    const { next } = await read(service, "/schedules/nightly");
    const [first] = Array.isArray(next) ? next.map(String) : [];
    const mine = new Date(Date.parse(String(first)) + 9 * 3_600_000).toISOString();
    await page.getByRole("cell", { name: mine.slice(0, 19).replace("T", " ") }).waitFor();
    expect(await page.locator("main img, main script, main b").count()).toBe(0);
  });

  it("run, pause and resume at once, also those of the code", async ({ open, ground: { service } }) => {
    const opened = await open("#/schedules/new-year");
    const { page } = opened;
    await page.getByRole("heading", { name: "new-year ● fires static" }).waitFor();
    expect(await page.getByRole("link", { name: "Edit" }).count()).toBe(0);
    await act(opened, "Run now");
    await page.getByText("by hand").waitFor();
    await act(opened, "Pause");
    await page.getByRole("heading", { name: "‖ paused" }).waitFor();
    expect(await read(service, "/schedules/new-year")).toMatchObject({ enabled: false });
    await expectWholeInAllLooks(opened);

    const list = await open("#/schedules?prefix=new");
    const row = list.page.getByRole("row").filter({ hasText: "new-year" });
    await row.getByText("‖ paused").waitFor();
    await row.getByRole("link", { name: "SUCCESS, by hand" }).waitFor();
    await expectWholeInAllLooks(list);
    await act(list, "Resume");
    await row.getByText("● fires").waitFor();
  });

  it("are changed only as they were when the form was opened", async ({ open, ground: { service } }) => {
    const put = (text: string) =>
      fetch(`${service.url}/schedules/shared`, {
        method: "PUT",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ task: "echo", payload: { text }, schedule: "rate(1 day)", keepHistory: 3600 }),
      });
    await put("one");
    const opened = await open("#/schedules/shared");
    const { page } = opened;
    await page.getByRole("link", { name: "Edit" }).click();
    await page.getByLabel("Description").fill("mine");
    await put("two");
    await page.getByRole("button", { name: "Change it" }).click();
    await page.getByRole("alert").getByText("Somebody has changed it since").waitFor();
    expect(await read(service, "/schedules/shared")).not.toHaveProperty("description");

    await page.getByRole("button", { name: "Load it as it is now" }).click();
    await page.getByRole("alert").waitFor({ state: "detached" });
    await page.getByLabel("Description").fill("mine");
    await page.getByRole("button", { name: "Change it" }).click();
    await page.getByRole("heading", { name: "shared ● fires" }).waitFor();
    expect(await read(service, "/schedules/shared")).toMatchObject({
      description: "mine",
      payload: { text: "two" },
      keepHistory: 3600,
    });

    await page.getByText("mine").waitFor();
    await act(opened, "Delete");
    await page.getByRole("heading", { name: "Schedules" }).waitFor();
    await expect.poll(async () => (await fetch(`${service.url}/schedules/shared`)).status).toBe(404);
  });

  it("send a workflow that is checked as one that is sent at once", async ({ open, ground: { service } }) => {
    const opened = await open("#/schedules?form=new");
    const { page } = opened;
    await page.getByLabel("Name").fill("whole");
    await page.getByLabel("Sends").selectOption("a workflow");
    await page.getByLabel("Schedule", { exact: true }).fill("rate(1 day)");
    const workflow = page.getByLabel("Workflow, as JSON");
    await workflow.fill('{"chain": [{"task": "nobody"}]}');
    await page.getByRole("button", { name: "Make it" }).click();
    await page.getByRole("alert").getByText("expected the name of a registered task").waitFor();
    await workflow.fill('{"chain": [{"task": "echo", "payload": {"text": "a"}}, {"task": "echo", "into": "text"}]}');
    await expectWholeButRefused(opened);
    await page.getByRole("button", { name: "Make it" }).click();
    await page.getByRole("heading", { name: "whole ● fires dynamic" }).waitFor();
    const entry = await read(service, "/schedules/whole");
    expect(entry).toMatchObject({ workflow: { chain: [{ task: "echo" }, { task: "echo", into: "text" }] } });
    expect(entry).not.toHaveProperty("task");

    await page.getByRole("link", { name: "Edit" }).click();
    await page.getByLabel("Sends").selectOption("a task");
    await page.getByLabel("Task").selectOption("echo");
    await page.getByLabel("Payload, as JSON").fill('{"text":"b"}');
    await page.getByRole("button", { name: "Change it" }).click();
    await page.getByText("Payload", { exact: true }).waitFor();
    const changed = await read(service, "/schedules/whole");
    expect(changed).toMatchObject({ task: "echo", payload: { text: "b" } });
    expect(changed).not.toHaveProperty("workflow");
  });

  it("are not made in the place of another", async ({ open }) => {
    const { page } = await open("#/schedules?form=new");
    await page.getByLabel("Name").fill("new-year");
    await page.getByLabel("Task").selectOption("echo");
    await page.getByLabel("Schedule", { exact: true }).fill("rate(1 day)");
    await page.getByRole("button", { name: "Make it" }).click();

    await page.getByRole("alert").getByText("There is an entry 'new-year' already").waitFor();
  });
});

/** A refused preview or entry is told by the browser's console, too. */
async function expectWholeButRefused({ complaints, ...opened }: Opened): Promise<void> {
  await expectWhole({ ...opened, complaints: complaints.filter((one) => !/ (400|404|422) /.test(one)) });
}
