import { describe, expect, it } from "vitest";
import type { Change } from "../../../shared/aws/change.ts";
import { createApp } from "../../../shared/index.ts";
import { createLog } from "../../../shared/log.ts";
import { createMemoryTable } from "../../../shared/testing/table.ts";
import { aMessage } from "../../helpers/message.ts";

const delivery = { messageId: "message", receiveCount: 1 };

function ground() {
  const table = createMemoryTable();
  const changes: Change[] = [];
  const app = createApp(
    { BROKER_URL: "http://127.0.0.1/000000000000/default", RESULT_BACKEND: "dynamodb://memory" },
    {
      log: createLog({}, () => {}),
      table: {
        ...table,
        update(change) {
          changes.push(change);
          return table.update(change);
        },
      },
    },
  );
  return { app, changes };
}

describe("the first write of a task", () => {
  it.each([
    [{ ignoreResult: true as const }, true],
    [{ ignoreResult: true as const, attempt: 2 }, undefined],
    [{ ignoreResult: true as const, contentHash: "of a caller's id" }, undefined],
    [{}, undefined],
  ])("of %j is tried as a new item: %s", async (more, likelyNew) => {
    const { app, changes } = ground();
    const { claimed } = await app.results.claim(aMessage(more), delivery, 60);

    expect(claimed).toBe(true);
    expect(changes.map((change) => change.likelyNew)).toEqual([likelyNew]);
  });

  it("is its end where no claim is written, and is tried so, too", async () => {
    const { app, changes } = ground();
    const outcome = await app.results.claim(aMessage({ ignoreResult: true }), delivery, 60, { tracked: false });
    if (!outcome.claimed) throw new Error("The task was not claimed.");
    expect(await app.results.succeed(outcome.claim, undefined)).toBe(true);

    expect(changes.map((change) => change.likelyNew)).toEqual([true]);
    expect((await app.results.read(aMessage().id))?.state).toBe("SUCCESS");
  });
});
