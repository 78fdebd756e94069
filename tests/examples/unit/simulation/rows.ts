/** Lessons about rows that several runs read and write. */

import { expect } from "vitest";
import * as z from "zod";
import { task } from "../../../../shared/index.ts";
import { outside } from "../../../../shared/testing/index.ts";
import { type Lesson, retry, type Told } from "./lesson.ts";

const users = outside("users", () => {
  const rows: { email: string; by: string }[] = [];
  return {
    has: (email: string) => rows.some((row) => row.email === email),
    insert: (email: string, by: string) => void rows.push({ email, by }),
    insertIfNew(email: string, by: string) {
      if (!rows.some((row) => row.email === email)) rows.push({ email, by });
    },
    emails: () => rows.map(({ email }) => email),
  };
});

function oneUser(run: (email: string, id: string) => Promise<void>): Told {
  const payload = z.object({ email: z.string() });
  const signUp = task({ name: "sign_up", payload, retry, run: ({ email }, { id }) => run(email, id) });
  return {
    tasks: { signUp },
    async story(app) {
      await Promise.all([signUp.delay({ email: "ann@example.com" }), signUp.delay({ email: "ann@example.com" })]);
      await app.drain();
      expect(await users.emails()).toEqual(["ann@example.com"]);
    },
  };
}

/** Between the look and the act somebody else may act. */
const checkThenAct: Lesson = {
  planted: oneUser(async (email, id) => {
    if (!(await users.has(email))) await users.insert(email, id);
  }),
  mended: oneUser((email, id) => users.insertIfNew(email, id)),
};

const accounts = outside("accounts", () => {
  let balance = 0;
  const booked = new Set<string>();
  return {
    read: () => balance,
    write(value: number) {
      balance = value;
    },
    book(amount: number, key: string) {
      if (!booked.has(key)) balance += amount;
      booked.add(key);
    },
  };
});

function addedUp(run: (amount: number, id: string) => Promise<void>): Told {
  const payload = z.object({ amount: z.number() });
  const book = task({ name: "book", payload, retry, run: ({ amount }, { id }) => run(amount, id) });
  return {
    tasks: { book },
    async story(app) {
      for (const amount of [1, 10, 100]) await book.delay({ amount });
      await app.drain();
      expect(await accounts.read()).toBe(111);
    },
  };
}

/** Two runs read the same balance, and the later write undoes the earlier one. */
const lostUpdate: Lesson = {
  planted: addedUp(async (amount) => {
    const balance = await accounts.read();
    await accounts.write(balance + amount);
  }),
  mended: addedUp((amount, id) => accounts.book(amount, id)),
};

interface Parcel {
  state: string;
  version: number;
}

const parcels = outside("parcels", () => {
  let parcel: Parcel = { state: "new", version: 0 };
  return {
    state: () => parcel.state,
    put(next: Parcel) {
      parcel = next;
    },
    putIfNewer(next: Parcel) {
      if (next.version > parcel.version) parcel = next;
    },
  };
});

function lastState(put: (parcel: Parcel) => Promise<void>): Told {
  const payload = z.object({ state: z.string(), version: z.number() });
  const track = task({ name: "track", payload, retry, run: put });
  return {
    tasks: { track },
    async story(app) {
      await track.delay({ state: "sent", version: 1 });
      await track.delay({ state: "delivered", version: 2 });
      await app.drain();
      expect(await parcels.state()).toBe("delivered");
    },
  };
}

/** A standard queue keeps no order. */
const orderAssumed: Lesson = {
  planted: lastState((parcel) => parcels.put(parcel)),
  mended: lastState((parcel) => parcels.putIfNewer(parcel)),
};

function newestName(versionOf: (sequence: number) => number): Told {
  const payload = z.object({ name: z.string(), sequence: z.number() });
  const rename = task({
    name: "rename",
    payload,
    retry,
    run: ({ name, sequence }) => parcels.putIfNewer({ state: name, version: versionOf(sequence) }),
  });
  return {
    tasks: { rename },
    async story(app) {
      await rename.delay({ name: "first", sequence: 1 });
      await app.drain();
      await rename.delay({ name: "second", sequence: 2 });
      await app.drain();
      expect(await parcels.state()).toBe("second");
    },
  };
}

/** Each worker has a clock of its own: one that is behind loses against what was written before. */
const clockAssumed: Lesson = {
  planted: newestName(() => Date.now()),
  mended: newestName((sequence) => sequence),
};

export const rows = { checkThenAct, lostUpdate, orderAssumed, clockAssumed };
