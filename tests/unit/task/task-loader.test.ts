import { describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { task } from "../../../shared/index.ts";
import { isStatic } from "../../../shared/schedules/name.ts";
import { createTaskLoader, type LazyTaskModule } from "../../../shared/task/task-loader.ts";

const named = (name: string, aliases: readonly string[] = []) =>
  task({ name, aliases, payload: z.object({}), run: () => name });
const [add, mail, late] = [named("add", ["plus"]), named("mail"), named("late")];

/** A module that tells whether it was loaded. */
function lazy(file: string, names: readonly string[], exports: Record<string, unknown>) {
  const load = vi.fn(async () => exports);
  return { file, names, entries: [], load } satisfies LazyTaskModule;
}

describe("the tasks of a worker", () => {
  it("load a module when a message asks for a task of it, and once, however many ask at once", async () => {
    const [math, mails] = [lazy("math.ts", ["add", "plus"], { add }), lazy("mails.ts", ["mail"], { mail })];
    const tasks = createTaskLoader([math, mails]);

    expect(math.load).not.toHaveBeenCalled();
    expect(await Promise.all([tasks.find("add"), tasks.find("plus"), tasks.find("add")])).toEqual([add, add, add]);
    expect(math.load).toHaveBeenCalledOnce();
    expect(mails.load).not.toHaveBeenCalled();
  });

  it("load all modules for a name that none is listed with, for a name may come from the environment", async () => {
    const [math, odd] = [lazy("math.ts", ["add", "plus"], { add }), lazy("odd.ts", ["of-the-build"], { late })];
    const tasks = createTaskLoader([math, odd]);

    expect(await tasks.find("late")).toBe(late);
    expect(await tasks.find("of-the-build")).toBeUndefined();
    expect(await tasks.find("nobody")).toBeUndefined();
    expect((await tasks.all()).names).toEqual(["add", "late"]);
  });

  it("are those of modules that are loaded already, too", async () => {
    const mails = lazy("mails.ts", ["mail"], { mail });
    const tasks = createTaskLoader([{ file: "math.ts", exports: { add } }, mails]);

    expect(await tasks.find("plus")).toBe(add);
    expect(mails.load).not.toHaveBeenCalled();
    expect((await tasks.all()).names).toEqual(["add", "mail"]);
  });

  it("are refused at once where two of one name are loaded, and with all where they come later", async () => {
    const twice = named("add");
    const sentence = "Task 'add' is exported by both a.ts and b.ts";

    expect(() =>
      createTaskLoader([
        { file: "a.ts", exports: { add } },
        { file: "b.ts", exports: { twice } },
      ]),
    ).toThrow(sentence);
    const tasks = createTaskLoader([lazy("a.ts", ["add"], { add }), lazy("b.ts", ["add"], { twice })]);
    await expect(tasks.all()).rejects.toThrow(sentence);
  });

  it("of other modules do not suffer from one that throws", async () => {
    const broken = lazy("broken.ts", ["late"], {});
    broken.load.mockRejectedValue(new Error("no key"));
    const tasks = createTaskLoader([lazy("math.ts", ["add", "plus"], { add }), broken]);

    await expect(Promise.resolve(tasks.find("late"))).rejects.toThrow("no key");
    expect(await tasks.find("add")).toBe(add);
  });

  it("leave no name of a declared entry to one that is made at run time, though its module is not loaded", () => {
    createTaskLoader([{ ...lazy("mails.ts", ["mail"], { mail }), entries: ["every-morning-of-a-lazy-module"] }]);

    expect(isStatic("every-morning-of-a-lazy-module")).toBe(true);
  });
});
