/** Lessons about an effect that happens too often, or never. */

import { expect } from "vitest";
import * as z from "zod";
import { task } from "../../../../shared/index.ts";
import { outside } from "../../../../shared/testing/index.ts";
import { type Lesson, retry, type Told } from "./lesson.ts";

const order = z.object({ order: z.string(), customer: z.string() });

/** A payment provider. A key that it has seen is the same charge. */
const bank = outside("bank", () => {
  const charges = new Map<string, string>();
  return {
    charge: (of: string, key = `charge ${charges.size}`) => void charges.set(key, charges.get(key) ?? of),
    charges: () => [...charges.values()].toSorted(),
  };
});

/** Ships what was paid for. */
const warehouse = outside("warehouse", () => {
  const shipped = new Set<string>();
  return { ship: (of: string) => void shipped.add(of), shipped: () => [...shipped].toSorted() };
});

/** Each of two orders is charged, and once. */
function chargedOnce(pay: ReturnType<typeof payment>): Told {
  return {
    tasks: { pay },
    async story(app) {
      await pay.delay({ order: "books", customer: "ann" });
      await pay.delay({ order: "chairs", customer: "ann" });
      await app.drain();
      expect(await bank.charges()).toEqual(["books", "chairs"]);
    },
  };
}

function payment(run: Parameters<typeof define>[0]) {
  return define(run);
}

function define(run: (payload: z.infer<typeof order>, ctx: { id: string; attempt: number }) => Promise<void>) {
  return task({ name: "pay", payload: order, retry, run });
}

/** A message may come twice, and a worker may die behind the charge. */
const noIdempotency: Lesson = {
  planted: chargedOnce(payment(({ order }) => bank.charge(order))),
  mended: chargedOnce(payment(({ order }, { id }) => bank.charge(order, id))),
};

/** The key changes with each attempt: the provider takes the second one for another charge. */
const retryThatRepeats: Lesson = {
  planted: chargedOnce(
    payment(async ({ order }, { id, attempt }) => {
      await bank.charge(order, `${id}-${attempt}`);
      await warehouse.ship(order);
    }),
  ),
  mended: chargedOnce(
    payment(async ({ order }, { id }) => {
      await bank.charge(order, id);
      await warehouse.ship(order);
    }),
  ),
};

/** A customer may order twice. */
const keyThatIsNotUnique: Lesson = {
  planted: chargedOnce(payment(({ order, customer }) => bank.charge(order, customer))),
  mended: chargedOnce(payment(({ order, customer }) => bank.charge(order, `${customer} ${order}`))),
};

/** Notes which orders have been shipped. */
const notes = outside("notes", () => {
  const taken = new Set<string>();
  return {
    has: (of: string) => taken.has(of),
    take(of: string) {
      const isNew = !taken.has(of);
      taken.add(of);
      return isNew;
    },
  };
});

function shippedInTheEnd(run: (order: string) => Promise<void>): Told {
  const ship = task({ name: "ship", payload: order, retry, run: ({ order }) => run(order) });
  return {
    tasks: { ship },
    async story(app) {
      await ship.delay({ order: "books", customer: "ann" });
      await app.drain();
      expect(await warehouse.shipped()).toEqual(["books"]);
    },
  };
}

/** A worker that dies behind the note has shipped nothing, and nobody will. */
const atMostOnce: Lesson = {
  planted: shippedInTheEnd(async (order) => {
    if (await notes.take(order)) await warehouse.ship(order);
  }),
  mended: shippedInTheEnd(async (order) => {
    if (await notes.has(order)) return;
    // The warehouse takes a second one for the same: dying before the note is harmless.
    await warehouse.ship(order);
    await notes.take(order);
  }),
};

export const payments = { noIdempotency, retryThatRepeats, keyThatIsNotUnique, atMostOnce };
