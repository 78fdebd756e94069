import { describe, expect, it } from "vitest";
import * as z from "zod";
import { createWorker, type TaskContext, task } from "../../../shared/index.ts";
import { visibility } from "../../helpers/engine.ts";
import { startBench } from "../../helpers/workbench.ts";

const runs: { payload: unknown; context: TaskContext }[] = [];

const record = task({
  name: "record",
  payload: z.object({ note: z.string().default("none") }),
  run: (payload, context) => {
    runs.push({ payload, context });
    return payload.note;
  },
});

let sent: string[] = [];

const sendsOnce = task({
  name: "sends_once",
  payload: z.object({ failures: z.number() }),
  retry: { maxRetries: 3, backoff: { base: 0 } },
  run: async ({ failures }, context) => {
    const sentMail = await context.once("mail", () => {
      sent.push(context.id);
      return { at: new Date(0), number: sent.length };
    });
    if (context.attempt <= failures) throw new Error("after the mail");
    return sentMail;
  },
});

const tasks = { sendsOnce, record };

const modules = [{ file: "tests.ts", exports: tasks }];

const { engine, bench } = await startBench(tasks, visibility(1, "DefaultQueue"));

const { work, workUntilFinal } = bench;

describe("ctx.once", () => {
  it("does its work in one attempt and remembers the result for the others", async () => {
    sent = [];
    const result = await sendsOnce.delay({ failures: 2 });
    await workUntilFinal(result.id);

    expect(await result.get()).toEqual({ at: "1970-01-01T00:00:00.000Z", number: 1 });
    expect(await result.fetch()).toMatchObject({ attempt: 3 });
    expect(sent).toEqual([result.id]);
  });

  it("stops a run whose task another worker has taken over", async () => {
    sent = [];
    const result = await sendsOnce.delay({ failures: 0 });
    await engine.app.ledger.open({ id: result.id, key: "mail", fence: 99 });

    // Its own settling would be refused too, by the fence of the record; here only the ledger knows.
    await work();
    expect(sent).toEqual([]);
    expect(await result.fetch()).not.toMatchObject({ state: "SUCCESS" });
    await result.revoke();
    await work();
  });

  it("whose ledger does not answer is no failure of the task: it runs again as the same attempt", async () => {
    sent = [];
    const result = await sendsOnce.delay({ failures: 0 });
    const table = {
      ...engine.table,
      update: (update: Parameters<typeof engine.table.update>[0]) =>
        update.key.pk.startsWith("once#")
          ? Promise.reject(new Error("connect ETIMEDOUT"))
          : engine.table.update(update),
    };
    const outage = await engine.deliver("DefaultQueue", createWorker(modules, engine.appOn(table)));
    await engine.acknowledge("DefaultQueue", outage.event.Records);

    expect(outage.kept).toEqual([]);
    expect(await result.fetch()).toMatchObject({ state: "RETRY", attempt: 1, error: { message: "connect ETIMEDOUT" } });
    await workUntilFinal(result.id);
    expect(await result.fetch()).toMatchObject({ state: "SUCCESS", attempt: 1 });
    expect(sent).toEqual([result.id]);
  });

  it.each([
    ["answers before the function ends", 3, 30_000, { state: "SUCCESS", attempt: 1 }, 1],
    ["does not answer before the function ends", 1000, 2500, { state: "RETRY", attempt: 1 }, 2],
  ])("is closed in spite of a ledger that %s", async (_, failures, milliseconds, expected, times) => {
    sent = [];
    const result = await sendsOnce.delay({ failures: 0 });
    let left = failures;
    const table = {
      ...engine.table,
      update: (update: Parameters<typeof engine.table.update>[0]) =>
        update.key.pk.startsWith("once#") && update.set?.result !== undefined && left-- > 0
          ? Promise.reject(new Error("connect ETIMEDOUT"))
          : engine.table.update(update),
    };
    const worker = createWorker(modules, engine.appOn(table));
    const begunAt = performance.now();
    const lived = await engine.deliver("DefaultQueue", (event) =>
      worker(event, { getRemainingTimeInMillis: () => milliseconds - (performance.now() - begunAt) }),
    );
    await engine.acknowledge("DefaultQueue", lived.event.Records);

    expect(lived.kept).toEqual([]);
    expect(await result.fetch()).toMatchObject(expected);
    await workUntilFinal(result.id);
    expect(await result.fetch()).toMatchObject({ state: "SUCCESS", attempt: 1 });
    expect(sent).toHaveLength(times);
  });

  it("does again what an earlier attempt began and did not finish", async () => {
    sent = [];
    const result = await sendsOnce.delay({ failures: 0 });
    expect(await engine.app.ledger.open({ id: result.id, key: "mail", fence: 0 })).toEqual({ state: "open" });
    await work();

    expect(sent).toHaveLength(1);
    expect(await result.fetch()).toMatchObject({ state: "SUCCESS" });
  });
});
