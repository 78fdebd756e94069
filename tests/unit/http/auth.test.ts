import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Call } from "../../../shared/http/call.ts";
import { CALLS } from "../../../shared/http/calls.ts";
import { createOperateApi } from "../../../shared/http/operate.ts";
import { createReadApi } from "../../../shared/http/read.ts";
import { createSubmitApi } from "../../../shared/http/submit.ts";
import { createApp, files } from "../../../shared/index.ts";
import { createLog } from "../../../shared/log.ts";
import { createRegistry } from "../../../shared/task/registry.ts";

const hash = (key: string): string => createHash("sha256").update(key).digest("hex");

/** Asks for the contract, which needs a key but no cloud. */
async function ask(
  hashes: string | undefined,
  headers: Record<string, string>,
  path = "/openapi.json",
): Promise<number> {
  const app = createApp({ API_KEY_HASHES: hashes }, { log: createLog({}, () => {}) });
  return (await createReadApi(app, createRegistry([]), files).request(path, { headers })).status;
}

const cloud = { host: "abc.execute-api.eu-west-1.amazonaws.com" };

describe("the API's keys", () => {
  it("keep everyone out until one is configured", async () => {
    expect(await ask(undefined, cloud)).toBe(401);
    expect(await ask("", { ...cloud, authorization: "Bearer " })).toBe(401);
    expect(await ask("", { ...cloud, "x-api-key": "" })).toBe(401);
  });

  it("let in who has one of them, by either header", async () => {
    const hashes = `${hash("first")}, ${hash("second")}`;

    expect(await ask(hashes, { ...cloud, authorization: "Bearer first" })).toBe(200);
    expect(await ask(hashes, { ...cloud, "x-api-key": "second" })).toBe(200);
    expect(await ask(hashes, { ...cloud, "x-api-key": "third" })).toBe(401);
    expect(await ask(hashes, { ...cloud, "x-api-key": hash("first") })).toBe(401);
    expect(await ask(hashes, cloud)).toBe(401);
  });

  it("are not needed on loopback when the stage says 'none', and nowhere else", async () => {
    expect(await ask("none", { host: "127.0.0.1:3000" })).toBe(200);
    expect(await ask("none", { host: "localhost" })).toBe(200);
    expect(await ask("none", cloud)).toBe(401);
    expect(await ask("none", { host: "127.0.0.1.evil.example" })).toBe(401);
    expect(await ask("none", {})).toBe(401);
  });

  it("cannot be empty, whatever is configured", async () => {
    expect(await ask(hash(""), { ...cloud, "x-api-key": "" })).toBe(500);
    expect(await ask(hash("first"), { ...cloud, "x-api-key": "" })).toBe(401);
  });

  it("are never needed to ask for life", async () => {
    expect(await ask(undefined, cloud, "/health")).toBe(200);
  });

  it("cause a 500 without details when they are misconfigured, not an open door", async () => {
    expect(await ask("plain-text-key", { ...cloud, "x-api-key": "plain-text-key" })).toBe(500);
  });
});

describe("a key's role", () => {
  const keys = ["read", "submit", "operate"].map((role) => `my-${role}:${role}:${hash(role)}`).join(",");
  const registry = createRegistry([]);
  const ID = "01a21de8-a77d-7966-8c1d-267ed5dd377e";

  /** The status that each API answers a call with, and the code of a refusal. */
  async function call(path: string, key: string, settings: Record<string, string> = {}): Promise<string> {
    const app = createApp({ API_KEY_HASHES: keys, ...settings }, { log: createLog({}, () => {}) });
    const [method = "", url = ""] = path.split(" ");
    const apis = [
      createSubmitApi(app, registry, files),
      createOperateApi(app, registry),
      createReadApi(app, registry, files),
    ];
    for (const api of apis) {
      const answer = await api.request(url, { method, headers: { ...cloud, "x-api-key": key } });
      const { code = "" }: { code?: string } = JSON.parse(await answer.text());
      if (code !== "NOT_FOUND" && code !== "METHOD_NOT_ALLOWED") return `${answer.status} ${code}`.trim();
    }
    return "none";
  }

  it.each([
    ["GET /key", "200", "200", "200"],
    ["GET /openapi.json", "200", "200", "200"],
    ["POST /tasks/add", "403 FORBIDDEN", "404 TASK_NOT_REGISTERED", "404 TASK_NOT_REGISTERED"],
    ["POST /workflows", "403 FORBIDDEN", "415 CONTENT_TYPE_UNSUPPORTED", "415 CONTENT_TYPE_UNSUPPORTED"],
    ["POST /queues/typo/pause", "403 FORBIDDEN", "403 FORBIDDEN", "404 QUEUE_NOT_FOUND"],
    ["DELETE /tasks/typo", "403 FORBIDDEN", "403 FORBIDDEN", "404 TASK_NOT_FOUND"],
    ["PUT /schedules/x", "403 FORBIDDEN", "403 FORBIDDEN", "415 CONTENT_TYPE_UNSUPPORTED"],
  ])("decides about %s", async (path, read, submit, operate) => {
    const settings = { BROKER_URL: "https://sqs.eu-west-1.amazonaws.com/1/q" };

    expect(await call(path, "read", settings)).toBe(read);
    expect(await call(path, "submit", settings)).toBe(submit);
    expect(await call(path, "operate", settings)).toBe(operate);
    expect(await call(path, "other", settings)).toBe("401 UNAUTHORIZED");
  });

  it("decides about every declared call but those that are open", async () => {
    const changing = Object.values<Call>(CALLS).filter((one) => one.function !== "read");
    const path = ({ route }: Call): string => route.replace("{id}", ID).replace("{name}", "x");

    expect(changing.length).toBeGreaterThan(20);
    for (const one of changing) expect(`${path(one)}: ${await call(path(one), "read")}`).toMatch(/403 FORBIDDEN$/);
    for (const one of changing.filter(({ function: role }) => role === "operate")) {
      expect(`${path(one)}: ${await call(path(one), "submit")}`).toMatch(/403 FORBIDDEN$/);
    }
  });

  it("does not help on a read-only stage", async () => {
    expect(await call("DELETE /tasks/typo", "operate", { READ_ONLY: "on" })).toBe("403 READ_ONLY");
    expect(await call("POST /tasks/add", "submit", { READ_ONLY: "on" })).toBe("403 READ_ONLY");
    expect(await call("POST /tasks/add", "read", { READ_ONLY: "on" })).toBe("403 FORBIDDEN");
    expect(await call("GET /key", "read", { READ_ONLY: "on" })).toBe("200");
  });
});
