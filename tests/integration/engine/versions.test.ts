import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { deleteEntry, putEntry, readEntry } from "../../../shared/entries/edit.ts";
import { runNow } from "../../../shared/entries/fire.ts";
import { chain, createWorker, each, group, task } from "../../../shared/index.ts";
import { createRegistry } from "../../../shared/task/registry.ts";
import { sendTask } from "../../../shared/task/send.ts";
import { createCaller, deadWorker, startVirtualBench } from "../../helpers/virtual-bench.ts";

/** Tasks whose payload has changed, with both codes deployed: whatever rests anywhere runs in the newer one, and waits for it. */

let told: unknown[] = [];
let failing = 0;

const first = z.object({ customer: z.string() });
const newest = z.object({ customerId: z.string(), currency: z.string() });
const payload = { customer: "7" };
const retry = { maxRetries: 3, backoff: { base: 10, jitter: false } } as const;
const fails = () => {
  if (failing-- > 0) throw new Error("not yet");
};

const customers = task({ name: "customers", run: () => ["1", "2"] });
const find = task({ name: "find", run: () => ({ customer: "7" }) });
const before = {
  customers,
  find,
  invoice: task({
    name: "invoice",
    payload: first,
    retry,
    run: ({ customer }) => {
      fails();
      return `old ${customer}`;
    },
  }),
  ordered: task({ name: "ordered", payload: first, queue: "fifo", messageGroupId: "a", run: () => "old" }),
  counted: task({
    name: "counted",
    payload: first,
    retry,
    run: async ({ customer }, { once }) => {
      await once("number", () => customer.length);
      fails();
    },
  }),
};
const upgrade = ({ customer }: z.infer<typeof first>) => ({ customerId: customer, currency: "EUR" });
const versions = [{ schema: first, upgrade }] as const;
const after = {
  customers,
  find,
  invoice: task({
    name: "invoice",
    versions,
    payload: newest,
    retry,
    hooks: { onFailure: (_, given) => void told.push(given) },
    run: ({ customerId, currency }) => {
      fails();
      return `${customerId} ${currency}`;
    },
  }),
  ordered: task({
    name: "ordered",
    versions,
    payload: newest,
    queue: "fifo",
    messageGroupId: ({ customerId }) => customerId,
    run: ({ currency }) => currency,
  }),
  counted: task({
    name: "counted",
    versions,
    payload: newest,
    retry,
    run: async ({ customerId }, { once }) => {
      const upgrade = (kept: unknown, version: number) => ({ n: Number(kept), from: version });
      const { n, from } = await once("number", () => ({ n: 99, from: 2 }), { version: 2, upgrade });
      fails();
      return `${customerId} ${n} ${from}`;
    },
  }),
};

const { engine, bench, queues } = startVirtualBench(after);
const [oldModules, newModules] = [before, after].map((exports) => [{ file: "tests.ts", exports }]);
const oldRegistry = createRegistry(oldModules ?? []);
const newRegistry = createRegistry(newModules ?? []);
const oldWorker = createWorker(oldModules ?? [], engine.app);
const callOld = createCaller(engine.app, before);

beforeEach(() => {
  told = [];
  failing = 0;
});

const later = (seconds: number) => new Date(engine.clock.now.getTime() + seconds * 1000);
const recordOf = (id: string) => engine.app.results.read(id);
const HOUR = 3600;

describe("a payload of an older version", () => {
  it.each<[string, () => Promise<string>]>([
    ["in a queue", async () => (await before.invoice.delay(payload)).id],
    ["in a timer", async () => (await before.invoice.applyAsync(payload, { countdown: 3000 })).id],
    ["in a burst", async () => (await before.invoice.applyAsync(payload, { debounce: { key: "b", wait: 5 } })).id],
    ["under a key", async () => (await before.invoice.applyAsync(payload, { idempotencyKey: engine.app.newId() })).id],
    ["under an id of its caller", () => callerId("POST", payload)],
    [
      "waiting for its next attempt",
      async () => {
        failing = 1;
        const { id } = await before.invoice.delay(payload);
        await queues.deliver(oldWorker);
        expect(await recordOf(id)).toMatchObject({ state: "RETRY" });
        return id;
      },
    ],
    [
      "in the dead-letter queue",
      async () => {
        const { id } = await before.invoice.delay(payload);
        await queues.until(later(700), deadWorker);
        return id;
      },
    ],
    [
      "of a failure that is replayed",
      async () => {
        const { id } = await before.invoice.delay(payload);
        failing = 9;
        await queues.until(later(HOUR), oldWorker);
        failing = 0;
        expect(await recordOf(id)).toMatchObject({ state: "FAILURE" });
        const { status, body } = await bench.call("POST", `/tasks/${id}/replay`);
        expect(status).toBe(202);
        return String(body.id);
      },
    ],
    ["of a schedule entry", () => entryRuns({ task: "invoice", payload })],
    [
      "of a schedule entry's workflow",
      () => entryRuns({ workflow: { chain: [{ task: "find" }, { task: "invoice", payload }] } }),
    ],
    [
      "in a workflow that goes on",
      async () => {
        const { id } = await chain(before.find.s(), before.invoice.si(payload).set({ countdown: 60 })).delay();
        await queues.deliver(oldWorker);
        return id;
      },
    ],
    [
      "which a workflow completes with a result",
      async () => (await chain(before.find.s(), before.invoice.s()).delay()).id,
    ],
    ["of a callback", async () => (await before.find.s().link(before.invoice.si(payload)).delay()).id],
  ])("%s runs in the newest, and stays as it was sent", async (_, send) => {
    const id = await send();
    await queues.until(later(HOUR));

    const tasks = await engine.app.results.list({ limit: 10, task: ["invoice"] });
    const ended = tasks.tasks.filter((one) => one.state === "SUCCESS");
    expect(ended.find((one) => one.id === id || one.workflow !== undefined)).toMatchObject({
      result: "7 EUR",
      payload,
    });
    expect(queues.waiting).toEqual([]);
  });

  it("that is large lies in S3, and is upgraded from there", async () => {
    const { id } = await before.invoice.delay({ customer: "c".repeat(20_000) });
    await queues.deliver();

    expect(await recordOf(id)).toMatchObject({ state: "SUCCESS", refs: { payload: expect.anything() } });
  });

  it("on a FIFO queue keeps its place", async () => {
    const { id } = await before.ordered.delay(payload);
    await queues.deliver();

    expect(await recordOf(id)).toMatchObject({ state: "SUCCESS", result: "EUR" });
  });

  it("goes with the entries of its ledger", async () => {
    failing = 1;
    const { id } = await before.counted.delay(payload);
    await queues.deliver(oldWorker);
    await queues.until(later(HOUR));

    expect(await recordOf(id)).toMatchObject({ state: "SUCCESS", result: "7 1 1" });
  });

  it("waits for newer code if that has kept a result in its ledger", async () => {
    failing = 1;
    const { id } = await before.counted.delay(payload);
    await queues.deliver();
    await queues.until(later(300), oldWorker);
    expect(await recordOf(id)).toMatchObject({
      state: "RETRY",
      error: { message: expect.stringContaining("work 'number' was kept by newer code, in version 2") },
    });
    await queues.until(later(300));

    expect(await recordOf(id)).toMatchObject({ state: "SUCCESS", result: "7 99 2" });
  });

  it("of members of 'each' is upgraded, too", async () => {
    const pick = task({ name: "pick", run: () => [{ customer: "1" }, { customer: "2" }] });
    const handle = await chain(pick.s(), each(before.invoice.s())).delay();
    await queues.until(later(HOUR), createWorker([{ file: "tests.ts", exports: { ...after, pick } }], engine.app));

    expect(await handle.get({ timeout: 0 })).toEqual(["1 EUR", "2 EUR"]);
  });

  it("is given to the hook that tells of its failure as the newest version has it", async () => {
    failing = 9;
    const { id } = await before.invoice.delay(payload);
    await queues.until(later(HOUR));

    expect(await recordOf(id)).toMatchObject({ state: "FAILURE" });
    expect(told).toEqual([{ customerId: "7", currency: "EUR" }]);
  });

  it("may be sent over HTTP by a caller that says which it is", async () => {
    const { status, body } = await bench.call("POST", "/tasks/invoice", { payload, payloadVersion: 1 });
    expect(status).toBe(202);
    await queues.deliver();
    expect(await recordOf(String(body.id))).toMatchObject({ state: "SUCCESS", result: "7 EUR", payload });

    expect(await bench.call("POST", "/tasks/invoice", { payload })).toMatchObject({
      status: 422,
      body: { code: "PAYLOAD_INVALID" },
    });
    expect(await bench.call("POST", "/tasks/invoice", { payload, payloadVersion: 3 })).toMatchObject({
      status: 422,
      body: { code: "PAYLOAD_NEWER" },
    });
    for (const payloadVersion of [0, -1, 1.5, 1e9, "1", null, Number.MAX_SAFE_INTEGER]) {
      const answer = await bench.call("POST", "/tasks/invoice", { payload, payloadVersion });
      expect(answer, String(payloadVersion)).toMatchObject({ status: 422, body: { code: "OPTION_INVALID" } });
    }
  });

  it("of a failure may be edited as it is, or in the newest version", async () => {
    failing = 9;
    const { id } = await before.invoice.delay(payload);
    await queues.until(later(HOUR), oldWorker);
    failing = 0;
    const replays = [
      { payload: { customer: "8" } },
      { payload: { customerId: "9", currency: "USD" }, payloadVersion: 2 },
    ];
    const answers = await Promise.all(replays.map((body) => bench.call("POST", `/tasks/${id}/replay`, body)));
    await queues.deliver();

    const results = await Promise.all(answers.map(async ({ body }) => (await recordOf(String(body.id)))?.result));
    expect(results).toEqual(["8 EUR", "9 USD"]);
    const unsaid = { payload: { customerId: "10", currency: "USD" } };
    expect((await bench.call("POST", `/tasks/${id}/replay`, unsaid)).status).toBe(422);
  });

  it("under a key is the same call as that of a newer version", async () => {
    const idempotencyKey = engine.app.newId();
    const { id } = await before.invoice.applyAsync(payload, { idempotencyKey });

    expect((await after.invoice.applyAsync({ customerId: "7", currency: "EUR" }, { idempotencyKey })).id).toBe(id);
  });

  it("is shown with its version where it can be edited, and stays in it", async () => {
    const name = `entry-${engine.app.newId()}`;
    const schedule = "rate(1 day)";
    const workflow = { chain: [{ task: "find" }, { task: "invoice", payload, immutable: true }] };
    await putEntry(engine.app, oldRegistry, name, { fields: { task: "invoice", payload, schedule } });
    await putEntry(engine.app, oldRegistry, `${name}-w`, { fields: { workflow, schedule } });

    const one = (await bench.call("GET", `/schedules/${name}`)).body;
    const other = (await bench.call("GET", `/schedules/${name}-w`)).body;
    expect(one).toMatchObject({ payloadVersion: 1 });
    expect(other).toMatchObject({ workflow: { chain: [{ task: "find" }, { task: "invoice", payloadVersion: 1 }] } });

    expect((await bench.call("PUT", `/schedules/${name}-w`, { workflow: other.workflow, schedule })).status).toBe(200);
    expect((await bench.call("PATCH", `/schedules/${name}`, { jitter: 5 })).body).toMatchObject({
      payloadVersion: 1,
      payload,
    });
    expect((await bench.call("PATCH", `/schedules/${name}`, { payload })).status).toBe(422);
    const changed = await bench.call("PATCH", `/schedules/${name}`, { payload: { customerId: "7", currency: "EUR" } });
    expect(changed.body).toMatchObject({ payloadVersion: 2 });
  });
});

describe("a payload of a newer version", () => {
  const send = (): Promise<{ id: string }> => after.invoice.delay({ customerId: "7", currency: "USD" });
  const sendAs = async (task: "invoice" | "ordered") =>
    sendTask(engine.app, newRegistry.get(task), { customerId: "a", currency: "USD" }, {});

  it("waits, visibly, for a worker that has newer code, and uses up neither receives nor its attempt", async () => {
    const { id } = await send();
    await queues.until(later(1200), oldWorker);

    expect(await recordOf(id)).toMatchObject({
      state: "PENDING",
      payloadVersion: 2,
      error: {
        code: "PAYLOAD_NEWER",
        message: expect.stringContaining("version 2: this service knows versions up to 1"),
      },
    });
    expect(queues.waiting).toMatchObject([{ queue: "default", receiveCount: 0 }]);
    expect(engine.logged.filter(({ code }) => code === "PAYLOAD_NEWER")).toHaveLength(1);

    await queues.until(later(900));
    expect(await recordOf(id)).toMatchObject({ state: "SUCCESS", result: "7 USD", attempt: 1 });
    expect(queues.waiting).toEqual([]);
  });

  it("is taken by the newer of two workers within seconds", async () => {
    const { id } = await send();
    await queues.deliver(oldWorker);
    await queues.until(later(15));

    expect(await recordOf(id)).toMatchObject({ state: "SUCCESS" });
  });

  it("waits at the head of its FIFO group, too", async () => {
    const { id } = await sendAs("ordered");
    await queues.until(later(1200), oldWorker);
    expect(await recordOf(id)).toMatchObject({ state: "PENDING", error: { code: "PAYLOAD_NEWER" } });
    await queues.until(later(900));

    expect(await recordOf(id)).toMatchObject({ state: "SUCCESS", result: "USD" });
  });

  it("fails after 13 days, and can be replayed where its code is", async () => {
    const { id } = await send();
    await queues.until(later(14 * 86_400), oldWorker);
    expect(await recordOf(id)).toMatchObject({ state: "FAILURE", error: { code: "PAYLOAD_NEWER" } });
    expect(queues.waiting.filter(({ body }) => body.includes(id))).toEqual([]);

    const { body } = await callOld("POST", `/tasks/${id}/replay`);
    await queues.deliver();
    expect(await recordOf(String(body.id))).toMatchObject({ state: "SUCCESS", result: "7 USD" });
  });

  it("can be revoked, and expires, while it waits", async () => {
    const { id } = await send();
    const { id: other } = await after.invoice.applyAsync({ customerId: "7", currency: "USD" }, { expires: 60 });
    await queues.deliver(oldWorker);
    await bench.call("DELETE", `/tasks/${id}`);
    await queues.until(later(600), oldWorker);
    expect(await recordOf(other)).toMatchObject({ state: "REVOKED" });
    await queues.until(later(900));

    expect(await recordOf(id)).toMatchObject({ state: "REVOKED" });
    expect(queues.waiting).toEqual([]);
  });

  it("waits between two attempts after a roll-back", async () => {
    failing = 1;
    const { id } = await send();
    await queues.deliver();
    await queues.until(later(300), oldWorker);
    expect(await recordOf(id)).toMatchObject({ state: "RETRY", attempt: 2 });
    await queues.until(later(900));

    expect(await recordOf(id)).toMatchObject({ state: "SUCCESS", attempt: 2 });
  });

  it("of a schedule entry is sent by older code, and waits", async () => {
    const name = `entry-${engine.app.newId()}`;
    const fields = { task: "invoice", payload: { customerId: "7", currency: "USD" }, schedule: "rate(1 day)" };
    await putEntry(engine.app, newRegistry, name, { fields });
    const { id } = await runNow(engine.app, oldRegistry, await readEntry(engine.app, name), undefined);
    await queues.until(later(300), oldWorker);
    await queues.until(later(900));

    expect(await recordOf(id)).toMatchObject({ state: "SUCCESS", result: "7 USD" });
  });

  it("within a workflow that an older worker lets go on waits, too", async () => {
    const invoice = after.invoice.si({ customerId: "7", currency: "USD" });
    const handle = await chain(find.s(), group([invoice, invoice])).delay();
    await queues.until(later(300), oldWorker);
    await queues.until(later(900));

    expect(await handle.get({ timeout: 0 })).toEqual(["7 USD", "7 USD"]);
  });
});

describe("a task that was renamed", () => {
  const bill = task({ name: "bill", aliases: ["invoice"], versions, payload: newest, run: () => "bill" });
  const renamed = createWorker([{ file: "tests.ts", exports: { bill } }], engine.app);
  const callRenamed = createCaller(engine.app, { bill });

  it("runs what was sent under its old name, and takes calls and replays under it", async () => {
    const { id } = await before.invoice.delay(payload);
    await queues.deliver(renamed);
    expect(await recordOf(id)).toMatchObject({ state: "SUCCESS", result: "bill", task: "invoice" });

    const replayed = await callRenamed("POST", `/tasks/${id}/replay`);
    const sent = await callRenamed("POST", "/tasks/invoice", { payload, payloadVersion: 1 });
    await queues.deliver(renamed);
    for (const { body } of [replayed, sent]) {
      expect(await recordOf(String(body.id))).toMatchObject({ state: "SUCCESS", task: "bill" });
    }
  });

  it("is paused under its new name for messages of both", async () => {
    await engine.app.control.pause("task", "bill");
    const { id } = await before.invoice.delay(payload);
    await queues.deliver(renamed);
    expect(await recordOf(id)).toMatchObject({ state: "PENDING" });
    await engine.app.control.resume("task", "bill");
    await queues.until(later(HOUR), renamed);

    expect(await recordOf(id)).toMatchObject({ state: "SUCCESS" });
  });
});

async function callerId(method: string, given: object): Promise<string> {
  const { body } = await callOld(method, "/tasks/invoice", { payload: given, id: engine.app.newId() });
  return String(body.id);
}

async function entryRuns(what: object): Promise<string> {
  const name = `entry-${engine.app.newId()}`;
  const fields = JSON.parse(JSON.stringify({ ...what, schedule: "rate(1 day)" }));
  await putEntry(engine.app, oldRegistry, name, { fields });
  const { id } = await runNow(engine.app, newRegistry, await readEntry(engine.app, name), undefined);
  // Beat would fire it in the tests that follow.
  await deleteEntry(engine.app, name);
  return id;
}
