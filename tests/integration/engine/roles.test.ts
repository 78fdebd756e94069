import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { allows, type Statement, statementsOf } from "../../../build/iam-policy.ts";
import { createResolver } from "../../../build/resolve-template.ts";
import { isObject } from "../../../localstack/json.ts";
import type { Template } from "../../../localstack/template/template.ts";
import { createOperateApi } from "../../../shared/http/operate.ts";
import { createReadApi } from "../../../shared/http/read.ts";
import { createSubmitApi } from "../../../shared/http/submit.ts";
import {
  AsyncResult,
  beatSchedule,
  chain,
  createBeat,
  createDeadLetterWorker,
  createTick,
  createTimerSweep,
  createUploadListener,
  files,
  group,
  mailer,
  schedules,
  task,
} from "../../../shared/index.ts";
import { newId } from "../../../shared/message/id.ts";
import { failureKind } from "../../../shared/results/failure-kind.ts";
import { makeBulkAct } from "../../../shared/task/bulk.ts";
import { createRegistry } from "../../../shared/task/registry.ts";
import { startProxy } from "../../faults/proxy.ts";
import { type Right, rightsOf, rightsOfSigned } from "../../helpers/aws-rights.ts";
import { readTemplate } from "../../helpers/compile-template.ts";
import { type Engine, startEngine, visibility } from "../../helpers/engine.ts";
import { createWorkbench, type Workbench } from "../../helpers/workbench.ts";
import {
  CANVAS,
  CONTEXT,
  child,
  DECLARED,
  EARLIER,
  FILES,
  LARGE,
  MAILER,
  OPTIONS,
  OTHERS,
  payload,
  RESULT,
  SCHEDULES,
  type Work,
} from "./role-works.ts";

/**
 * Everything that a task may call is called in one, and every AWS call that follows, read off the wire, is held against the
 * function's role in the template that is deployed. The tables are complete by their types and by the objects' own keys: what is
 * offered later and stands in no table fails here.
 */

let engine: Engine;
let bench: Workbench;
let proxy: Awaited<ReturnType<typeof startProxy>>;
let template: Template;
/** The function whose calls are being seen, and the calls. */
let role = "";
let doing = "";
const asked: { role: string; doing: string; right: Right }[] = [];
const note = (rights: readonly Right[]): void => {
  for (const right of rights) if (role !== "") asked.push({ role, doing, right });
};

const works = new Map<string, Work>([
  ...Object.entries(FILES).map(([name, work]): [string, Work] => [`files.${name}`, work]),
  ...Object.entries(MAILER).map(([name, work]): [string, Work] => [`mailer.${name}`, work]),
  ...Object.entries(CONTEXT).map(([name, work]): [string, Work] => [`ctx.${name}`, work]),
  ...Object.entries(RESULT).map(([name, use]): [string, Work] => [
    `AsyncResult.${name}`,
    async () => use(await child.applyAsync({ text: LARGE }, { countdown: 600 })),
  ]),
  ...Object.entries(OPTIONS).map(([name, options]): [string, Work] => [
    `applyAsync({ ${name} })`,
    () => child.applyAsync({}, options()).then(({ id }) => id),
  ]),
  ...Object.entries(CANVAS),
  ...Object.entries(SCHEDULES).map(([name, work]): [string, Work] => [`schedules.${name}`, work]),
  ...Object.entries(OTHERS),
]);
const caller = task({
  name: "caller",
  payload: z.object({ name: z.string() }),
  retry: { maxRetries: 3, backoff: { base: 0.01, max: 0.01 }, on: [] },
  run: async ({ name }, context) => {
    const value = await works.get(name)?.(context);
    note(rightsOfSigned(value));
    return typeof value === "string" ? value : null;
  },
});
const declared = Object.entries(DECLARED).map(([name, { options, work }]) => ({
  name,
  task: task({ name: `declared_${name}`, payload, ...options, run: (_, context) => work?.(context) ?? null }),
}));
const uploaded = task({ name: "process_upload", payload: z.object({ key: z.string() }), run: ({ key }) => key });
const schedule = beatSchedule({
  entry: { task: child, payload: {}, schedule: "rate(1 day)" },
  ticked: { task: child, payload: { text: LARGE }, schedule: "rate(1 minute)", overlap: "cancel" },
  flow: { workflow: chain(child.s({}), child.si({ text: LARGE })), schedule: "rate(1 day)" },
  "ticked-flow": { workflow: group([child.s({ text: LARGE })]), schedule: "rate(1 minute)", overlap: "cancel" },
});
const exported = {
  child,
  caller,
  uploaded,
  schedule,
  ...Object.fromEntries(declared.map(({ name, task }) => [name, task])),
};
const modules = [{ file: "tests.ts", exports: exported }];

beforeAll(async () => {
  template = await readTemplate();
  engine = await startEngine((changed) => {
    visibility(1, "DefaultQueue")(changed);
    const environment = changed.Resources.WorkerLambdaFunction?.Properties?.Environment;
    if (isObject(environment) && isObject(environment.Variables)) environment.Variables.MAIL_URL = "ses:";
  });
  proxy = await startProxy(process.env.AWS_ENDPOINT_URL ?? "", async (call, forward) => {
    note(rightsOf(call));
    // There is no SES on a laptop.
    if (call.path.startsWith("/v2/email/")) return { status: 200, headers: {}, body: Buffer.from('{"MessageId":"1"}') };
    return forward(call);
  });
  process.env.AWS_ENDPOINT_URL = proxy.endpoint;
  bench = createWorkbench(engine, exported);
});
afterAll(async () => {
  await proxy.close();
  await engine.stop();
});

async function as(name: string, what: string, work: () => Promise<unknown>): Promise<void> {
  [role, doing] = [name, what];
  try {
    await work();
  } finally {
    role = "";
  }
}

/** Rights that a role was asked for and does not have. */
async function refused(name: string): Promise<string[]> {
  const statements: Statement[] = await statementsOf(template, name, createResolver(template, "us-east-1"));
  const lines = asked
    .filter((one) => one.role === name && !allows(statements, one.right.action, one.right.resource, one.right.context))
    .map(({ doing: what, right }) => `${what}: ${right.action} on ${right.resource} ${JSON.stringify(right.context)}`);
  return [...new Set(lines)];
}
const seen = (name: string): number => asked.filter((one) => one.role === name).length;

describe("the worker's role", () => {
  it("knows every function that is offered to tasks", () => {
    const methods = Object.getOwnPropertyNames(AsyncResult.prototype).filter((name) => name !== "constructor");

    expect(Object.keys(files).sort()).toEqual(Object.keys(FILES).sort());
    expect(Object.keys(mailer).sort()).toEqual(Object.keys(MAILER).sort());
    expect(Object.keys(schedules).sort()).toEqual(Object.keys(SCHEDULES).sort());
    expect(methods.filter((name) => !(name in RESULT))).toEqual([]);
  });

  it("allows whatever these functions ask of AWS", { timeout: 120_000 }, async () => {
    for (const name of works.keys()) {
      const { id } = await caller.delay({ name });
      await as("WorkerRole", name, async () => {
        if (name === "ctx.retry") for (let round = 0; round < 4; round++) await bench.work();
        else await bench.workUntilFinal(id);
        // Members and bodies of what it has sent.
        if (name in CANVAS) for (let round = 0; round < 8; round++) await bench.work();
      });
      const record = await engine.app.results.read(id);
      const fails = ["a large error", "Reject", "Ignore", "ctx.retry"].includes(name);
      expect(fails || record?.state === "SUCCESS", `${name}: ${JSON.stringify(record?.error)}`).toBe(true);
    }
    expect(seen("WorkerRole")).toBeGreaterThan(works.size);
    expect(await refused("WorkerRole")).toEqual([]);
  });

  it("allows whatever bulk acts ask of AWS", { timeout: 120_000 }, async () => {
    const dead = await caller.delay({ name: "a large error" });
    await bench.workUntilFinal(dead.id);
    const [fingerprint] = (await engine.app.failures.list()).map((group) => group.fingerprint);
    engine.clock.now = new Date(Date.now() + 10);
    const wanted = { by: "local", rate: 1000, start: true, target: null, digest: "" };
    const acts = [
      { act: "replay", source: { failure: fingerprint ?? "" }, ids: [] },
      { act: "replay", source: { filter: { state: "FAILURE" } }, ids: [] },
      { act: "revoke", source: null, ids: [dead.id] },
    ] as const;
    for (const act of acts) {
      const id = newId();
      await makeBulkAct(engine.app, { ...wanted, ...act, id });
      await as("WorkerRole", `bulk ${JSON.stringify(act)}`, async () => {
        for (let round = 0; round < 40 && (await engine.app.bulk.read(id))?.state !== "done"; round += 1) {
          engine.clock.now = new Date();
          await bench.work();
        }
      });
      expect(await engine.app.bulk.read(id)).toMatchObject({ state: "done" });
    }
    expect(await refused("WorkerRole")).toEqual([]);
  });

  it("allows whatever a task's own options ask of AWS", { timeout: 120_000 }, async () => {
    for (const { name, task: one } of declared) {
      const queue = name === "queue" ? "HighQueue" : "DefaultQueue";
      const { id } = await one.delay({});
      await one.delay({});
      await as("WorkerRole", name, () => bench.workUntilFinal(id, queue));
    }
    expect(await refused("WorkerRole")).toEqual([]);
  });

  it("is judged as IAM does: no right by default, and none beyond its resources", async () => {
    const statements = await statementsOf(template, "OperateRole", createResolver(template, "us-east-1"));
    const table = "arn:aws:dynamodb:us-east-1:123456789012:table/lovage-local-tasks";
    const may = (action: string, resource: string, key = "control"): boolean =>
      allows(statements, action, resource, { "dynamodb:LeadingKeys": [key] });

    expect(may("dynamodb:DeleteItem", table)).toBe(true);
    expect(may("dynamodb:DeleteItem", table, "task#1")).toBe(false);
    expect(may("dynamodb:UpdateItem", `${table}-2`)).toBe(false);
    expect(may("dynamodb:DeleteTable", table)).toBe(false);
  });
});

describe("the other roles", () => {
  it("allow every call of the API, each by the function that answers it", { timeout: 120_000 }, async () => {
    const { id } = await child.delay({ text: LARGE });
    const failed = await caller.delay({ name: "Reject" });
    const dead = await caller.delay({ name: "a large error" });
    await bench.workUntilFinal(failed.id);
    await bench.workUntilFinal(dead.id);
    const workflow = await group([child.si({ text: LARGE }), child.si({})]).delay();
    const registry = createRegistry(modules);
    const begun = await createSubmitApi(engine.app, registry, files).request("/uploads/multipart", {
      method: "POST",
      headers: { host: "127.0.0.1:3000", "content-type": "application/json" },
      body: JSON.stringify({ filename: "a.csv", contentType: "text/csv", size: 10 }),
    });
    const { id: inParts } = Object(await begun.json());
    const bulk = newId();
    const wanted = {
      id: bulk,
      act: "revoke",
      by: "local",
      rate: 1,
      start: false,
      ids: [],
      target: null,
      digest: "",
    } as const;
    await makeBulkAct(engine.app, { ...wanted, source: null });
    await bench.work();
    const calls: Record<string, { path?: string; body?: unknown }> = {
      "/tasks/:name": { path: "/tasks/child", body: { payload: { text: LARGE }, options: { countdown: 3600 } } },
      "/uploads": { body: { filename: "a.csv", contentType: "text/csv" } },
      "/tasks/:id": { path: `/tasks/${id}` },
      "/uploads/:id": { path: `/uploads/${id}`, body: { filename: "a.csv", contentType: "text/csv" } },
      "/uploads/multipart": { body: { filename: "a.csv", contentType: "text/csv", size: 10 } },
      "/uploads/:id/parts": { path: `/uploads/${inParts}/parts` },
      "/uploads/:id/complete": { path: `/uploads/${inParts}/complete` },
      "DELETE /uploads/:id": { path: `/uploads/${inParts}` },
      "/tasks/:id/replay": { path: `/tasks/${failed.id}/replay`, body: {} },
      "POST /bulk": { body: { act: "revoke", ids: [id] } },
      "/bulk/:id": { path: `/bulk/${bulk}` },
      "/bulk/:id/start": { path: `/bulk/${bulk}/start` },
      "DELETE /tasks": { path: "/tasks?tag=a" },
      "/tasks/:name/limits": { path: "/tasks/child/limits", body: { concurrency: 3 } },
      "/workflows": {
        body: {
          chain: [
            { task: "child", payload: { text: LARGE } },
            { task: "child", immutable: true },
          ],
        },
      },
      "/workflows/:id": { path: `/workflows/${workflow.id}` },
      "/schedules/:name": { body: { task: "child", schedule: "0 9 * * *" } },
      "/schedules/:name/run": { path: "/schedules/role-run/run" },
      "/schedules/:name/pause": { path: "/schedules/entry/pause" },
      "/schedules/:name/resume": { path: "/schedules/role-pause/resume" },
      "/schedule-preview": { path: "/schedule-preview?schedule=@daily" },
      "/queues/:name/redrive": { path: "/queues/default/redrive", body: { rate: 100 } },
    };
    const kind = failureKind("child", { name: "Error", message: "a failure" });
    engine.app.failures.note({ ...kind, id, message: "a failure" });
    await engine.app.failures.flush();
    for (const [name, api] of [
      ["SubmitRole", createSubmitApi(engine.app, registry, files)],
      ["ReadRole", createReadApi(engine.app, registry, files)],
      ["OperateRole", createOperateApi(engine.app, registry)],
    ] as const) {
      for (const { method, path } of api.routes.filter((route) => route.method !== "ALL")) {
        const call = calls[`${method} ${path}`] ?? calls[path] ?? {};
        const target = (call.path ?? path)
          .replace(":name", path.startsWith("/queues") ? "default" : "child")
          .replace(":fingerprint", kind.fingerprint)
          .replace(":id", id);
        const body = method === "GET" || method === "DELETE" ? undefined : JSON.stringify(call.body ?? {});
        await as(name, `${method} ${path}`, async () => {
          const answer = await api.request(
            new Request(`http://127.0.0.1:3000${target}`, {
              method,
              headers: { host: "127.0.0.1:3000", "content-type": "application/json" },
              ...(body !== undefined && { body }),
            }),
          );
          expect(answer.status, `${method} ${target}: ${await answer.clone().text()}`).toBeLessThan(500);
          const isText = answer.headers.get("content-type")?.startsWith("text/") ?? false;
          const values = isText ? {} : Object(await answer.json());
          for (const value of Object.values(values)) note(rightsOfSigned(value));
        });
      }
      expect(seen(name), name).toBeGreaterThan(0);
      expect(await refused(name), name).toEqual([]);
    }
  });

  it("allow what is done with timers, firings, arrivals and dead letters", async () => {
    engine.clock.now = new Date(Date.now() + 7_200_000);
    await as("TimersRole", "sweep", () =>
      createTimerSweep(engine.app)(undefined, { getRemainingTimeInMillis: () => 60_000 }),
    );
    engine.clock.now = new Date();
    const tick = createTick(modules, engine.app);
    // Those of the past, all kinds of overlap, a large payload, and a record of its task.
    for (const minutes of [0, 1, 2, 60 * 24 + 5]) {
      engine.clock.now = new Date(Date.now() + minutes * 60_000);
      await as("TickRole", "tick", () => tick(undefined, { getRemainingTimeInMillis: () => 60_000 }));
    }
    expect(seen("TickRole")).toBeGreaterThan(50);
    expect(await refused("TickRole")).toEqual([]);
    engine.clock.now = new Date();
    const beat = createBeat(modules, engine.app);
    for (const name of ["entry", "flow"]) {
      await as("BeatRole", "firing", () => beat({ schedule: name, scheduledTime: engine.clock.now.toISOString() }));
    }
    const key = `uploads/${EARLIER}`;
    const notice = {
      Records: [{ eventName: "ObjectCreated:Post", s3: { bucket: { name: "b" }, object: { key, size: 1 } } }],
    };
    const record = (body: string) => ({
      messageId: "m",
      receiptHandle: "r",
      body,
      messageAttributes: {},
      md5OfBody: "",
      eventSource: "aws:sqs",
      eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:lovage-local-default",
      awsRegion: "us-east-1",
      attributes: {
        ApproximateReceiveCount: "1",
        SentTimestamp: "1",
        SenderId: "s",
        ApproximateFirstReceiveTimestamp: "1",
      },
    });
    const time = { getRemainingTimeInMillis: () => 30_000 };
    await as("UploadsRole", "arrival", () =>
      createUploadListener(modules, engine.app)({ Records: [record(JSON.stringify(notice))] }, time),
    );
    // Again, for an upload that was revoked meanwhile: its file is removed.
    await new AsyncResult(EARLIER, engine.app).revoke();
    await as("UploadsRole", "arrival of a revoked upload", () =>
      createUploadListener(modules, engine.app)({ Records: [record(JSON.stringify(notice))] }, time),
    );
    const letter = {
      v: 1,
      id: EARLIER,
      task: "child",
      attempt: 1,
      payload: {},
      queue: "default",
      sentAt: new Date().toISOString(),
      rootId: EARLIER,
    };
    await as("DeadLetterRole", "dead letter", () =>
      createDeadLetterWorker(engine.app)({ Records: [record(JSON.stringify(letter)), record("{")] }, time),
    );
    for (const name of ["TimersRole", "BeatRole", "UploadsRole", "DeadLetterRole"]) {
      expect(seen(name), name).toBeGreaterThan(0);
      expect(await refused(name), name).toEqual([]);
    }
  });
});
