import { declareStatic } from "../schedules/name.ts";
import type { RegisteredTask } from "./registered-task.ts";
import { createRegistry, type Registry, type TaskModule } from "./registry.ts";

/** A module of a task folder that is loaded when a message asks for one of its tasks; the build lists those of a worker. */
export interface LazyTaskModule {
  file: string;
  /** Names of its tasks as the build has seen them, with those that they had before. */
  names: readonly string[];
  /** Names of its schedule entries. */
  entries: readonly string[];
  load(): Promise<Readonly<Record<string, unknown>>>;
}

/** The tasks of a worker, each with its module loaded when it is looked for. */
export interface TaskLoader {
  /**
   * By its name, or by one that it had before. A name that no module is listed with makes all of them load, for a module may name its
   * tasks by what it finds in its environment.
   * @throws what a module throws while it is loaded
   */
  find(name: string): Promise<RegisteredTask | undefined> | RegisteredTask | undefined;
  /** Every task, with all modules loaded. @throws as {@link createRegistry} does, and what a module throws */
  all(): Promise<Registry>;
}

/**
 * Loads modules as they are needed: a start pays for no task, and the first message of a task for its own module. The build has loaded
 * them all and refused what {@link createRegistry} refuses; modules that are loaded already are looked at here and now.
 * @throws as {@link createRegistry} does
 */
export function createTaskLoader(modules: readonly (TaskModule | LazyTaskModule)[]): TaskLoader {
  const loaded = modules.filter((module) => "exports" in module);
  const lazy = modules.filter((module) => "load" in module);
  const known = createRegistry(loaded);
  if (lazy.length === 0) return { find: known.find, all: async () => known };

  // No entry that is made at run time may have such a name, though the module that declares it is not loaded.
  for (const name of lazy.flatMap(({ entries }) => entries)) declareStatic(name);
  const owners = new Map(lazy.flatMap((module) => module.names.map((name) => [name, module] as const)));
  const registries = new Map<LazyTaskModule, Promise<Registry>>();
  let everything: Promise<Registry> | undefined;

  const load = async ({ file, load: read }: LazyTaskModule): Promise<TaskModule> => ({ file, exports: await read() });
  const registryOf = (module: LazyTaskModule): Promise<Registry> => {
    const registry = registries.get(module) ?? load(module).then((one) => createRegistry([one]));
    registries.set(module, registry);
    return registry;
  };
  const all = (): Promise<Registry> => {
    everything ??= Promise.all(lazy.map(load)).then((rest) => createRegistry([...loaded, ...rest]));
    return everything;
  };
  return {
    all,
    async find(name) {
      const owner = owners.get(name);
      const found = known.find(name) ?? (owner && (await registryOf(owner)).find(name));
      return found ?? (await all()).find(name);
    },
  };
}
