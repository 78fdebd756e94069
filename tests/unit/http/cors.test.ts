import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { createApp, createSubmit, task } from "../../../shared/index.ts";
import { createLog } from "../../../shared/log.ts";
import { type ApiAnswer, apiEvent, toApiAnswer } from "./api-event.ts";

const add = task({ name: "add", payload: z.object({ x: z.number() }), run: ({ x }) => x });
const environment = {
  BROKER_URL: "https://sqs.us-east-1.amazonaws.com/123456789012/lovage-default",
  API_KEY_HASHES: createHash("sha256").update("key").digest("hex"),
  CORS_ORIGIN: "https://app.example, https://admin.example:8443",
};

/** Asks the submit function itself, with no API Gateway before it. */
async function ask(
  method: string,
  origin: string | undefined,
  headers: Record<string, string> = {},
  changes: Record<string, string> = {},
): Promise<ApiAnswer> {
  const app = createApp({ ...environment, ...changes }, { log: createLog({}, () => {}) });
  const submit = createSubmit([{ file: "tests.ts", exports: { add } }], app);
  const asked = method === "OPTIONS" ? { "access-control-request-method": "POST" } : {};
  const all = { "content-type": "application/json", ...asked, ...(origin !== undefined && { origin }), ...headers };
  return toApiAnswer(await submit(apiEvent(method, "/tasks/add", { headers: all, body: "{}" })));
}

const rules = ({ headers }: ApiAnswer): string[] => Object.keys(headers).filter((name) => name.startsWith("access-"));

describe("a function asked by a web page", () => {
  it.each(["https://app.example", "https://admin.example:8443"])(
    "allows %s, before the key is asked for",
    async (origin) => {
      const preflight = await ask("OPTIONS", origin, { "access-control-request-headers": "x-api-key,content-type" });

      expect(preflight.status).toBe(204);
      expect(preflight.headers).toMatchObject({
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "GET,POST,PUT,PATCH,DELETE",
        "access-control-allow-headers": "Content-Type,Authorization,X-Api-Key,If-Match",
        vary: expect.stringContaining("Origin"),
      });
    },
  );

  it("lets an allowed page read every answer, also a refusal", async () => {
    for (const [headers, status] of [
      [{}, 401],
      [{ "x-api-key": "key" }, 400],
    ] as const) {
      const answer = await ask("POST", "https://app.example", headers);

      expect(answer.status).toBe(status);
      expect(answer.headers["access-control-allow-origin"]).toBe("https://app.example");
      expect(answer.headers.vary).toContain("Origin");
    }
  });

  it.each([
    "https://evil.example",
    "https://app.example.evil.example",
    "http://app.example",
    "null",
    "http://localhost:3000",
  ])("gives %s no leave, and still answers", async (origin) => {
    const preflight = await ask("OPTIONS", origin);
    const answer = await ask("POST", origin, { "x-api-key": "key" });

    expect([preflight.status, answer.status]).toEqual([204, 400]);
    expect([...rules(preflight), ...rules(answer)]).toEqual([]);
    expect(answer.headers.vary).toContain("Origin");
  });

  it("allows nobody when nothing is set, and everybody when '*' is", async () => {
    expect(rules(await ask("OPTIONS", "https://app.example", {}, { CORS_ORIGIN: "" }))).toEqual([]);
    expect((await ask("OPTIONS", "https://any.example", {}, { CORS_ORIGIN: "*" })).headers).toMatchObject({
      "access-control-allow-origin": "*",
    });
    expect((await ask("OPTIONS", undefined)).status).toBe(204);
  });

  it("of an open stage allows pages of this machine and listed ones, and refuses the calls of all others", async () => {
    const open = { API_KEY_HASHES: "none" };
    const host = { host: "127.0.0.1:3000" };
    for (const origin of ["http://localhost:5173", "http://127.0.0.1:3000", "http://[::1]", "https://app.example"]) {
      const answer = await ask("POST", origin, host, open);
      expect([answer.status, answer.headers["access-control-allow-origin"]]).toEqual([400, origin]);
    }
    for (const origin of ["https://evil.example", "http://localhost.evil.example", "null"]) {
      const answer = await ask("POST", origin, host, open);
      expect([answer.status, rules(answer)]).toEqual([401, []]);
      expect(answer.body).toContain("CORS_ORIGIN");
    }
  });
});
