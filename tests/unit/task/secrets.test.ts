import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { type Json, task } from "../../../shared/index.ts";
import { createSecrets, type SecretPlace } from "../../../shared/task/secrets.ts";

const secret = z.string().meta({ secret: true });
const tree: z.ZodType = z.object({
  key: secret,
  get leaves() {
    return z.array(tree).optional();
  },
});

const secretsOf = (schema: z.ZodType, places: readonly string[] = []) =>
  createSecrets("charge", { payloads: [schema] }, places);
const masked = (schema: z.ZodType, value: Json) => secretsOf(schema).mask("payload", value);

describe("a marked field", () => {
  it.each([
    ["of an object", z.object({ a: z.string(), b: secret }), { a: "1", b: "2" }, { a: "1", b: "[secret]" }],
    ["of items", z.array(z.object({ b: secret })), [{ b: "2" }], [{ b: "[secret]" }]],
    ["of a tuple", z.tuple([z.string(), secret]), ["1", "2"], ["1", "[secret]"]],
    ["of a record", z.record(z.string(), secret), { x: "1" }, { x: "[secret]" }],
    ["of a union", z.union([z.object({ a: z.number() }), z.object({ b: secret })]), { b: "2" }, { b: "[secret]" }],
    [
      "of both",
      z.object({ a: z.string() }).and(z.object({ b: secret })),
      { a: "1", b: "2" },
      { a: "1", b: "[secret]" },
    ],
    ["that is an object", z.object({ a: z.object({}).meta({ secret: true }) }), { a: { b: 1 } }, { a: "[secret]" }],
    ["within itself", tree, { key: "1", leaves: [{ key: "2" }] }, { key: "[secret]", leaves: [{ key: "[secret]" }] }],
    ["beside a date", z.object({ d: z.date().optional(), b: secret }), { b: "2" }, { b: "[secret]" }],
    ["that is transformed", z.object({ b: secret.transform(Number) }), { b: "2" }, { b: "[secret]" }],
    ["by JSON Schema's own word", z.object({ b: z.string().meta({ writeOnly: true }) }), { b: "2" }, { b: "[secret]" }],
    ["under a shared name", z.object({ b: secret.meta({ secret: true, id: "b" }) }), { b: "2" }, { b: "[secret]" }],
    ["that is the payload", secret, "2", "[secret]"],
    ["without a value", z.object({ b: secret.nullable().meta({ secret: true }) }), { b: null }, { b: null }],
    ["that is missing", z.object({ a: z.string(), b: secret.optional() }), { a: "1" }, { a: "1" }],
    ["where a text stands for its object", z.object({ c: z.object({ b: secret }) }), { c: "2" }, { c: "[secret]" }],
    ["where a list stands for its object", z.object({ c: z.object({ b: secret }) }), { c: ["2"] }, { c: "[secret]" }],
    ["where an object stands for its list", z.object({ c: z.array(secret) }), { c: { x: "2" } }, { c: "[secret]" }],
  ] satisfies [string, z.ZodType, Json, Json][])("%s is hidden", (_, schema, value, shown) => {
    const before = structuredClone(value);

    expect(masked(schema, value)).toEqual(shown);
    expect(value).toEqual(before);
  });

  it("is one of valibot and arktype, too", () => {
    const valibot = toStandardJsonSchema(v.object({ b: v.pipe(v.string(), v.metadata({ secret: true })) }));
    const ark = type({ b: type("string").configure({ secret: true } as object) });

    expect(createSecrets("a", { payloads: [valibot] }, []).mask("payload", { b: "2" })).toEqual({ b: "[secret]" });
    expect(createSecrets("a", { payloads: [ark] }, []).mask("payload", { b: "2" })).toEqual({ b: "[secret]" });
  });

  it("leaves a task without one as it is", () => {
    const value = { a: "1" };
    const { secrets } = task({ name: "plain", payload: z.object({ a: z.string() }), run: () => 1 });

    expect(secrets.has("payload")).toBe(false);
    expect(secrets.mask("payload", value)).toBe(value);
  });
});

describe("the option secrets", () => {
  const places = ["result.token", "payload.cards.*.number", "progress"];
  const secrets = secretsOf(z.any(), places);

  it("names places by their path", () => {
    expect(secrets.mask("result", { token: "2", id: 1 })).toEqual({ token: "[secret]", id: 1 });
    expect(secrets.mask("progress", { done: 1 })).toBe("[secret]");
    for (const cards of [[{ number: 1, name: "a" }], { first: { number: 1, name: "a" } }]) {
      expect(secrets.mask("payload", { cards })).toEqual({
        cards: Array.isArray(cards)
          ? [{ number: "[secret]", name: "a" }]
          : { first: { number: "[secret]", name: "a" } },
      });
    }
  });

  it.each([["headers.a"], ["result..a"], ["results"], [""], [7]])("refuses %j", (place) => {
    const secrets = [place] as SecretPlace[];

    expect(() => task({ name: "a", secrets, run: () => 1 })).toThrow("Option 'secrets' has the value");
  });
});

describe("an edited payload", () => {
  const secrets = secretsOf(z.object({ a: z.string(), list: z.array(z.object({ b: secret })).optional(), c: secret }));
  const old = { a: "1", list: [{ b: "x" }, { b: "y" }], c: "z" };

  it("keeps what it does not know, at marked places alone", async () => {
    const edited = { a: "[secret]", list: [{ b: "new" }, { b: "[secret]" }], c: "[secret]" };

    expect(await secrets.restore(edited, () => old)).toEqual({
      a: "[secret]",
      list: [{ b: "new" }, { b: "y" }],
      c: "z",
    });
  });

  it("does not ask for the old one if it is whole", async () => {
    const edited = { a: "2", c: "new" };

    expect(await secrets.restore(edited, () => Promise.reject(new Error("gone")))).toBe(edited);
  });

  it.each([
    ["no value was", { a: "1", c: "[secret]" }, { a: "1" }, "'c'"],
    ["a list has another length", { a: "1", list: [{ b: "[secret]" }], c: "1" }, old, "'list.0.b'"],
  ] satisfies [string, Json, Json, string][])("is refused where %s", async (_, edited, before, place) => {
    await expect(secrets.restore(edited, () => before)).rejects.toThrow(
      `at ${place}: '[secret]' stands for no value that was there before`,
    );
  });
});

describe("complaints of a schema", () => {
  const CARD = "4111-2222-3333";
  const UNSAID = "it does not fit, and the reason is not shown";
  const echoing = (message: (card: unknown) => string, path: string[] = []) =>
    task({
      name: "charge",
      payload: z.object({ card: secret }).superRefine(({ card }, context) => {
        context.addIssue({ code: "custom", message: message(card), path });
      }),
      run: () => 1,
    });
  const refusal = (task: { validate(payload: Json): Promise<unknown> }, payload: Json): Promise<unknown> =>
    task.validate(payload).then(
      () => undefined,
      (error: unknown) => error,
    );

  it.each([
    ["at it", echoing(() => "odd", ["card"]), { card: CARD }],
    ["elsewhere, with all of it", echoing((card) => `odd: ${card}`), { card: CARD }],
    ["elsewhere, with a part of it", echoing((card) => `odd: ${String(card).slice(0, 6)}…`), { card: CARD }],
    ["as JSON", echoing((card) => JSON.stringify({ card })), { card: 'a"\nb' }],
    [
      "of valibot",
      task({
        name: "charge",
        payload: toStandardJsonSchema(v.object({ card: v.pipe(v.string(), v.digits(), v.metadata({ secret: true })) })),
        run: () => 1,
      }),
      { card: CARD },
    ],
    [
      "of arktype, in the place of its object",
      task({
        name: "charge",
        payload: type({ card: { number: type("string").configure({ secret: true } as object) } }),
        run: () => 1,
      }),
      { card: CARD },
    ],
  ])("are not told %s", async (_, task, payload) => {
    const error = await refusal(task, payload);

    expect(String(error)).toContain(UNSAID);
    for (const text of [JSON.stringify(error), String(error)]) {
      expect(text).not.toContain(payload.card.slice(0, 4));
      expect(text).not.toContain(JSON.stringify(payload.card).slice(1, -1));
    }
  });

  it("are told where they repeat none", async () => {
    expect(
      String(
        await refusal(
          echoing(() => "the day is over"),
          { card: CARD },
        ),
      ),
    ).toContain("the day is over");
    expect(
      String(
        await refusal(
          echoing(() => "odd"),
          {},
        ),
      ),
    ).toContain("at 'card': Invalid input: expected string");
  });

  it("are not told by an error that the schema throws", async () => {
    const payload = z.object({ card: secret }).transform(({ card }) => {
      throw new Error(`cannot read ${card}`);
    });
    const error = await refusal(task({ name: "charge", payload, run: () => 1 }), { card: CARD });

    expect(String(error)).toContain("repeats a secret");
    expect(error).toMatchObject({ cause: { message: expect.not.stringContaining(CARD) } });
  });
});
