import type { Schedules } from "../../../shared/entries/schedules.ts";
import { schedules, type Task } from "../../../shared/index.ts";

/** Each function of `schedules`, called as a task would; complete by its type. */
export function scheduleWorks(child: Task<{ text?: string | undefined }, unknown>): {
  [K in keyof Schedules]: () => unknown;
} {
  const entryOf = async (name: string): Promise<string> => {
    const schedule = { task: child, payload: {}, schedule: "0 8 * * *", overlap: "skip" } as const;
    return (await schedules.put(name, schedule)).name;
  };
  return {
    create: () =>
      schedules.create("role-create", { task: child, payload: {}, schedule: "at(2190-01-01T00:00:00)" }).then(() => 1),
    put: () => entryOf("role-put"),
    change: async () => (await schedules.change(await entryOf("role-change"), { jitter: 5 })).name,
    get: async () => (await schedules.get(await entryOf("role-get"))).name,
    history: async () => (await schedules.history(await entryOf("role-history"))).length,
    list: async () => (await schedules.list()).length,
    pause: async () => [await schedules.pause(await entryOf("role-pause")), await schedules.pause("entry")].length,
    resume: async () => [await schedules.resume(await entryOf("role-pause")), await schedules.resume("entry")].length,
    delete: async () => schedules.delete(await entryOf("role-delete")),
    run: async () => (await schedules.run(await entryOf("role-run"), child)).id,
    preview: () => schedules.preview({ schedule: "0 8 * * *" }).next[0],
  };
}
