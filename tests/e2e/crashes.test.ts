import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createClient } from "../../localstack/client.ts";
import { type Service, startService } from "../../localstack/service.ts";

let service: Service;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lovage-crashes-"));
  service = await startService({
    environment: { LOVAGE_TASKS: "tests/fixtures/tasks", LOVAGE_WORKER_TIMEOUT: "5", LOVAGE_VISIBILITY_TIMEOUT: "6" },
  });
});
afterAll(async () => {
  await service.stop();
  await rm(folder, { recursive: true, force: true });
});

const send = async (task: string, payload = {}) =>
  String((await createClient(service.url).post(`/tasks/${task}`, { payload })).id);
const finished = (id: string, seconds = 100) => createClient(service.url).waitFor(`/tasks/${id}`, seconds);

describe("a task that takes its worker down", () => {
  it.each(["exits", "throws_later", "blocks"])(
    "by '%s' ends as a FAILURE and harms no neighbour",
    { timeout: 120_000 },
    async (task) => {
      const ids = await Promise.all([
        send("add", { x: 1, y: 0 }),
        send("add", { x: 2, y: 0 }),
        send(task),
        send("add", { x: 3, y: 0 }),
      ]);
      const records = await Promise.all(ids.map((id) => finished(id)));

      expect(records.map(({ state }) => state)).toEqual(["SUCCESS", "SUCCESS", "FAILURE", "SUCCESS"]);
      expect(records.map(({ result }) => result)).toEqual([1, 2, undefined, 3]);
      expect(records[2]?.error).toMatchObject({
        code: "TASK_CRASHED",
        message: expect.stringContaining(`ran task '${task}'`),
      });
    },
  );

  it("by hanging ends at once when the function's time is nearly over", { timeout: 60_000 }, async () => {
    expect(await finished(await send("hangs"))).toMatchObject({
      state: "FAILURE",
      attempt: 1,
      error: { code: "TASK_TIME_LIMIT" },
    });
  });
});

describe("Ctrl-C", () => {
  it("lets the running task end, frees the ports and leaves nobody behind", async () => {
    const file = join(folder, "slow.txt");
    await send("slow", { file });
    await expect.poll(() => readFile(file, "utf8").catch(() => ""), { timeout: 10_000 }).toBe("began");
    const code = await service.stop("SIGINT");

    expect(code).toBe(0);
    expect(await readFile(file, "utf8")).toBe("ended");
    // Its last process, which sees to it that no sandbox is left, ends a moment after the service.
    await expect.poll(() => service.leftBehind(), { timeout: 5000 }).toBe(false);
    await expect(fetch(`${service.url}/health`)).rejects.toThrow();
    await expect(fetch(`${service.endpoint}/health`)).rejects.toThrow();
  });
});
