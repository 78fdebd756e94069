import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { doctor } from "../../../cli/doctor.ts";
import { putEntry } from "../../../shared/entries/edit.ts";
import { chain, createRegistry, task } from "../../../shared/index.ts";
import { type Api, createApi } from "../../helpers/api.ts";
import { startVirtualBench } from "../../helpers/virtual-bench.ts";

const first = z.object({ customer: z.string() });
const second = z.object({ customerId: z.string() });
const versions = [
  { schema: first, upgrade: ({ customer }: z.infer<typeof first>) => ({ customerId: customer }) },
] as const;
const run = () => 1;
const find = task({ name: "find", run });
const before = { find, invoice: task({ name: "invoice", payload: first, run }) };
const after = { find, invoice: task({ name: "invoice", versions, payload: second, run }) };
/** Version 1 is not read any more. */
const dropped = { find, invoice: task({ name: "invoice", oldestVersion: 2, payload: second, run }) };
const renamed = { find, bill: task({ name: "bill", aliases: ["invoice"], versions, payload: second, run }) };

const { engine, queues } = startVirtualBench(after);
const registryOf = (exports: Record<string, unknown>) => createRegistry([{ file: "tests.ts", exports }]);
/** Services by their addresses: the deployed one, and others that run other code. */
const services: Record<string, Api> = Object.fromEntries(
  Object.entries({ deployed: after, before, dropped, renamed, other: { find } }).map(([name, tasks]) => [
    `http://${name}.test`,
    createApi(engine.app, registryOf(tasks)),
  ]),
);
let keys: (string | null)[] = [];

beforeEach(() => {
  keys = [];
  vi.stubGlobal("fetch", async (input: string, init: RequestInit) => {
    const { origin, pathname, search } = new URL(input);
    keys.push(new Headers(init.headers).get("authorization"));
    const api = services[origin];
    if (api === undefined) throw new TypeError("getaddrinfo ENOTFOUND");
    return api.request(String(init.method), pathname + search, {});
  });
});
afterEach(() => vi.unstubAllGlobals());

/** A day is 16 queries, and the emulator has no year. */
const DAYS = ["--days", "2"];

interface Found {
  rows: { task: string; payloadVersion: number; place: string; count: number; problem?: string }[];
  messages: Record<string, number>;
  unseen: string[];
}
const look = async (...words: string[]): Promise<{ exitCode: number; rows: Found["rows"] }> => {
  const { text, exitCode } = await doctor.run([...words, ...DAYS, "--json"]);
  const found: Found = JSON.parse(text);
  return { exitCode, rows: found.rows };
};

describe("lovage doctor", () => {
  it("finds nothing where nothing is under way", async () => {
    const { text, exitCode } = await doctor.run(["http://deployed.test", ...DAYS]);

    expect(exitCode).toBe(0);
    expect(text).toContain("  nothing");
    expect(text).toContain("The code runs all that was seen.");
  });

  it("counts what rests in each place by task and version, and compares it with the code that is to come", async () => {
    await before.invoice.delay({ customer: "7" });
    await before.invoice.applyAsync({ customer: "8" }, { countdown: 86_400 });
    await after.invoice.delay({ customerId: "9" });
    await chain(find.si(), after.invoice.si({ customerId: "9" }), find.si()).delay();
    const fields = { task: "invoice", payload: { customer: "7" }, schedule: "rate(1 day)" };
    await putEntry(engine.app, registryOf(before), `entry-${engine.app.newId()}`, { fields });

    const rows = [
      { task: "find", payloadVersion: 1, place: "sent", count: 2 },
      { task: "invoice", payloadVersion: 1, place: "schedule", count: 1 },
      { task: "invoice", payloadVersion: 1, place: "sent", count: 2 },
      { task: "invoice", payloadVersion: 2, place: "sent", count: 1 },
      { task: "invoice", payloadVersion: 2, place: "workflow", count: 1 },
    ];
    expect(await look("http://deployed.test")).toMatchObject({ exitCode: 0, rows });
    expect(await look("http://deployed.test", "--code", "http://renamed.test")).toMatchObject({ exitCode: 0, rows });

    const problems = async (code: string) => {
      const { exitCode, rows: found } = await look("http://deployed.test", "--code", `http://${code}.test`);
      return [
        exitCode,
        found
          .filter(({ problem }) => problem)
          .map(({ place, payloadVersion, problem }) => `${place} ${payloadVersion} ${problem}`),
      ];
    };
    expect(await problems("before")).toEqual([
      1,
      [
        "sent 2 the code knows versions up to 1: it would wait",
        "workflow 2 the code knows versions up to 1: it would wait",
      ],
    ]);
    expect(await problems("dropped")).toEqual([
      1,
      [
        "schedule 1 the code reads versions from 2 on: it would fail",
        "sent 1 the code reads versions from 2 on: it would fail",
      ],
    ]);
    expect(await problems("other")).toMatchObject([1, { length: 4 }]);

    const { text } = await doctor.run(["http://deployed.test", "--code", "http://before.test", ...DAYS]);
    expect(text).toMatch(/invoice, version 1: 2 sent, and not ended, since .*, due until .*\n/);
    expect(text).toContain("Tasks with ignoreResult have no record before they start");
    expect(text).toContain("2 of these the code does not run.");
    queues.clear();
  });

  it("counts failures, which may be replayed, where it is asked to", async () => {
    const { id } = await before.invoice.delay({ customer: "7" });
    await engine.app.results.failUnclaimed(
      {
        v: 1,
        id,
        task: "invoice",
        attempt: 1,
        payload: {},
        queue: "default",
        sentAt: new Date().toISOString(),
        rootId: id,
      },
      { messageId: "", receiveCount: 0 },
      { name: "Error", message: "no" },
    );
    const failed = (rows: Found["rows"]) => rows.filter(({ place }) => place === "failed");

    expect(failed((await look("http://deployed.test")).rows)).toEqual([]);
    expect(failed((await look("http://deployed.test", "--failed")).rows)).toMatchObject([
      { task: "invoice", count: 1 },
    ]);
  });

  it("asks with the key of LOVAGE_KEY", async () => {
    vi.stubEnv("LOVAGE_KEY", "a-key");
    await doctor.run(["http://deployed.test", ...DAYS]);
    vi.unstubAllEnvs();

    expect(new Set(keys)).toEqual(new Set(["Bearer a-key"]));
  });

  it.each([
    [[]],
    [["http://a.test", "http://b.test"]],
    [["http://a.test", "--days", "0"]],
    [["http://a.test", "--days", "many"]],
    [["no address"]],
    [["ftp://a.test"]],
  ])("refuses %j in a sentence", async (words) => {
    await expect(doctor.run(words)).rejects.toThrow(/^Expected: lovage /);
  });
});
