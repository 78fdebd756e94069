import { describe, expect, expectTypeOf, it } from "vitest";
import * as z from "zod";
import { type TaskContext, task } from "../../../shared/index.ts";
import type { Json } from "../../../shared/message/json.ts";

const first = z.object({ customer: z.string() });
const second = z.object({ customerId: z.string(), cents: z.coerce.number() });
const newest = z.object({ customerId: z.string(), amount: z.object({ cents: z.int(), currency: z.string() }) });

const invoice = task({
  name: "invoice",
  versions: [
    { schema: first, upgrade: ({ customer }) => ({ customerId: `c-${customer}`, cents: "5" }) },
    { schema: second, upgrade: async ({ customerId, cents }) => ({ customerId, amount: { cents, currency: "EUR" } }) },
  ],
  payload: newest,
  run: ({ customerId, amount }) => `${customerId} ${amount.cents} ${amount.currency}`,
});

/** Nothing of it is asked for here. */
const context = {} as TaskContext;
const run = (one: Pick<typeof invoice, "execute">, payload: Json, version: number) =>
  one.execute(payload, context, { version });

describe("versions of a payload", () => {
  it.each<[number, Json]>([
    [1, { customer: "7" }],
    [2, { customerId: "c-7", cents: 5 }],
    [3, { customerId: "c-7", amount: { cents: 5, currency: "EUR" } }],
  ])("of version %i come to the same run", async (version, payload) => {
    expect(await run(invoice, payload, version)).toBe("c-7 5 EUR");
    await expect(invoice.validate(payload, version)).resolves.toEqual({});
  });

  it("are numbered from the oldest that is left, and one that was taken out is refused in a sentence", async () => {
    const later = task({
      name: "invoice",
      versions: [
        { schema: second, upgrade: ({ customerId, cents }) => ({ customerId, amount: { cents, currency: "USD" } }) },
      ],
      oldestVersion: 2,
      payload: newest,
      run: ({ amount }) => amount.currency,
    });

    expect([later.oldestVersion, later.payloadVersion]).toEqual([2, 3]);
    expect(await run(later, { customerId: "c", cents: 5 }, 2)).toBe("USD");
    await expect(run(later, { customer: "7" }, 1)).rejects.toMatchObject({
      code: "PAYLOAD_INVALID",
      message: expect.stringContaining("it is of version 1, and this service reads 2 to 3"),
    });
    await expect(run(later, {}, 4)).rejects.toMatchObject({ code: "PAYLOAD_NEWER" });
  });

  it("say which of them refused what", async () => {
    const wrong = task({
      name: "wrong",
      // @ts-expect-error whoever has no compiler
      versions: [{ schema: first, upgrade: ({ customer }) => ({ customer }) }],
      payload: newest,
      run: () => 1,
    });

    await expect(run(invoice, { customer: 7 }, 1)).rejects.toThrow(/at 'customer': .* \(in version 1 of it\)/);
    await expect(run(invoice, { customerId: "a", cents: "x" }, 2)).rejects.toThrow(/\(in version 2 of it\)/);
    await expect(run(wrong, { customer: "7" }, 1)).rejects.toThrow(
      /at 'customerId': .* \(after its upgrade from version 1\)/,
    );
  });

  it.each<[string, () => unknown, string]>([
    ["nothing", () => undefined, "PAYLOAD_INVALID"],
    ["what JSON cannot hold", () => ({ customerId: 1n }), "PAYLOAD_INVALID"],
    ["a promise of nothing", async () => undefined, "PAYLOAD_INVALID"],
    [
      "a number that is none",
      () => ({ customerId: "a", amount: { cents: Number.NaN, currency: "EUR" } }),
      "PAYLOAD_INVALID",
    ],
  ])("refuse %s of an upgrade", async (_, upgrade, code) => {
    const bad = task({
      name: "bad",
      // @ts-expect-error whoever has no compiler
      versions: [{ schema: first, upgrade }],
      payload: newest,
      run: () => 1,
    });

    await expect(run(bad, { customer: "7" }, 1)).rejects.toMatchObject({ code });
    await expect(bad.validate({ customer: "7" }, 1)).rejects.toMatchObject({ code });
  });

  it("leave an error of an upgrade as it is for the run, which may be retried, and tell it to a caller as a refusal", async () => {
    const failing = task({
      name: "failing",
      versions: [
        {
          schema: first,
          upgrade: (): { customerId: string; amount: { cents: number; currency: string } } => {
            throw new RangeError("no such customer");
          },
        },
      ],
      payload: newest,
      run: () => 1,
    });

    await expect(run(failing, { customer: "7" }, 1)).rejects.toThrow(RangeError);
    await expect(failing.validate({ customer: "7" }, 1)).rejects.toMatchObject({
      code: "PAYLOAD_INVALID",
      message: expect.stringContaining("its schema or its upgrade threw RangeError: no such customer"),
    });
  });

  it("may be a thousand", async () => {
    const count = z.object({ n: z.int() });
    const versions = Array.from({ length: 1000 }, () => ({
      schema: count,
      upgrade: ({ n }: { n: number }) => ({ n: n + 1 }),
    }));
    const counts = task({ name: "counts", versions, payload: count, run: ({ n }) => n });

    expect(counts.payloadVersion).toBe(1001);
    expect(await counts.execute({ n: 0 }, context, { version: 1 })).toBe(1000);
  });

  it.each<[object, string]>([
    [{ versions: first }, "a list of { schema, upgrade }"],
    [{ versions: [{ schema: first }] }, "a list of { schema, upgrade }"],
    [{ versions: [{ upgrade: () => 1 }] }, "a list of { schema, upgrade }"],
    [{ versions: [{ schema: first, upgrade: () => 1, downgrade: () => 1 }] }, "a list of { schema, upgrade }"],
    [{ versions: [null] }, "a list of { schema, upgrade }"],
    [{ oldestVersion: 0 }, "a whole number from 1 to 10000"],
    [{ oldestVersion: Number.NaN }, "a whole number from 1 to 10000"],
    [{ oldestVersion: 1e9 }, "a whole number from 1 to 10000"],
    [{ aliases: "old" }, "other names of the task"],
    [{ aliases: ["declares"] }, "other names of the task"],
    [{ aliases: ["1"] }, "other names of the task"],
  ])("are refused as %j", (options, sentence) => {
    const declare = () => task({ name: "declares", payload: newest, run: () => 1, ...options });
    expect(declare).toThrow(sentence);
  });

  it("have their secrets hidden in each version", () => {
    const pay = task({
      name: "pay",
      versions: [
        {
          schema: z.object({ card: z.string().meta({ secret: true }) }),
          upgrade: ({ card }) => ({ method: { number: card } }),
        },
      ],
      payload: z.object({ method: z.object({ number: z.string().meta({ secret: true }) }) }),
      run: () => 1,
    });

    expect(pay.secrets.mask("payload", { card: "4111" })).toEqual({ card: "[secret]" });
    expect(pay.secrets.mask("payload", { method: { number: "4111" } })).toEqual({ method: { number: "[secret]" } });
  });

  it("do not compile where an upgrade makes something else than the next version takes", () => {
    task({
      name: "a",
      versions: [
        // @ts-expect-error 'cents' is missing
        { schema: first, upgrade: ({ customer }) => ({ customerId: customer }) },
        { schema: second, upgrade: ({ customerId, cents }) => ({ customerId, amount: { cents, currency: "EUR" } }) },
      ],
      payload: newest,
      run: () => 1,
    });
    task({
      name: "b",
      versions: [
        // @ts-expect-error version 1 has no 'name'

        { schema: first, upgrade: ({ name }) => ({ customerId: name, amount: { cents: 1, currency: "EUR" } }) },
      ],
      payload: newest,
      run: () => 1,
    });
    task({
      name: "c",
      versions: [
        // @ts-expect-error out of order
        { schema: second, upgrade: ({ customerId, cents }) => ({ customerId, amount: { cents, currency: "EUR" } }) },
        // @ts-expect-error out of order
        { schema: first, upgrade: ({ customer }) => ({ customerId: customer, cents: 1 }) },
      ],
      payload: newest,
      run: () => 1,
    });
    expectTypeOf(invoice.delay)
      .parameter(0)
      .toEqualTypeOf<{ customerId: string; amount: { cents: number; currency: string } }>();
    expectTypeOf(invoice.name).toEqualTypeOf<"invoice">();
  });
});
