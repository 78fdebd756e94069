import { describe, expect, it } from "vitest";
import { UNDER_WAY_SECONDS } from "../../../shared/lifetimes.ts";
import { createLedger } from "../../../shared/results/once-ledger.ts";
import { onceKey } from "../../../shared/table/keys.ts";
import { createMemoryTable } from "../../../shared/testing/table.ts";

const NOW = new Date("2026-05-13T08:00:00.900Z");

const ground = () => {
  const table = createMemoryTable();
  return { table, ledger: createLedger({ table, clock: () => NOW }) };
};
const entry = (fence: number) => ({ id: "a", key: "charge", fence });

describe("an entry of the ledger", () => {
  it("is open to the first run, and kept as long as a message of its task may be under way", async () => {
    const { table, ledger } = ground();

    expect(await ledger.open(entry(1))).toEqual({ state: "open" });
    expect(await table.get(onceKey("a", "charge"))).toEqual({
      ...onceKey("a", "charge"),
      fence: 1,
      ttl: Math.floor(NOW.getTime() / 1000) + UNDER_WAY_SECONDS,
    });
  });

  it("is open again to the same run and to a newer one, and to no older one", async () => {
    const { ledger } = ground();
    await ledger.open(entry(2));

    expect(await ledger.open(entry(2))).toEqual({ state: "open" });
    expect(await ledger.open(entry(1))).toEqual({ state: "taken" });
    expect(await ledger.open(entry(3))).toEqual({ state: "open" });
    expect(await ledger.open(entry(2))).toEqual({ state: "taken" });
  });

  it("is closed once, by the run that has opened it", async () => {
    const { ledger } = ground();
    await ledger.open(entry(1));
    await ledger.open(entry(2));

    expect(await ledger.close(entry(1), { resultJson: "1" })).toBe(false);
    expect(await ledger.close(entry(2), { resultJson: "2" })).toBe(true);
    expect(await ledger.close(entry(2), { resultJson: "3" })).toBe(false);
    expect(await ledger.open(entry(3))).toEqual({ state: "done", result: 2, version: 1 });
  });

  it("that is done tells every run so, an older one as well", async () => {
    const { ledger } = ground();
    await ledger.open(entry(2));
    await ledger.close(entry(2), { resultJson: '{"paid":true}' });

    expect(await ledger.open(entry(1))).toEqual({ state: "done", result: { paid: true }, version: 1 });
    expect(await ledger.open(entry(9))).toEqual({ state: "done", result: { paid: true }, version: 1 });
  });

  it("counts as done though its result was lost, and says why", async () => {
    const { ledger } = ground();
    await ledger.open(entry(1));

    expect(await ledger.close(entry(1), { lost: "too large" })).toBe(true);
    expect(await ledger.open(entry(2))).toEqual({ state: "lost", reason: "too large" });
    expect(await ledger.close(entry(1), { resultJson: "1" })).toBe(false);
  });
});
