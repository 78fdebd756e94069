import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { task } from "../../../shared/index.ts";
import { startVirtualBench } from "../../helpers/virtual-bench.ts";

const note = task({ name: "note", payload: z.object({}), run: () => "noted" });
const parent = task({
  name: "parent",
  payload: z.object({}),
  run: async () => {
    await note.delay({});
  },
});

const DAY = 86_400;

const { engine, bench, queues } = startVirtualBench({ note, parent });
beforeEach(() => {
  // Each test has a time of its own.
  engine.clock.now = new Date(engine.clock.now.getTime() + 60 * DAY * 1000);
});

const jump = (seconds: number): string => {
  engine.clock.now = new Date(engine.clock.now.getTime() + seconds * 1000);
  return engine.clock.now.toISOString();
};
const ask = async (query: Record<string, string>) => bench.call("GET", `/tasks?${new URLSearchParams(query)}`);
const ids = async (query: Record<string, string>) =>
  z
    .object({ tasks: z.array(z.object({ id: z.string() })) })
    .parse((await ask(query)).body)
    .tasks.map(({ id }) => id);

describe("a list", () => {
  it("takes several states, tasks or queues, and refuses one that there is not", async () => {
    const low = await note.applyAsync({}, { queue: "low", countdown: DAY });
    const ended = await parent.delay({});
    await queues.deliver();
    const from = new Date(engine.clock.now.getTime() - 1000).toISOString();

    expect((await ids({ from, state: "PENDING,SUCCESS", task: "note,parent" })).toSorted()).toEqual(
      (await ids({ from })).toSorted(),
    );
    expect(await ids({ from, state: "PENDING,RETRY", queue: "low,high" })).toEqual([low.id]);
    expect(await ids({ from, state: "SUCCESS,FAILURE", task: "parent" })).toEqual([ended.id]);
    for (const query of [
      { state: "PENDING,typo" },
      { state: "PENDING," },
      { queue: "low,typo" },
      { task: "note,typo" },
    ])
      expect((await ask(query)).status).toBeGreaterThan(400);
    expect(await ask({ state: Array(21).fill("PENDING").join(",") })).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining("at most 20 values") },
    });
  });

  it("takes a search with words and negation, either order, and refuses a search that could tell a secret", async () => {
    const from = new Date(engine.clock.now.getTime() - 1000).toISOString();
    const first = await note.applyAsync({}, { tags: ["customer-7"], headers: { locale: "de" } });
    jump(1);
    const second = await note.applyAsync({}, { queue: "low", tags: ["Ünïcode, with a comma"] });
    jump(1);
    const third = await parent.delay({});

    expect(await ids({ from })).toEqual([third.id, second.id, first.id]);
    expect(await ids({ from, order: "oldest" })).toEqual([first.id, second.id, third.id]);
    for (const [search, found] of [
      ["CUSTOMER", [first]],
      ['"a comma"', [second]],
      ["-task:parent", [second, first]],
      ["-task:parent -queue:low", [first]],
      ["task:parent,note -customer", [third, second]],
      ["header:locale=de", [first]],
      [`id:${second.id.slice(-8)}`, [second]],
      ['tag:"Ünïcode, with a comma"', [second]],
      ["state:pending note", [second, first]],
      ["", [third, second, first]],
    ] as const)
      expect(await ids({ from, search }), search).toEqual(found.map(({ id }) => id));
    expect(await ids({ from, search: "-nothing", order: "oldest", queue: "low" })).toEqual([second.id]);
    for (const [search, detail] of [
      ["payload:x", "'payload'"],
      ["-result:x", "'result'"],
      ["stat:FAILURE", "'stat'"],
      ["x".repeat(1001), "at most 1000 characters"],
    ] as const)
      expect(await ask({ search })).toMatchObject({ status: 422, body: { detail: expect.stringContaining(detail) } });
    expect(await ask({ order: "first" })).toMatchObject({ status: 422 });
  });

  it("of what ended in the last hour has what was sent days before, and says how far it looked", async () => {
    const old = await note.applyAsync({}, { countdown: 20 * DAY });
    const early = await note.applyAsync({}, { countdown: 19.6 * DAY });
    await queues.until(new Date(engine.clock.now.getTime() + 20 * DAY * 1000));
    const [hourAgo, now] = [new Date(engine.clock.now.getTime() - 3_600_000).toISOString(), jump(1)];
    const before = new Date(Date.parse(now) - 6 * 3_600_000).toISOString();

    expect(await ids({ finishedFrom: hourAgo })).toEqual([old.id]);
    expect((await ask({ finishedFrom: hourAgo })).body.searchedFrom).toBe(
      new Date(Date.parse(hourAgo) - 31 * DAY * 1000).toISOString(),
    );
    expect(await ids({ finishedTo: before })).toEqual([early.id]);
    expect(await ids({ finishedFrom: before, finishedTo: hourAgo })).toEqual([]);
    // They keep meaning the time of sending.
    expect(await ids({ from: hourAgo })).toEqual([]);
    expect(await ids({ finishedFrom: hourAgo, from: hourAgo })).toEqual([]);
    expect((await ask({})).body.searchedFrom).toBe(new Date(Date.parse(now) - 7 * DAY * 1000).toISOString());
  });

  it("has filters for the queue, the one that sent it, and the first of them all", async () => {
    const top = await parent.applyAsync({}, { queue: "high" });
    await queues.deliver();
    const other = await note.delay({});
    const [child] = await ids({ parent: top.id });

    expect(await ids({ queue: "high" })).toEqual([top.id]);
    expect(await ids({ parent: top.id })).toHaveLength(1);
    expect((await ids({ root: top.id })).toSorted()).toEqual([top.id, child].toSorted());
    expect(await ids({ root: other.id })).toEqual([other.id]);
    expect(await ids({ parent: other.id })).toEqual([]);
  });

  it.each(["a", ",", 'x"a"y', "a\\", "ü\u{1f600}", ',"', "a b%&=+"])("finds exactly the tag %j", async (tag) => {
    const hostile = [
      ["a", "b"],
      ["x,", ",y"],
      ['x"a"y', "aa"],
      ["a\\", "ü"],
      [tag, "more"],
      ["more", tag, "most"],
      ["more", tag],
    ];
    const sent = [];
    for (const tags of hostile) {
      jump(1);
      sent.push({ id: (await note.applyAsync({}, { tags })).id, tags });
    }
    const expected = sent.filter(({ tags }) => tags.includes(tag)).map(({ id }) => id);

    expect((await ids({ tag })).toSorted()).toEqual(expected.toSorted());
    // One a page: what a filter in the table lets through by mistake takes no place.
    const paged: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await engine.app.results.list({ tag, limit: 1, ...(cursor && { cursor }) });
      paged.push(...page.tasks.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(paged).toEqual(expected.toReversed());
  });

  it("comes to its end through empty months", async () => {
    const { id } = await note.delay({});
    const from = new Date(engine.clock.now.getTime() - 1000).toISOString();
    jump(200 * DAY);
    let [pages, cursor, found]: [number, string | undefined, string[]] = [0, undefined, []];
    do {
      const page: { tasks: unknown; cursor?: unknown } = Object(
        (await ask({ from, ...(cursor !== undefined && { cursor }) })).body,
      );
      found.push(
        ...z
          .array(z.object({ id: z.string() }))
          .parse(page.tasks)
          .map((one) => one.id),
      );
      cursor = page.cursor === undefined ? undefined : String(page.cursor);
      pages += 1;
    } while (cursor !== undefined && pages < 20);

    // Its record has been deleted by now; what matters is the end.
    expect(found.filter((one) => one === id).length).toBeLessThanOrEqual(1);
    expect(pages).toBeLessThan(12);
  });

  it.each([
    ["task", "typo", 404, "TASK_NOT_REGISTERED", "'note', 'parent'"],
    ["queue", "typo", 404, "QUEUE_NOT_FOUND", "expected default, fifo, high, low"],
    ["tag", "", 422, "OPTION_INVALID", "1 to 128"],
    ["parent", "7", 422, "OPTION_INVALID", "the id of a task"],
    ["root", "7", 422, "OPTION_INVALID", "the id of a task"],
    ["from", "12-01-2027", 422, "OPTION_INVALID", "ISO-8601"],
    ["to", "2026-02-30T00:00:00Z", 422, "OPTION_INVALID", "ISO-8601"],
    ["finishedFrom", "2026-01-01T00:00:00", 422, "OPTION_INVALID", "with its zone"],
    ["finishedTo", "soon", 422, "OPTION_INVALID", "ISO-8601"],
    ["limit", "", 422, "OPTION_INVALID", "1 to 100"],
    ["limit", "1.5", 422, "OPTION_INVALID", "1 to 100"],
    ["cursor", "01a20545-3078-45ef-b431-9dde9371f6cf", 422, "OPTION_INVALID", "an earlier answer"],
    ["unregistered", "yes", 422, "OPTION_INVALID", "true or false"],
  ])("refuses %s=%s and says what is accepted", async (name, value, status, code, said) => {
    expect(await ask({ [name]: value })).toMatchObject({
      status,
      body: { code, detail: expect.stringContaining(said) },
    });
  });

  it("refuses a filter that is given twice, or ends before it begins", async () => {
    expect((await bench.call("GET", "/tasks?task=note&task=parent")).status).toBe(422);
    expect((await ask({ from: "2026-02-01", to: "2026-01-01" })).status).toBe(422);
    expect((await ask({ finishedFrom: "2026-02-01", finishedTo: "2026-01-01" })).status).toBe(422);
  });
});

describe("a name that the service no longer has", () => {
  it("is refused with the names that exist and the way to mean it, and accepted when it is meant", async () => {
    const gone = task({ name: "gone", payload: z.object({}), run: () => {} });
    const { id } = await gone.delay({});
    for (const method of ["GET", "DELETE"]) {
      for (const [query, code] of [
        ["task=gone", "TASK_NOT_REGISTERED"],
        ["queue=gone", "QUEUE_NOT_FOUND"],
      ]) {
        expect(await bench.call(method, `/tasks?${query}`)).toMatchObject({
          status: 404,
          body: { code, detail: expect.stringContaining("unregistered=true") },
        });
      }
    }

    expect(await ids({ task: "gone", unregistered: "true" })).toEqual([id]);
    expect(await bench.call("DELETE", "/tasks?task=gone&unregistered=true")).toMatchObject({
      status: 202,
      body: { revoked: { scope: "task", name: "gone" } },
    });
    expect((await bench.call("GET", `/tasks/${id}`)).body).toHaveProperty("revokeRequestedAt");
  });

  it("can be resumed and get back its limits as long as something is decided about it, and no longer", async () => {
    await engine.app.control.pause("task", "gone");
    expect((await bench.call("POST", "/tasks/gone/resume")).status).toBe(202);
    await engine.app.control.setLimits("gone", { concurrency: 1 });
    expect((await bench.call("DELETE", "/tasks/gone/limits")).status).toBe(202);

    for (const [method, path] of [
      ["POST", "/tasks/gone/resume"],
      ["DELETE", "/tasks/gone/limits"],
      ["PUT", "/tasks/gone/limits"],
      ["POST", "/tasks/gone/pause"],
      ["POST", "/queues/gone/redrive"],
      ["POST", "/queues/gone/purge"],
      ["POST", "/queues/gone/resume"],
    ] as const) {
      expect((await bench.call(method, path, method === "PUT" ? {} : undefined)).status).toBe(404);
    }
  });
});

describe("the audit trail", () => {
  it("has a line for each act: what, on what, with which outcome", async () => {
    const { id } = await note.delay({});
    await queues.deliver();
    const waiting = await note.applyAsync({}, { countdown: 60 });
    engine.logged.length = 0;
    const acts = [
      ["POST", "/tasks/note/pause", undefined, { act: "pause", task: "note", outcome: { paused: true } }],
      ["POST", "/tasks/note/resume", undefined, { act: "resume", task: "note", outcome: { paused: false } }],
      ["POST", "/queues/low/pause", undefined, { act: "pause", queue: "low", outcome: { paused: true } }],
      ["POST", "/queues/low/resume", undefined, { act: "resume", queue: "low", outcome: { paused: false } }],
      ["PUT", "/tasks/note/limits", { concurrency: 2 }, { act: "limits", outcome: { limits: { concurrency: 2 } } }],
      ["DELETE", "/tasks/note/limits", undefined, { act: "limits", task: "note", outcome: { limits: null } }],
      ["DELETE", "/tasks?tag=t", undefined, { act: "revoke", scope: "tag", name: "t", outcome: {} }],
      ["POST", "/queues/low/purge", undefined, { act: "purge", scope: "queue", name: "low" }],
      ["DELETE", `/tasks/${waiting.id}`, undefined, { act: "revoke", id: waiting.id, outcome: { state: "REVOKED" } }],
      ["POST", `/tasks/${id}/replay`, undefined, { act: "replay", id, outcome: { state: "PENDING" } }],
      ["POST", "/queues/low/redrive", { rate: 5 }, { act: "redrive", queue: "low", rate: 5, outcome: { redriven: 0 } }],
    ] as const;
    for (const [method, path, body] of acts) expect((await bench.call(method, path, body)).status).toBe(202);

    const line = { level: "info", message: "An operator acted" };
    expect(engine.logged).toMatchObject(acts.map(([, , , fields]) => ({ ...line, ...fields })));
    const { body } = await bench.call("GET", "/activity?limit=100");
    const kept = acts.map(([, , , { act, ...fields }]) => {
      const { outcome, ...target } = { outcome: {}, ...fields };
      return { act, target, outcome, by: "local", state: "done" };
    });
    expect(body).toMatchObject({ acts: kept.toReversed() });
  });

  it("has what was refused, too, and is found by who and what, page by page", async () => {
    const before = engine.clock.now;
    for (const _ of "12345") await bench.call("POST", "/tasks/note/pause");
    expect((await bench.call("POST", "/schedules/none/pause")).status).toBe(404);
    const path = `/activity?from=${before.toISOString()}`;

    expect((await bench.call("GET", `${path}&limit=1`)).body).toMatchObject({
      acts: [{ act: "pause", target: { schedule: "none" }, state: "refused", outcome: { code: "SCHEDULE_NOT_FOUND" } }],
    });
    const first = (await bench.call("GET", `${path}&act=pause&by=local&limit=4`)).body;
    const rest = (
      await bench.call("GET", `${path}&act=pause&by=local&limit=4&cursor=${encodeURIComponent(String(first.cursor))}`)
    ).body;
    expect([first.acts, rest.acts]).toMatchObject([{ length: 4 }, { length: 2 }]);
    expect(new Set([first.acts, rest.acts].flat().map((one) => JSON.stringify(one))).size).toBe(6);
    expect((await bench.call("GET", `${path}&by=nobody`)).body).toMatchObject({ acts: [] });
    expect((await bench.call("GET", "/activity?cursor=9999-99-99T00")).status).toBe(422);
    expect((await bench.call("GET", "/activity?act=typo")).status).toBe(422);
  });
});
