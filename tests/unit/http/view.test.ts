import { createHash } from "node:crypto";
import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { createApp, createView, InvalidOptionError, requireKey } from "../../../shared/index.ts";
import { createLog } from "../../../shared/log.ts";
import { apiEvent, toApiAnswer } from "./api-event.ts";

const hash = (key: string): string => createHash("sha256").update(key).digest("hex");
const logged: Record<string, unknown>[] = [];
const app = createApp(
  { API_KEY_HASHES: hash("key"), CORS_ORIGIN: "https://app.example" },
  { log: createLog({}, (line) => logged.push(JSON.parse(line))) },
);

describe("a view of one's own", () => {
  const view = new Hono();
  view.get("/welcome", (c) => c.json({ hello: true }, 202));
  view.get("/fails", () => {
    throw new InvalidOptionError("x", 1, "2");
  });
  const handler = createView(view, { app });
  const ask = async (method: string, path: string, headers: Record<string, string> = {}) =>
    toApiAnswer(await handler(apiEvent(method, path, { headers })));

  it("is closed to whoever has no key, and open to whoever has one", async () => {
    expect(await ask("GET", "/welcome")).toMatchObject({ status: 401, body: expect.stringContaining("UNAUTHORIZED") });
    expect((await ask("GET", "/welcome", { "x-api-key": "wrong" })).status).toBe(401);
    expect(await ask("GET", "/welcome", { authorization: "Bearer key" })).toMatchObject({
      status: 202,
      body: '{"hello":true}',
    });
  });

  it("has what the API has besides: other origins, and problem details for what it throws", async () => {
    const preflight = await ask("OPTIONS", "/welcome", { origin: "https://app.example" });
    const failed = await ask("GET", "/fails", { "x-api-key": "key" });

    expect(preflight).toMatchObject({ status: 204, headers: { "access-control-allow-origin": "https://app.example" } });
    expect(failed.status).toBe(422);
    expect(JSON.parse(failed.body)).toMatchObject({ code: "OPTION_INVALID" });
  });

  it("may check the key by itself, in one line", async () => {
    const own = new Hono();
    own.get("/hook", (c) => c.text("open"));
    own.use(requireKey("submit", app));
    own.get("/closed", (c) => c.text("closed"));

    expect((await own.request("/hook")).status).toBe(200);
    expect((await own.request("/closed")).status).toBe(401);
    expect((await own.request("/closed", { headers: { "x-api-key": "key" } })).status).toBe(200);
  });

  it.each([
    // The word of its entry, its own, and the least key that gets in.
    [undefined, undefined, "submit"],
    ["read", undefined, "read"],
    ["operate", undefined, "operate"],
    ["read", "operate", "operate"],
    ["operate", "read", "operate"],
  ] as const)("takes the stricter of its entry's role (%s) and its own (%s)", async (entry, own, least) => {
    const keys = ["read", "submit", "operate"].map((role) => `${role}:${role}:${hash(role)}`).join(",");
    const variables = { API_KEY_HASHES: keys, ...(entry && { VIEW_KEY_ROLE: entry }) };
    const guarded = createApp(variables, { log: createLog({}, () => {}) });
    const home = new Hono();
    home.get("/home", (c) => c.text("home"));
    const parts = own === undefined ? { app: guarded } : { app: guarded, role: own };
    const homeHandler = createView(home, parts);
    const statusOf = async (key: string): Promise<number> =>
      toApiAnswer(await homeHandler(apiEvent("GET", "/home", { headers: { "x-api-key": key } }))).status;

    const letIn = [];
    for (const key of ["read", "submit", "operate"]) if ((await statusOf(key)) === 200) letIn.push(key);
    expect(letIn[0]).toBe(least);
    expect(letIn.at(-1)).toBe("operate");
  });

  it("leaves a line in the log for each refused key: method, path and source, never the key", async () => {
    logged.length = 0;
    await ask("GET", "/welcome?key=secret-1", { "x-api-key": "secret-2" });
    await ask("GET", `/${"p".repeat(5000)}`, { authorization: "Bearer secret-3" });

    expect(logged).toMatchObject([
      { level: "warn", message: "A call was refused", method: "GET", path: "/welcome", sourceIp: "203.0.113.7" },
      { level: "warn", message: "A call was refused", path: `/${"p".repeat(199)}` },
    ]);
    expect(JSON.stringify(logged)).not.toContain("secret");
  });
});
