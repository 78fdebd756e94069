import { expect, it } from "vitest";
import { createTurns } from "../../../../localstack/mapping/turns.ts";

const { signal } = new AbortController();

it("as many turns as the limit are given at once, and the others in the order in which they were asked for", async () => {
  const turns = createTurns(2);
  const begun: number[] = [];
  const asked = [1, 2, 3, 4].map(async (number) => {
    const end = await turns.take(signal);
    begun.push(number);
    return end;
  });

  const first = await asked[0];
  await asked[1];
  const atOnce = [...begun];
  first?.();
  (await asked[2])?.();
  await asked[3];

  expect([atOnce, begun]).toEqual([
    [1, 2],
    [1, 2, 3, 4],
  ]);
});

it("turns are taken until each of them has ended", async () => {
  const turns = createTurns(1);
  const before = turns.areTaken();

  const end = await turns.take(signal);
  const next = turns.take(signal);
  const during = turns.areTaken();
  end?.();
  const passedOn = turns.areTaken();
  (await next)?.();

  expect([before, during, passedOn, turns.areTaken()]).toEqual([false, true, true, false]);
});

it("who gives up while waiting leaves the line, and its turn goes to the next", async () => {
  const turns = createTurns(1);
  const leaving = new AbortController();
  const end = await turns.take(signal);

  const abandoned = turns.take(leaving.signal);
  const next = turns.take(signal);
  leaving.abort();
  end?.();

  expect(await abandoned).toBeUndefined();
  expect(await next).toBeTypeOf("function");
  expect(await turns.take(leaving.signal)).toBeUndefined();
});
