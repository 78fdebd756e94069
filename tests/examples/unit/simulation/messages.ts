/** Lessons about tasks that send others. */

import { expect } from "vitest";
import * as z from "zod";
import { chord, task } from "../../../../shared/index.ts";
import { outside } from "../../../../shared/testing/index.ts";
import { type Lesson, retry, type Told } from "./lesson.ts";

const articles = outside("articles", () => {
  const rows = new Map<string, string>();
  const index = new Set<string>();
  return {
    save: (id: string, text: string) => void rows.set(id, text),
    read: (id: string) => rows.get(id),
    index: (id: string) => void index.add(id),
    indexed: () => [...index],
  };
});

function indexed(order: "send first" | "write first"): Told {
  const id = z.object({ id: z.string() });
  const addToIndex = task({
    name: "index",
    payload: id,
    retry,
    async run({ id }) {
      // It was deleted meanwhile.
      if ((await articles.read(id)) === undefined) return;
      await articles.index(id);
    },
  });
  const save = task({
    name: "save",
    payload: id,
    retry,
    async run({ id }) {
      if (order === "send first") await addToIndex.delay({ id });
      await articles.save(id, "a text");
      if (order === "write first") await addToIndex.delay({ id });
    },
  });
  return {
    tasks: { save, addToIndex },
    async story(app) {
      await save.delay({ id: "one" });
      await app.drain();
      expect(await articles.indexed()).toEqual(["one"]);
    },
  };
}

/** A message may be there before what it speaks of. */
const ownWriteElsewhere: Lesson = { planted: indexed("send first"), mended: indexed("write first") };

const pages = outside("pages", () => {
  const read: string[] = [];
  const reports = new Map<string, number>();
  return {
    note: (page: string) => read.push(page),
    report: (key: string) => void reports.set(key, new Set(read).size),
    reports: () => [...reports.values()],
  };
});
const PAGES = ["a", "b", "c"];
const page = z.object({ page: z.string() });

const report = task({ name: "report", retry, run: (_, { id }) => pages.report(id) });
const readAndCount = task({
  name: "read",
  payload: page,
  retry,
  async run({ page }) {
    const count = await pages.note(page);
    if (count === PAGES.length) await report.delay();
  },
});
const readPage = task({
  name: "read",
  payload: page,
  retry,
  async run({ page }) {
    await pages.note(page);
  },
});

/** A page that is read twice counts twice, and the last one may never be counted as the last. */
const joinByHand: Lesson = {
  planted: reported({
    tasks: { report, read: readAndCount },
    begin: () => Promise.all(PAGES.map((page) => readAndCount.delay({ page }))),
  }),
  mended: reported({
    tasks: { report, read: readPage },
    begin: () =>
      chord(
        PAGES.map((page) => readPage.s({ page })),
        report.si(),
      ).delay(),
  }),
};

/** One report, of all pages. */
function reported({ tasks, begin }: { tasks: Told["tasks"]; begin: () => Promise<unknown> }): Told {
  return {
    tasks,
    async story(app) {
      await begin();
      await app.drain();
      expect(await pages.reports()).toEqual([PAGES.length]);
    },
  };
}

export const messages = { ownWriteElsewhere, joinByHand };
