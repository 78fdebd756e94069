import { describe, expect, it } from "vitest";
import * as z from "zod";
import { createOperateApi } from "../../../shared/http/operate.ts";
import { createReadApi } from "../../../shared/http/read.ts";
import { createSubmitApi } from "../../../shared/http/submit.ts";
import { createApp, files, task } from "../../../shared/index.ts";
import { createLog } from "../../../shared/log.ts";
import { createRegistry } from "../../../shared/task/registry.ts";

const sum = task({ name: "sum", payload: z.object({ list: z.array(z.number()) }), run: () => 0 });
const strict = task({ name: "strict", payload: z.strictObject({}), run: () => 0 });

const logged: string[] = [];
const app = createApp(
  {
    API_KEY_HASHES: "none",
    RESULT_BACKEND: "dynamodb://table",
    UPLOADS_BUCKET: "bucket",
    UPLOAD_TASK: "sum",
    BROKER_URL: "http://127.0.0.1:1/000000000000/default",
  },
  { log: createLog({}, (line) => logged.push(line)) },
);
const registry = createRegistry([{ file: "tests.ts", exports: { sum, strict } }]);
const apis = {
  submit: createSubmitApi(app, registry, files),
  operate: createOperateApi(app, registry),
  read: createReadApi(app, registry, files),
};

interface Refusal {
  status: number;
  body: { code?: string; detail?: string; issues?: { message: string; path: string[] }[] };
  /** As Lambda answers: the body is JSON text within JSON text. */
  lambdaBytes: number;
}

async function ask(api: keyof typeof apis, method: string, path: string, body?: string): Promise<Refusal> {
  const answer = await apis[api].request(path, {
    method,
    headers: { host: "127.0.0.1", "content-type": "application/json" },
    ...(body !== undefined && { body }),
  });
  const text = await answer.text();
  return { status: answer.status, body: JSON.parse(text), lambdaBytes: JSON.stringify({ body: text }).length };
}

const quotes = '"'.repeat(1_900_000);
const long = "z".repeat(3_900_000);
const deep = "[".repeat(100_000) + "]".repeat(100_000);
const send = (options: object): string => JSON.stringify({ payload: { list: [] }, options });

describe("a refusal over HTTP", () => {
  it.each<[string, keyof typeof apis, string, string, string | undefined, number, string]>([
    ["a value", "submit", "POST", "/tasks/sum", send({ eta: long }), 422, "OPTION_INVALID"],
    ["a million quotes", "submit", "POST", "/tasks/sum", send({ tags: quotes }), 422, "OPTION_INVALID"],
    ["a million quotes in a list", "submit", "POST", "/tasks/sum", send({ tags: [quotes] }), 422, "OPTION_INVALID"],
    ["a number", "submit", "POST", "/tasks/sum", `{"payload":{"list":[1${"0".repeat(3000)}]}}`, 400, "BODY_INVALID"],
    ["an option's name", "submit", "POST", "/tasks/sum", send({ [quotes]: 1 }), 422, "OPTION_INVALID"],
    ["a field's name", "submit", "POST", "/tasks/sum", JSON.stringify({ [quotes]: 1 }), 400, "BODY_INVALID"],
    [
      "an unknown key",
      "submit",
      "POST",
      "/tasks/strict",
      JSON.stringify({ payload: { [quotes]: 1 } }),
      422,
      "PAYLOAD_INVALID",
    ],
    [
      "10,000 issues",
      "submit",
      "POST",
      "/tasks/sum",
      JSON.stringify({ payload: { list: new Array(10_000).fill("x") } }),
      422,
      "PAYLOAD_INVALID",
    ],
    ["a nested payload", "submit", "POST", "/tasks/sum", `{"payload":${deep}}`, 400, "BODY_INVALID"],
    [
      "a nested option",
      "submit",
      "POST",
      "/tasks/sum",
      `{"payload":{"list":[]},"options":{"tags":${deep}}}`,
      400,
      "BODY_INVALID",
    ],
    ["a task", "submit", "POST", `/tasks/${"t".repeat(20_000)}`, "{}", 404, "TASK_NOT_REGISTERED"],
    ["a path", "submit", "POST", `/nothing/${"p".repeat(20_000)}`, "{}", 404, "NOT_FOUND"],
    ["a path of another method", "submit", "PUT", `/uploads/${"p".repeat(20_000)}`, "{}", 405, "METHOD_NOT_ALLOWED"],
    [
      "a file's name",
      "submit",
      "POST",
      "/uploads",
      JSON.stringify({ filename: quotes, contentType: "text/csv" }),
      422,
      "OPTION_INVALID",
    ],
    [
      "a media type",
      "submit",
      "POST",
      "/uploads",
      JSON.stringify({ filename: "a", contentType: quotes }),
      422,
      "OPTION_INVALID",
    ],
    ["a rate", "operate", "PUT", "/tasks/sum/limits", JSON.stringify({ rateLimit: long }), 422, "OPTION_INVALID"],
    [
      "a rate of 3,000 zeros",
      "operate",
      "PUT",
      "/tasks/sum/limits",
      JSON.stringify({ rateLimit: `${"0".repeat(3000)}1/s` }),
      422,
      "OPTION_INVALID",
    ],
    [
      "a rate that is nearly none",
      "operate",
      "PUT",
      "/tasks/sum/limits",
      '{"rateLimit":1e-300}',
      422,
      "OPTION_INVALID",
    ],
    [
      "a redrive's task",
      "operate",
      "POST",
      "/queues/default/redrive",
      JSON.stringify({ task: long }),
      422,
      "OPTION_INVALID",
    ],
    [
      "a redrive's time",
      "operate",
      "POST",
      "/queues/default/redrive",
      JSON.stringify({ from: quotes }),
      422,
      "OPTION_INVALID",
    ],
    ["a queue", "operate", "POST", `/queues/${"q".repeat(20_000)}/pause`, "{}", 404, "QUEUE_NOT_FOUND"],
    ["an id", "operate", "DELETE", `/tasks/${"i".repeat(20_000)}`, undefined, 404, "TASK_NOT_FOUND"],
    ["a query", "operate", "DELETE", `/tasks?${"q".repeat(20_000)}=1`, undefined, 422, "OPTION_INVALID"],
    ["an id to read", "read", "GET", `/tasks/${"i".repeat(20_000)}`, undefined, 404, "TASK_NOT_FOUND"],
    ["a cursor", "read", "GET", `/tasks?cursor=${"c".repeat(20_000)}`, undefined, 422, "OPTION_INVALID"],
    ["a parameter", "read", "GET", `/tasks?${"c".repeat(20_000)}=1`, undefined, 422, "OPTION_INVALID"],
  ])("of %s is clear and short", async (_, api, method, path, body, status, code) => {
    logged.length = 0;
    const refusal = await ask(api, method, path, body);

    expect(refusal).toMatchObject({ status, body: { status, code } });
    expect(logged).toEqual([]);
    expect(refusal.lambdaBytes).toBeLessThan(10_000);
    expect(refusal.body.detail?.length).toBeLessThan(700);
  });

  it("names the place of a number that would change, and says what to do", async () => {
    const { body } = await ask("submit", "POST", "/tasks/sum", '{"payload":{"list":[1,12345678901234567890]}}');

    expect(body.detail).toBe(
      "The body was refused: at 'payload.list.1' the number 12345678901234567890 would become 12345678901234567000: send it as text.",
    );
  });

  it("says how many issues there are, and shows the first", async () => {
    const list = JSON.stringify({ payload: { list: new Array(10_000).fill("x") } });
    const { body } = await ask("submit", "POST", "/tasks/sum", list);

    expect(body.issues).toHaveLength(20);
    expect(body.issues?.[0]?.path).toEqual(["list", "0"]);
    expect(body.detail).toContain("refused at 'list.0': ");
    expect(body.detail).toContain("(and 9999 more)");
  });
});
