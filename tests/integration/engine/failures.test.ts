import type { SQSEvent, SQSRecord } from "aws-lambda";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { createWorker, task } from "../../../shared/index.ts";
import { startVirtualBench } from "../../helpers/virtual-bench.ts";

class SmtpError extends Error {}

const mail = task({
  name: "mail",
  payload: z.object({ to: z.string(), fails: z.boolean().default(true) }),
  run: ({ to, fails }) => {
    if (fails) throw new SmtpError(`no such mailbox ${to}`);
    return to;
  },
});
const parse = task({
  name: "parse",
  payload: z.object({}),
  run: () => JSON.parse("{"),
});
const again = task({
  name: "again",
  payload: z.object({}),
  retry: { maxRetries: 1, backoff: { base: 1, max: 1 } },
  run: () => {
    throw new SmtpError("always");
  },
});

const tasks = { mail, parse, again };
const { engine, bench, queues } = startVirtualBench(tasks);
const worker = createWorker([{ file: "tests.ts", exports: tasks }], engine.app);
const context = { getRemainingTimeInMillis: () => 30_000 };

/** All that waits, as one event, which nobody has handled. */
async function take(): Promise<SQSEvent> {
  const records: SQSRecord[] = [];
  await queues.deliver(async (event) => {
    records.push(...event.Records);
    return { batchItemFailures: [] };
  });
  return { Records: records };
}

interface Group {
  fingerprint: string;
  task: string;
  count: number;
  [field: string]: unknown;
}
const groups = async (query = ""): Promise<Group[]> => {
  const { body } = await bench.call("GET", `/failures${query}`);
  return z
    .object({ failures: z.array(z.looseObject({ fingerprint: z.string(), task: z.string(), count: z.number() })) })
    .parse(body).failures;
};
const groupOf = async (name: string): Promise<Group> => {
  const group = (await groups(`?task=${name}`))[0];
  if (group === undefined) throw new Error(`Task '${name}' has no group of failures.`);
  return group;
};
const members = async (fingerprint: string): Promise<string[]> => {
  const { body } = await bench.call("GET", `/failures/${fingerprint}`);
  return z
    .object({ tasks: z.array(z.looseObject({ id: z.string() })) })
    .parse(body)
    .tasks.map(({ id }) => id);
};

describe("failures", () => {
  it("of one kind are one group, whatever their messages say, and its members are exact", async () => {
    const sent = await Promise.all(["a", "b", "c"].map((to) => mail.delay({ to })));
    await parse.delay({});
    await mail.delay({ to: "d", fails: false });
    await queues.deliver();

    const [mails, parses] = [await groupOf("mail"), await groupOf("parse")];
    expect(mails).toMatchObject({
      name: "SmtpError",
      count: 3,
      state: "open",
      message: expect.stringMatching(/^no such mailbox [abc]$/),
      place: expect.stringContaining("failures.test.ts"),
    });
    expect(parses).toMatchObject({ name: "SyntaxError", count: 1 });
    expect((await members(mails.fingerprint)).toSorted()).toEqual(sent.map(({ id }) => id).toSorted());
  });

  it("after retries are of the kind of the last error, counted once", async () => {
    await again.delay({});
    await queues.until(new Date(engine.clock.now.getTime() + 10_000));

    expect(await groupOf("again")).toMatchObject({ name: "SmtpError", count: 1 });
  });

  it("of one batch are one write", async () => {
    let writes = 0;
    const { update } = engine.table;
    engine.table.update = async (change) => {
      if (change.key.pk.startsWith("failures#")) writes += 1;
      return update(change);
    };
    const before = (await groupOf("parse")).count;
    for (const _ of "12345") await parse.delay({});
    await worker(await take(), context);
    engine.table.update = update;

    expect((await groupOf("parse")).count).toBe(before + 5);
    expect(writes).toBe(1);
  });

  it("that come back stored are in the group, and not counted twice", async () => {
    const { id } = await parse.delay({});
    const event = await take();
    const { fingerprint, count } = await groupOf("parse");
    await worker(event, context);
    expect((await groupOf("parse")).count).toBe(count + 1);
    await engine.table.remove({ pk: `failures#${Number.parseInt(fingerprint.slice(0, 1), 16) % 8}`, sk: fingerprint });
    await worker(event, context);
    await worker(event, context);

    expect(await groupOf("parse")).toMatchObject({ fingerprint, count: 1, sample: id });
  });

  it("are ignored, resolved, and open again when they come in another version", async () => {
    const { fingerprint } = await groupOf("mail");
    const say = (word: string) => bench.call("POST", `/failures/${fingerprint}/${word}`);

    expect((await say("ignore")).body).toEqual({ fingerprint, state: "ignored" });
    engine.clock.now = new Date(engine.clock.now.getTime() + 1000);
    await mail.delay({ to: "e" });
    await queues.deliver();
    expect(await groupOf("mail")).toMatchObject({ state: "ignored", count: 4 });

    await say("resolve");
    expect((await groups("?state=resolved")).map((one) => one.fingerprint)).toEqual([fingerprint]);
    engine.clock.now = new Date(engine.clock.now.getTime() + 1000);
    await mail.delay({ to: "f" });
    await queues.deliver();
    expect(await groupOf("mail")).toMatchObject({ state: "open", reopened: true });

    await say("reopen");
    expect(await groupOf("mail")).not.toHaveProperty("reopened");
  });

  it("are replayed together, each once, and leave the group when they are healed", async () => {
    const { fingerprint } = await groupOf("again");
    const ids = await members(fingerprint);
    const replay = async () => {
      const { body } = await bench.call("POST", "/bulk", { act: "replay", failure: fingerprint, rate: 1000 });
      await queues.until(new Date(engine.clock.now.getTime() + 5000));
      return (await bench.call("GET", `/bulk/${body.id}`)).body;
    };

    expect(await replay()).toMatchObject({ state: "done", total: ids.length, done: ids.length });
    expect(await replay()).toMatchObject({ state: "done", skipped: ids.length });
  });

  it("are found page by page, and a fingerprint that is none is told", async () => {
    const all = await groups();
    const first = (await bench.call("GET", "/failures?limit=1")).body;
    const rest = (await bench.call("GET", `/failures?limit=100&cursor=${encodeURIComponent(String(first.cursor))}`))
      .body;

    expect([first.failures, rest.failures].flat()).toMatchObject(all);
    for (const path of ["/failures/0000000000000000", "/failures/x%23y"]) {
      expect(await bench.call("GET", path)).toMatchObject({ status: 404, body: { code: "FAILURE_NOT_FOUND" } });
    }
    expect((await bench.call("GET", "/failures?state=typo")).status).toBe(422);
    expect((await bench.call("GET", "/failures?cursor=typo")).status).toBe(422);
  });

  it("are in the group though it could not be written at first", async () => {
    const { update } = engine.table;
    const { count } = await groupOf("parse");
    engine.table.update = async (change) => {
      if (change.key.pk.startsWith("failures#")) throw new Error("throttled");
      return update(change);
    };
    await parse.delay({});
    await queues.deliver();
    engine.table.update = update;
    await parse.delay({});
    await queues.deliver();

    expect((await groupOf("parse")).count).toBe(count + 2);
  });
});
