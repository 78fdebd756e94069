import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createClient } from "../../../localstack/client.ts";
import { type Service, startService } from "../../../localstack/service.ts";
import { expectWhole, openPage } from "./browser.ts";
import { CHROMIUM, launch } from "./chromium.ts";

/** A port that was free a moment ago: a deployment keeps its address. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}

describe.skipIf(CHROMIUM === undefined)("a deployment under an open page", () => {
  it("is told, and reopens a kind of failures that was resolved in the version before", async () => {
    const data = await mkdtemp(join(tmpdir(), "lovage-versions-"));
    const [port, cloud] = [String(await freePort()), String(await freePort())];
    const deploy = (VERSION: string): Promise<Service> =>
      startService({
        environment: {
          VERSION,
          PORT: port,
          LOVAGE_CLOUD_PORT: cloud,
          LOVAGE_DATA: data,
          LOVAGE_TASKS: "tests/fixtures/tasks",
        },
      });
    const browser = await launch();
    let service = await deploy("v1");
    try {
      const client = createClient(service.url);
      const fail = async (): Promise<void> => {
        const { id } = await client.post("/tasks/fails", {});
        await client.waitFor(`/tasks/${id}`);
      };
      await fail();
      const opened = await openPage(browser, service, "#/failures");
      const { page } = opened;
      await page.clock.install();
      await page.reload();
      await page.getByTitle("Version of the deployed code").getByText("v1").waitFor();
      const row = page.getByRole("row").filter({ hasText: "RangeError" });
      await row.getByText("v1", { exact: true }).waitFor();
      await row.getByRole("link").click();
      await page.getByText("Versions").waitFor();
      await page.getByRole("button", { name: "Resolve" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Resolve" }).click();
      await page.getByText("● resolved").waitFor();

      // Told as resolved, when it comes again in the same version.
      await fail();
      await page.getByText("● resolved").waitFor();
      await service.stop();
      service = await deploy("v2");
      await fail();
      await page.clock.runFor(61_000);
      await page.getByText("The service was deployed anew.").waitFor();
      await page.getByRole("button", { name: "Load the new page" }).click();
      await page.getByTitle("Version of the deployed code").getByText("v2").waitFor();
      await page.goto(`${service.url}/#/failures`);
      await page.getByText("▲ open again").waitFor();
      await row.getByText("v1 to v2").waitFor();
      const fresh = await openPage(browser, service, "#/failures");
      await fresh.page.getByText("v1 to v2").waitFor();
      await expectWhole(fresh);
      if (process.env.PICTURES)
        await fresh.page.screenshot({ path: `${process.env.PICTURES}/versions.png`, fullPage: true });
      expect(opened.foreign).toEqual([]);
    } finally {
      await browser.close();
      await service.stop();
      await rm(data, { recursive: true, force: true });
    }
  });
});
