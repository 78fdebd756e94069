import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { createOpenApi } from "../../../shared/http/openapi.ts";
import { chain, task } from "../../../shared/index.ts";
import { testApp } from "../../../shared/testing/index.ts";

const RETRY = { maxRetries: 3, backoff: { base: 1, max: 1 } };
const order = z.object({ cents: z.int().positive(), by: z.enum(["card", "cash"]).default("card") });
const pay = task({
  name: "pay",
  payload: z.object({ cents: z.number() }),
  retry: RETRY,
  result: order,
  run: ({ cents }) => ({ cents, internal: "not for callers" }),
});

describe("a result with a schema", () => {
  it("is stored, and given to hooks, as the schema gives it", async () => {
    const told: unknown[] = [];
    const hooked = task({
      name: "hooked",
      result: order,
      hooks: { onSuccess: (result) => void told.push(result) },
      run: () => ({ cents: 5, more: 1 }),
    });
    const app = await testApp({ tasks: { pay, hooked } });
    const paid = await pay.delay({ cents: 5 });
    await hooked.delay();
    await app.drain();

    expect(await paid.get()).toEqual({ cents: 5, by: "card" });
    expect(told).toEqual([{ cents: 5, by: "card" }]);
  });

  it("is a failure where the schema refuses it, and not run again", async () => {
    const app = await testApp({ tasks: { pay } });
    const { id } = await pay.delay({ cents: -5 });
    await app.drain({ failures: "keep" });

    expect(await app.app.results.read(id)).toMatchObject({
      state: "FAILURE",
      error: {
        code: "RESULT_INVALID",
        message: expect.stringMatching(
          /^Result of task 'pay' cannot be stored: its schema refused it at 'cents': .*\. The task has run and is not run again; return what the schema takes\.$/,
        ),
      },
    });
    expect(app.runs).toHaveLength(1);
  });

  it.each([
    [
      "at once",
      z.unknown().refine(() => {
        throw new Error("no rates today");
      }),
    ],
    ["later", z.unknown().refine(async () => Promise.reject(new Error("no rates today")))],
  ])("is a failure where the schema throws %s", async (_, result) => {
    const thrown = task({ name: "thrown", retry: RETRY, result, run: () => 1 });
    const app = await testApp({ tasks: { thrown } });
    const { id } = await thrown.delay();
    await app.drain({ failures: "keep" });

    const record = await app.app.results.read(id);
    expect(record?.error).toMatchObject({ code: "RESULT_INVALID", message: expect.stringContaining("no rates today") });
    expect(app.runs).toHaveLength(1);
  });

  it("goes on through a workflow as the schema gives it", async () => {
    const show = task({
      name: "show",
      payload: z.strictObject({ cents: z.number(), by: z.string() }),
      run: (it) => it,
    });
    const app = await testApp({ tasks: { pay, show } });
    const shown = await chain(pay.s({ cents: 7 }), show.s()).delay();
    await app.drain();

    expect(await shown.get()).toEqual({ cents: 7, by: "card" });
  });

  it("may be one of valibot and arktype, too", async () => {
    const ofValibot = task({ name: "valibot", result: v.object({ n: v.number() }), run: () => ({ n: 1, m: 2 }) });
    const ofArk = task({ name: "ark", result: type({ n: "number > 5" }), run: () => ({ n: 1 }) });
    const app = await testApp({ tasks: { ofValibot, ofArk } });
    const [first, second] = [await ofValibot.delay(), await ofArk.delay()];
    await app.drain({ failures: "keep" });

    expect(await first.get()).toEqual({ n: 1 });
    expect(await app.app.results.read(second.id)).toMatchObject({ error: { code: "RESULT_INVALID" } });
  });

  it("marks secrets, which no sentence repeats", async () => {
    const token = z
      .string()
      .regex(/^t-/, { error: ({ input }) => `${String(input)} is no token` })
      .meta({ secret: true });
    const login = task({
      name: "login",
      payload: z.object({ token: z.string() }),
      result: z.object({ token }),
      run: ({ token }) => ({ token }),
    });
    const app = await testApp({ tasks: { login } });
    const { id } = await login.delay({ token: "k-81" });
    await app.drain({ failures: "keep" });

    expect(login.secrets.mask("result", { token: "t-81" })).toEqual({ token: "[secret]" });
    const { error } = { ...(await app.app.results.read(id)) };
    expect(error?.message).toContain("the reason is not shown, for it may repeat a secret");
    expect(JSON.stringify(error)).not.toContain("k-81");
  });

  it("stands in the contract, beside the call that sends its task", () => {
    const unsaid = task({ name: "unsaid", result: v.number(), run: () => 1 });
    const document = JSON.parse(JSON.stringify(createOpenApi([pay, unsaid], "https://api.example.com")));

    expect(document.paths["/tasks/pay"].post["x-result"]).toEqual({ $ref: "#/components/schemas/result_pay" });
    expect(document.components.schemas.result_pay).toMatchObject({
      required: ["cents", "by"],
      properties: { by: { enum: ["card", "cash"] } },
    });
    expect(document.paths["/tasks/unsaid"].post).not.toHaveProperty("x-result");
  });

  it("is no other thing than a schema", () => {
    expect(() => task({ name: "a", result: {} as never, run: () => 1 })).toThrow(
      "Option 'result' has the value {}: expected a Standard Schema; for results of any kind, leave it out.",
    );
  });
});
