import { createHash } from "node:crypto";
import { AbortMultipartUploadCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerError, TooManyRevokesError, ValueExpiredError } from "../../../shared/errors.ts";
import { beatSchedule, createApp, crontab } from "../../../shared/index.ts";
import { createRegistry } from "../../../shared/task/registry.ts";
import { type Api, createApi, type Sent } from "../../helpers/api.ts";
import { type Contract, readContract } from "../../helpers/contract.ts";
import { type Engine, startEngine, uniqueName } from "../../helpers/engine.ts";
import { createWorkbench, type Workbench } from "../../helpers/workbench.ts";
import { add, LARGE, tasks, tick } from "./contract-tasks.ts";

let engine: Engine;
let bench: Workbench;
let contract: Contract;
let document: unknown;
let api: Api;

const registry = createRegistry([{ file: "tests.ts", exports: tasks }]);
beatSchedule({ declared: { task: tick, schedule: crontab({ minute: 0 }) } });

beforeAll(async () => {
  engine = await startEngine();
  bench = createWorkbench(engine, tasks);
  api = createApi(engine.app, registry);
  document = await (await api.request("GET", "/openapi.json")).json();
  contract = readContract(document);
});
afterAll(() => engine.stop());

/** One call whose answer the contract must allow. */
async function call(method: string, path: string, sent?: Sent, of = api): Promise<Record<string, unknown>> {
  const response = await of.request(method, path, sent);
  await contract.hold(method, path, response.clone());
  const text = await response.text();
  return text.startsWith("{") ? Object(JSON.parse(text)) : {};
}

/** A task that has ended. */
async function ended(name: string, payload?: unknown): Promise<string> {
  const { id } = await call("POST", `/tasks/${name}`, { body: { payload } });
  await bench.workUntilFinal(String(id));
  return String(id);
}

const UNKNOWN = "00000000-0000-7000-8000-000000000000";

const workflowBody = {
  chord: {
    header: [
      { task: "add", payload: { x: 1, y: 2 }, options: { tags: ["t"] } },
      { task: "fails", payload: {}, linkError: [{ task: "trim", payload: { to: "d" }, immutable: true }] },
    ],
    body: {
      chain: [
        { task: "trim", into: "to" },
        { task: "add", payload: { x: 1, y: 2 }, immutable: true },
      ],
    },
  },
  policy: { tolerate: "50%" },
  options: { headers: { a: "b" }, expires: 3600 },
};

/** Each task's call refuses as every other's does. */
const ofAnyTask = (name: string): string => name.replace(/^POST \/tasks\/[a-z_]+ /, "POST /tasks/{} ");

describe("an answer", () => {
  it("of each call is what the contract says, and so is each refusal", { timeout: 120_000 }, async () => {
    await call("GET", "/");
    await call("GET", "/health");
    await call("GET", "/openapi.json");

    const done = await ended("add", { x: 1, y: 2 });
    const failed = await ended("fails", {});
    const parent = await ended("reports", {});
    const big = await ended("grow", { tree: { leaves: [LARGE] } });
    for (const [name, payload] of [
      ["mail", { to: "a@example.com" }],
      ["ship", { to: "b" }],
      ["tick", undefined],
      ["plain", { to: "c" }],
      ["trim", { to: "d" }],
      ["process_upload", { key: "uploads/x/source" }],
    ] as const) {
      await call("POST", `/tasks/${name}`, { body: payload === undefined ? {} : { payload } });
    }
    const options = {
      countdown: 500,
      expires: 600,
      tags: ["t"],
      headers: { a: "b" },
      messageGroupId: "g",
      timeLimit: 5,
      softTimeLimit: 1,
      idempotencyKey: uniqueName("key"),
    };
    const waiting = String((await call("POST", "/tasks/add", { body: { payload: { x: 1, y: 1 }, options } })).id);
    for (const id of [done, failed, parent, big, waiting]) await call("GET", `/tasks/${id}`);
    await call("GET", `/tasks/${done}?wait=0`);
    for (const query of ["", "?limit=2", "?state=FAILURE", `?root=${done}`, "?tag=t&queue=default&from=2026-01-01"]) {
      await call("GET", `/tasks${query}`);
    }

    const again = await call("POST", `/tasks/${failed}/replay`);
    await bench.workUntilFinal(String(again.id));
    await call("POST", `/tasks/${failed}/replay`);
    await call("GET", `/tasks/${failed}`);
    await call("DELETE", `/tasks/${waiting}`);
    await call("GET", `/tasks/${waiting}`);
    await ended("fails", { text: "another" });
    await call("POST", "/queues/default/redrive", { body: { limit: 1 } });
    await call("POST", "/queues/default/redrive");
    await call("POST", "/queues/default/redrive", { body: { task: "fails", rate: 5, from: "2026-01-01" } });

    for (const scope of ["tasks/add", "queues/low"]) {
      await call("POST", `/${scope}/pause`);
      await call("GET", "/control");
      await call("POST", `/${scope}/resume`);
    }
    await call("PUT", "/tasks/add/limits", { body: { rateLimit: "5/s", concurrency: null } });
    await call("POST", "/queues/low/purge");
    await call("DELETE", "/tasks?tag=t");
    await call("DELETE", "/tasks?task=add");
    await call("GET", "/control");
    await call("GET", "/control?limit=1");
    await call("DELETE", "/tasks/add/limits");
    await call("DELETE", "/control?tag=t");
    await call("DELETE", "/control?before=2040-01-01");
    await call("GET", "/queues");
    await call("GET", "/metrics");
    for (const query of ["", "?step=hour&task=add", "?step=day"]) await call("GET", `/counts${query}`);
    const form = await call("POST", "/uploads", { body: { filename: "a.csv", contentType: "text/csv" } });
    await call("GET", `/uploads/${form.id}`);
    await call("POST", `/uploads/${form.id}`, { body: { filename: "a.csv", contentType: "text/csv" } });
    const parts = await call("POST", "/uploads/multipart", inParts);
    await call("POST", `/uploads/${parts.id}/parts`);
    await call("POST", `/uploads/${parts.id}/complete`);
    const [part] = Array.isArray(parts.parts) ? parts.parts : [];
    await fetch(part.url, { method: "PUT", body: "0123456789" });
    await call("POST", `/uploads/${parts.id}/complete`);
    await call("DELETE", `/uploads/${form.id}`);

    const entry = { task: "add", payload: { x: 1, y: 2 }, schedule: "0 8 * * *", timezone: "Europe/Berlin" };
    await call("PUT", "/schedules/daily", { body: entry });
    await call("PUT", "/schedules/daily", {
      body: { ...entry, catchUp: "last", description: "d", options: { expires: 60 } },
    });
    await call("PATCH", "/schedules/daily", { body: { description: null, jitter: 5 } });
    for (const verb of ["run", "pause", "resume"]) await call("POST", `/schedules/daily/${verb}`);
    const workflow = {
      chain: [{ task: "add", payload: { x: 1, y: 2 } }],
      linkError: [{ task: "add", immutable: true, payload: { x: 1, y: 2 } }],
    };
    await call("PUT", "/schedules/flow", { body: { workflow, schedule: "0 8 * * *", options: { expires: 60 } } });
    await call("PATCH", "/schedules/flow", { body: { workflow: { group: [workflow] } } });
    await call("POST", "/schedules/flow/run");
    await call("GET", "/schedules/flow");
    for (const query of ["", "?limit=1", "?prefix=d&task=add&enabled=true"]) await call("GET", `/schedules${query}`);
    await call("GET", "/schedules/daily");
    await call("GET", "/schedules?runs=3");
    await call("GET", "/schedule-preview?schedule=30%202%20*%20*%20*&timezone=Europe/Berlin&count=3");
    await call("PUT", "/schedules/gone", { body: entry });
    await call("DELETE", "/schedules/gone");

    await call("GET", "/workflows?limit=5");
    const flow = await call("POST", "/workflows", { body: workflowBody });
    await bench.workUntilFinal(String(flow.id));
    for (const query of ["", "?place=0&limit=1", "?place=0&limit=1&cursor=1"]) {
      await call("GET", `/workflows/${flow.id}${query}`);
    }
    await call("GET", `/tasks/${flow.id}`);
    const stopped = await call("POST", "/workflows", { body: { chain: [{ task: "tick" }, { task: "tick" }] } });
    await call("DELETE", `/workflows/${stopped.id}`);
    await call("GET", `/workflows/${stopped.id}`);

    const { failures } = await call("GET", "/failures?limit=1");
    const [kind = ""] = Array.isArray(failures) ? failures.map((one) => String(Object(one).fingerprint)) : [];
    await call("GET", `/failures/${kind}?limit=1`);
    for (const word of ["ignore", "resolve", "reopen"]) await call("POST", `/failures/${kind}/${word}`);

    for (const query of ["", "?limit=1"]) await call("GET", `/bulk${query}`);
    const bulk = await call("POST", "/bulk", { body: { act: "revoke", filter: { tag: "bulk" }, start: false } });
    await call("POST", `/bulk/${bulk.id}/start`);
    await call("POST", "/bulk", { body: { act: "revoke", filter: { tag: "other" }, id: bulk.id } });
    await call("GET", "/bulk?limit=1");
    await call("DELETE", `/bulk/${bulk.id}`);
    await call("POST", `/bulk/${bulk.id}/start`);
    const acting = await call("POST", "/bulk", { body: { act: "replay", ids: [failed, UNKNOWN], rate: 1000 } });
    const hasEnded = async () => (await call("GET", `/bulk/${acting.id}`)).state === "done";
    for (let round = 0; round < 40 && !(await hasEnded()); round += 1) {
      engine.clock.now = new Date();
      await bench.work();
    }
    expect(await hasEnded()).toBe(true);

    await refusals({ done, big, kind, key: options.idempotencyKey });

    const unmet = [...contract.declared]
      .map(ofAnyTask)
      .filter((one) => ![...contract.met].map(ofAnyTask).includes(one) && !one.endsWith(" 500"));
    expect(unmet).toEqual([]);
    expect([...contract.met].filter((one) => one.endsWith(" 500")).length).toBeGreaterThan(8);
  });
});

const inParts = { body: { filename: "a.csv", contentType: "text/csv", size: 10 } };

/** Every refusal that the contract names, provoked. */
async function refusals(known: { done: string; big: string; kind: string; key: string }): Promise<void> {
  const { done, big, kind, key } = known;
  const everywhere = [...contract.declared].map((one) => {
    const [method = "", path = ""] = one.split(" ");
    return [
      method,
      path
        .replace("{id}", done)
        .replace("{fingerprint}", kind)
        .replace("{name}", path.startsWith("/queues") ? "default" : "add"),
    ] as const;
  });
  const hash = createHash("sha256").update("a key").digest("hex");
  const locked = createApi(createApp({ ...engine.environment, API_KEY_HASHES: hash }), registry);
  for (const [method, path] of everywhere) if (path !== "/health") await call(method, path, {}, locked);
  for (const query of ["", "?limit=1&by=local&act=pause", "?act=typo"]) await call("GET", `/activity${query}`);
  await call("GET", "/key");
  for (const query of ["?state=typo", "?limit=0", "?limit=1&task=add&state=open"])
    await call("GET", `/failures${query}`);
  for (const path of ["/0000000000000000", `/${kind}?cursor=x`]) await call("GET", `/failures${path}`);
  for (const word of ["ignore", "resolve", "reopen"]) await call("POST", `/failures/none/${word}`);
  // Without a trail no operator acts.
  const begin = () => Promise.reject(new Error("no table"));
  const untold = createApi({ ...engine.app, audit: { ...engine.app.audit, begin } }, registry);
  const acts = [
    ...[["DELETE", "/tasks?tag=t"] as const, ["DELETE", "/control?tag=t"] as const],
    ...(["PUT", "PATCH"] as const).map((method) => [method, "/schedules/daily"] as const),
    ...everywhere.filter(([method, path]) => method !== "GET" && !path.startsWith("/uploads")),
  ];
  for (const [method, path] of acts) {
    if (path === "/bulk") await call(method, path, { body: { act: "revoke", filter: { tag: "t" } } }, untold);
    const body = path.endsWith("/limits") ? { concurrency: 1 } : { task: "add", schedule: "0 8 * * *" };
    const isBodied = method === "PUT" || method === "PATCH";
    await call(method, path, isBodied ? { body } : {}, untold);
  }
  const flow = await call("POST", "/workflows", { body: { chain: [{ task: "tick" }, { task: "tick" }] } });
  await call("DELETE", `/workflows/${flow.id}`, {}, untold);
  const bulk = await call("POST", "/bulk", { body: { act: "revoke", filter: { tag: "t" }, start: false } });
  await call("POST", `/bulk/${bulk.id}/start`, {}, untold);
  await call("DELETE", `/bulk/${bulk.id}`, {}, untold);
  // The open stage's callers are let in as readers.
  const readOnly = createApi(createApp({ ...engine.environment, READ_ONLY: "on" }), registry);
  for (const [method, path] of everywhere) if (method !== "GET") await call(method, path, {}, readOnly);

  const form = { body: { filename: "a.csv", contentType: "text/csv" } };
  const takeBodies = [
    ["POST", "/tasks/add", { payload: { x: "1", y: 2 } }],
    ["POST", `/tasks/${done}/replay`, { payload: "no" }],
    ["PUT", "/tasks/add/limits", { concurrency: 0 }],
    ["POST", "/queues/default/redrive", { rate: 0 }],
    ["POST", "/uploads", { filename: 1, contentType: "text/csv" }],
    ["POST", "/uploads/multipart", { filename: "a", contentType: "text/csv", size: 0 }],
    ["POST", "/bulk", { act: "drop" }],
    ["POST", "/workflows", { chain: [] }],
    ["PUT", "/schedules/daily", { task: "add", schedule: "0 25 * * *" }],
    ["PATCH", "/schedules/daily", { overlap: "maybe" }],
    ["POST", `/uploads/${done}`, { filename: 1, contentType: "text/csv" }],
  ] as const;
  for (const [method, path, wrong] of takeBodies) {
    await call(method, path, { raw: "[1]" });
    await call(method, path, { raw: "{}", headers: { "content-type": "text/plain" } });
    await call(method, path, { raw: JSON.stringify({ payload: "x".repeat(4_200_000) }) });
    await call(method, path, { body: wrong });
  }
  for (const path of [`/tasks/${done}?wait=x`, "/tasks?limit=0", `/uploads/${done}?wait=x`, "/control?limit=0"]) {
    await call("GET", path);
  }
  for (const path of ["/tasks", "/control"]) await call("DELETE", path);
  await call("POST", "/bulk", { body: { act: "revoke", filter: { task: "typo" } } });
  for (const path of ["/bulk?limit=0", `/bulk/${done}?cursor=x`, `/bulk/${done}?outcome=x`, `/bulk/${UNKNOWN}`])
    await call("GET", path);
  await call("POST", `/bulk/${UNKNOWN}/start`);
  await call("DELETE", `/bulk/${UNKNOWN}`);

  // Things that do not exist.
  const unknown = [`/tasks/${UNKNOWN}`, "/tasks?task=typo", `/uploads/${UNKNOWN}`, `/workflows/${UNKNOWN}`];
  for (const path of unknown) await call("GET", path);
  await call("DELETE", `/workflows/${UNKNOWN}`);
  await call("GET", `/workflows/${UNKNOWN}?limit=-1`);
  await call("GET", "/workflows?state=typo");
  const named = (x: number) => ({
    body: { task: "add", payload: { x, y: 1 }, link: [{ task: "tick" }], options: { idempotencyKey: key } },
  });
  await call("POST", "/workflows", named(1));
  await call("POST", "/workflows", named(2));
  for (const path of [`/tasks/${UNKNOWN}`, "/tasks?task=typo", "/tasks/typo/limits"]) await call("DELETE", path);
  for (const path of [`/tasks/${UNKNOWN}/replay`, "/tasks/typo/pause", "/tasks/typo/resume"]) await call("POST", path);
  for (const verb of ["pause", "resume", "purge", "redrive"]) await call("POST", `/queues/typo/${verb}`);
  await call("PUT", "/tasks/typo/limits", { body: {} });
  const withoutUpload = createRegistry([{ file: "tests.ts", exports: { add } }]);
  await call("POST", "/uploads", form, createApi(engine.app, withoutUpload));
  await call("POST", "/uploads/multipart", inParts, createApi(engine.app, withoutUpload));
  await call("POST", `/uploads/${UNKNOWN}`, form);
  for (const word of ["parts", "complete"]) await call("POST", `/uploads/${UNKNOWN}/${word}`);
  await call("DELETE", `/uploads/${UNKNOWN}`);

  for (const [method, path] of [
    ["GET", "/schedules/typo"],
    ["DELETE", "/schedules/typo"],
    ["POST", "/schedules/typo/run"],
    ["POST", "/schedules/typo/pause"],
    ["POST", "/schedules/typo/resume"],
  ] as const) {
    await call(method, path);
    await call(method, path.replace("typo", "-"));
  }
  await call("PUT", "/schedules/daily", { body: { task: "typo", schedule: "0 8 * * *" } });
  await call("PATCH", "/schedules/typo", { body: {} });
  await call("GET", "/schedules?limit=0");
  await call("GET", "/schedules?prefix=a&cursor=b");
  await call("GET", `/schedules?prefix=${"a".repeat(201)}`);
  await call("GET", "/schedule-preview?schedule=often");

  // Things that were there before are in the way.
  const stale = { headers: { "if-match": '"another"' } };
  await call("PUT", "/schedules/daily", { body: { task: "tick", schedule: "0 8 * * *" }, ...stale });
  await call("PATCH", "/schedules/daily", { body: { jitter: 1 }, ...stale });
  await call("DELETE", "/schedules/daily", stale);
  await call("PUT", "/schedules/declared", { body: { task: "tick", schedule: "0 8 * * *" } });
  await call("PATCH", "/schedules/declared", { body: {} });
  await call("DELETE", "/schedules/declared");
  const revoked = await call("POST", "/uploads", form);
  await call("DELETE", `/tasks/${revoked.id}`);
  await call("POST", `/uploads/${revoked.id}`, form);
  const given = await call("POST", "/uploads/multipart", inParts);
  await call("DELETE", `/uploads/${given.id}`);
  for (const word of ["parts", "complete"]) await call("POST", `/uploads/${given.id}/${word}`);
  const aged = await call("POST", "/uploads/multipart", inParts);
  const { multipart } = (await engine.app.results.look(String(aged.id))) ?? {};
  const place = { Bucket: engine.app.config.uploadsBucket, Key: `uploads/${aged.id}`, UploadId: multipart?.uploadId };
  await engine.clients.s3.send(new AbortMultipartUploadCommand(place));
  for (const word of ["parts", "complete"]) await call("POST", `/uploads/${aged.id}/${word}`);
  const come = await call("POST", "/uploads", form);
  await engine.app.results.arrive(String(come.id), new Date());
  await call("DELETE", `/uploads/${come.id}`);
  await call("POST", "/tasks/add", { body: { payload: { x: 2, y: 2 }, options: { idempotencyKey: key } } });
  const later = await call("POST", "/tasks/add", { body: { payload: { x: 1, y: 1 }, options: { countdown: 900 } } });
  await call("POST", `/tasks/${later.id}/replay`);
  const revoke = () => Promise.reject(new TooManyRevokesError("tag", "full", 1000));
  const full = createApi({ ...engine.app, control: { ...engine.app.control, revoke } }, registry);
  await call("DELETE", "/tasks?tag=full", {}, full);
  await call("POST", "/queues/default/purge", {}, full);
  const load = () => Promise.reject(new ValueExpiredError("claims/x", 1));
  const { largeValues } = engine.app;
  const kept = largeValues.load;
  largeValues.load = load;
  await call("POST", `/tasks/${big}/replay`);
  await call("GET", `/tasks/${big}`);
  largeValues.load = kept;

  // AWS does not answer.
  const send = () => Promise.reject(new BrokerError("default", "down"));
  const mute = createApi({ ...engine.app, broker: { ...engine.app.broker, send } }, registry);
  await call("POST", "/tasks/add", { body: { payload: { x: 1, y: 1 } } }, mute);
  await call("POST", "/uploads", form, mute);
  const whole = await call("POST", "/uploads/multipart", inParts);
  const [only] = Array.isArray(whole.parts) ? whole.parts : [];
  await fetch(only.url, { method: "PUT", body: "0123456789" });
  await call("POST", `/uploads/${whole.id}/complete`, {}, mute);
  await call("POST", "/workflows", { body: workflowBody }, mute);
  await call("POST", `/tasks/${done}/replay`, { body: { payload: { x: 5, y: 5 } } }, mute);
  await call("POST", "/schedules/daily/run", {}, mute);
  const down = () => Promise.reject(new Error("down"));
  const { results, control } = engine.app;
  const pending = () => Promise.reject(new Error("down"));
  await call(
    "POST",
    "/uploads/multipart",
    inParts,
    createApi({ ...engine.app, results: { ...results, pending } }, registry),
  );
  const deaf = createApi(
    {
      ...engine.app,
      results: { ...results, read: down, requestRevoke: down, list: down },
      control: {
        ...control,
        list: down,
        decisions: down,
        pause: down,
        resume: down,
        revoke: down,
        setLimits: down,
        dropRevoke: down,
      },
    },
    registry,
  );
  for (const path of ["/tasks", `/tasks/${done}`, "/queues", "/control", `/uploads/${done}`])
    await call("GET", path, {}, deaf);
  for (const path of [`/tasks/${done}`, "/tasks?tag=t", "/control?tag=t"]) await call("DELETE", path, {}, deaf);
  for (const path of ["/tasks/add/pause", "/queues/default/purge", `/tasks/${done}/replay`])
    await call("POST", path, {}, deaf);
}
