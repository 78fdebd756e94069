import { describe, expect, it } from "vitest";
import type { Change } from "../../../shared/aws/change.ts";
import { createApp } from "../../../shared/index.ts";
import { createLog } from "../../../shared/log.ts";
import type { Message } from "../../../shared/message/message.ts";
import { createMemoryTable } from "../../../shared/testing/table.ts";

const id = "019aaaaa-0000-7000-8000-000000000000";
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
  const message = (more: Partial<Message>): Message => ({
    v: 1,
    id,
    task: "t",
    attempt: 1,
    payload: null,
    queue: "default",
    sentAt: "2026-05-13T08:00:00.000Z",
    rootId: id,
    ...more,
  });
  return { app, changes, message };
}

describe("the first write of a task", () => {
  it.each([
    [{ ignoreResult: true as const }, true],
    [{ ignoreResult: true as const, attempt: 2 }, undefined],
    [{ ignoreResult: true as const, contentHash: "of a caller's id" }, undefined],
    [{}, undefined],
  ])("of %j is tried as a new item: %s", async (more, likelyNew) => {
    const { app, changes, message } = ground();
    const { claimed } = await app.results.claim(message(more), delivery, 60);

    expect(claimed).toBe(true);
    expect(changes.map((change) => change.likelyNew)).toEqual([likelyNew]);
  });

  it("is its end where no claim is written, and is tried so, too", async () => {
    const { app, changes, message } = ground();
    const outcome = await app.results.claim(message({ ignoreResult: true }), delivery, 60, { tracked: false });
    if (!outcome.claimed) throw new Error("The task was not claimed.");
    expect(await app.results.succeed(outcome.claim, undefined)).toBe(true);

    expect(changes.map((change) => change.likelyNew)).toEqual([true]);
    expect((await app.results.read(id))?.state).toBe("SUCCESS");
  });
});
