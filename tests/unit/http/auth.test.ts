import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createReadApi } from "../../../shared/http/read.ts";
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
