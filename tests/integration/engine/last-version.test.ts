import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { expect, it } from "vitest";
import { fromAttributes } from "../../../shared/aws/items.ts";
import { readEntry } from "../../../shared/entries/edit.ts";
import { runNow } from "../../../shared/entries/fire.ts";
import { createRegistry } from "../../../shared/index.ts";
import { decodeMessage } from "../../../shared/message/encoding.ts";
import * as tasks from "../../fixtures/versions/tasks.ts";
import { startVirtualBench } from "../../helpers/virtual-bench.ts";

/** Messages, items and objects that the last version left under way, which `tests/fixtures/versions/make.ts` wrote with its code. */
interface UnderWay {
  now: string;
  until: string;
  ids: Record<string, string>;
  messages: { queue: string; body: string }[];
  objects: Record<string, string>;
  items: Record<string, AttributeValue>[];
}

const file = join(import.meta.dirname, "../../fixtures/versions/under-way.json");
const underWay: UnderWay = JSON.parse(readFileSync(file, "utf8"));

const { engine, bench, queues } = startVirtualBench(tasks);
const { app, clock } = engine;

it("goes on with all that the last version has left under way", async () => {
  for (const attributes of underWay.items) {
    const { pk, sk, ...set } = fromAttributes(attributes);
    await engine.table.update({ key: { pk: String(pk), sk: String(sk) }, set });
  }
  for (const [key, body] of Object.entries(underWay.objects)) await app.bucket.put(key, body, "application/json");
  clock.now = new Date(underWay.now);
  for (const { queue, body } of underWay.messages) {
    if (queue !== "timer") queues.put(queue, body);
    else await app.timers.put(decodeMessage(body), new Date(decodeMessage(body).eta ?? clock.now));
  }
  const idOf = (name: string): string => String(underWay.ids[name]);

  // Its decisions hold, and its keys are known.
  expect((await app.control.decisions(0)).entries).toMatchObject([
    { kind: "pause", name: "echo" },
    { kind: "limits", name: "add", limits: { rateLimit: "100/s" } },
  ]);
  const again = await tasks.add.applyAsync(
    { y: 6, x: 4 },
    { idempotencyKey: "a", tags: ["a"], headers: { by: "ada" } },
  );
  expect(again.id).toBe(idOf("key"));
  expect((await tasks.add.applyAsync({ x: 0, y: 0 }, { throttle: { key: "a", period: 3600 } })).id).toBe(
    idOf("throttle"),
  );

  await queues.until(new Date(clock.now.getTime() + 3_600_000));
  expect(await app.results.read(idOf("queue, large"))).toMatchObject({ state: "PENDING" });
  await app.control.resume("task", "echo");
  const replayed = await bench.call("POST", `/tasks/${idOf("failure")}/replay`, { payload: { x: 1, y: 0 } });
  const registry = createRegistry([{ file: "tasks.ts", exports: tasks }]);
  const entries = await Promise.all(
    ["entry", "entry-workflow"].map(async (name) => runNow(app, registry, await readEntry(app, name), undefined)),
  );
  await queues.until(new Date(underWay.until));

  const results = await Promise.all(
    Object.entries(underWay.ids).map(async ([name, id]) => [name, outcome(await app.results.kept(id))]),
  );
  const large = "large ".repeat(3000);
  expect(Object.fromEntries(results)).toEqual({
    "success, large": large.length,
    failure: "FAILURE: x is below 0",
    // The first attempt has done its work, and the second was given that.
    retry: 3,
    "workflow, its second step": 6,
    "chord, its body": 6,
    each: 9,
    queue: 10,
    "queue, large": large.length,
    FIFO: 10,
    timer: 10,
    "timer, large": large.length,
    key: 10,
    throttle: 10,
    burst: 10,
  });
  expect(await app.results.kept(String(replayed.body.id))).toMatchObject({ state: "SUCCESS", result: 1 });
  for (const { id } of entries) expect(await app.results.kept(id)).toMatchObject({ state: "SUCCESS", result: 10 });
  expect(queues.waiting).toEqual([]);
});

/** A result, the size of a large one, or why there is none. */
function outcome(record: Awaited<ReturnType<typeof app.results.kept>>): unknown {
  if (record?.state !== "SUCCESS") return `${record?.state}: ${record?.error?.message}`;
  const size = record.large?.result?.sizeBytes;
  return size === undefined ? record.result : size - 2;
}
