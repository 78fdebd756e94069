import { TaskAlreadyRegisteredError, TaskNotExportedError, TaskNotRegisteredError } from "../errors.ts";
import type { RegisteredTask } from "./registered-task.ts";
import { isTask } from "./task.ts";

/** A module of a task folder with everything that it exports; the build lists them all. */
export interface TaskModule {
  file: string;
  exports: Readonly<Record<string, unknown>>;
}

/** The tasks of a service, by name. */
export interface Registry {
  readonly tasks: readonly RegisteredTask[];
  readonly names: readonly string[];
  /** By its name, or by one that it had before. */
  find(name: string): RegisteredTask | undefined;
  /**
   * @param variable the setting that names the task, if one does
   * @throws TaskNotRegisteredError listing the names that are known
   */
  get(name: string, variable?: string): RegisteredTask;
}

/** All names of the task that has this one, the one of today first: an operator who says one of them means the task. */
export function namesOf(tasks: Pick<Registry, "find">, name: string): readonly string[] {
  const task = tasks.find(name);
  return task === undefined ? [name] : [task.name, ...task.aliases];
}

/**
 * @throws TaskAlreadyRegisteredError for two tasks of one name, or of one that one of them had before
 * @throws TaskNotExportedError for a module that exports no task: it was meant to, or belongs elsewhere
 */
export function createRegistry(modules: readonly TaskModule[]): Registry {
  const known = new Map<string, { task: RegisteredTask; file: string }>();
  for (const { file, exports } of modules) {
    const tasks = Object.values(exports).filter(isTask);
    if (tasks.length === 0) throw new TaskNotExportedError(file);
    for (const task of tasks) {
      const earlier = known.get(task.name);
      // One task exported under two names, or exported again by another module, is still one task.
      if (earlier && earlier.task !== task) throw new TaskAlreadyRegisteredError(task.name, earlier.file, file);
      known.set(task.name, { task, file });
    }
  }
  const names = [...known.keys()].sort();
  const byName = new Map(known);
  for (const { task, file } of known.values()) {
    for (const alias of task.aliases) {
      const earlier = byName.get(alias);
      if (earlier) throw new TaskAlreadyRegisteredError(alias, earlier.file, file);
      byName.set(alias, { task, file });
    }
  }
  return {
    tasks: [...known.values()].map(({ task }) => task),
    names,
    find: (name) => byName.get(name)?.task,
    get(name, variable) {
      const found = byName.get(name);
      if (found === undefined) throw new TaskNotRegisteredError(name, names, variable);
      return found.task;
    },
  };
}
