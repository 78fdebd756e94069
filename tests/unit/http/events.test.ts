import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { answerEvents } from "../../../shared/http/events.ts";

const api = new Hono().all("*", (c) => c.text(`${c.req.path} ${c.req.query("q") ?? ""}`));
const http = { method: "GET", path: "/", protocol: "HTTP/1.1", sourceIp: "127.0.0.1", userAgent: "" };

function ask(stage: string, rawPath: string): Promise<unknown> {
  return answerEvents(api)(
    Object({ version: "2.0", rawPath, rawQueryString: "q=1", headers: {}, requestContext: { stage, http } }),
  );
}

describe("an event of API Gateway", () => {
  it.each([
    ["$default", "/tasks/add", "/tasks/add 1"],
    ["production", "/production/tasks/add", "/tasks/add 1"],
    ["production", "/production/", "/ 1"],
    // A proxy before it that has taken the prefix away, or a path that only looks like one.
    ["production", "/productions/add", "/productions/add 1"],
    ["tasks", "/tasks/tasks/add", "/tasks/add 1"],
  ])("of the stage %s has the path %s without the stage", async (stage, path, expected) => {
    expect(await ask(stage, path)).toMatchObject({ statusCode: 200, body: expected });
  });

  it("of a stage's own address leads to its page", async () => {
    expect(await ask("production", "/production")).toEqual({ statusCode: 308, headers: { location: "/production/" } });
  });
});
