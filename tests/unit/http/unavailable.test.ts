import { describe, expect, it } from "vitest";
import * as z from "zod";
import { BrokerError } from "../../../shared/errors.ts";
import { createSubmitApi } from "../../../shared/http/submit.ts";
import { createApp, files, task } from "../../../shared/index.ts";
import { createLog } from "../../../shared/log.ts";
import { createRegistry } from "../../../shared/task/registry.ts";

const note = task({ name: "note", payload: z.object({}), run: () => {} });
/** AWS's sentence names the account, the role and the resource. */
const AWS_TEXT =
  "User: arn:aws:sts::123456789012:assumed-role/lovage-submit is not authorized to perform: sqs:SendMessage";

/** Submits one task while a service of AWS refuses. */
async function submit(failing: "broker" | "results" | "something else") {
  const logged: string[] = [];
  const app = createApp({ API_KEY_HASHES: "none" }, { log: createLog({}, (line) => logged.push(line)) });
  const refuse = () => Promise.reject(new Error(AWS_TEXT));
  const send = {
    broker: () => Promise.reject(new BrokerError("default", AWS_TEXT)),
    results: async () => {},
    "something else": refuse,
  };
  app.broker = { ...app.broker, isFifo: () => false, send: send[failing] };
  app.results = { ...app.results, pending: refuse };
  const api = createSubmitApi(app, createRegistry([{ file: "tests.ts", exports: { note } }]), files);
  const answer = await api.request("/tasks/note", {
    method: "POST",
    headers: { host: "127.0.0.1:3000", "content-type": "application/json" },
    body: JSON.stringify({ payload: {} }),
  });
  return { status: answer.status, headers: answer.headers, text: await answer.text(), logged: logged.join("\n") };
}

describe("an answer while AWS refuses", () => {
  it.each([
    ["broker", 503],
    ["results", 503],
    ["something else", 500],
  ] as const)("says what to do, and nothing that AWS said: %s", async (failing, expected) => {
    const { status, text, logged } = await submit(failing);

    expect(status).toBe(expected);
    for (const secret of ["arn:", "123456789012", "assumed-role", "sqs:SendMessage"])
      expect(text).not.toContain(secret);
    // The log has it, for those who run the service.
    expect(logged).toContain(AWS_TEXT);
  });

  it("that leaves a task unrecorded is a 503 with its id, and asks not to send it again", async () => {
    const { status, headers, text } = await submit("results");
    expect([status, headers.get("retry-after")]).toEqual([503, "1"]);
    expect(JSON.parse(text)).toMatchObject({
      code: "RESULT_STORE_FAILED",
      id: expect.any(String),
      detail: expect.stringMatching(/^The task was sent and will run/),
    });
  });
});
