/** Mistakes in a service itself: its settings, its modules, its schedules. */

import { cut, echo } from "../echo.ts";
import { MAX_REASON_CHARS, TaskError } from "./base.ts";

/** An environment variable or configuration option cannot be used. */
export class ConfigError extends TaskError {
  constructor(variable: string, value: string | undefined, expected: string, fix: string) {
    const found = value === undefined ? "is not set" : `has the value ${echo(value)}`;
    super("CONFIG_INVALID", `Configuration '${variable}' ${found}: expected ${expected}. ${fix}`, { variable, value });
  }
}

/** Two different tasks claim one name. */
export class TaskAlreadyRegisteredError extends TaskError {
  constructor(task: string, first: string, second: string) {
    super(
      "TASK_ALREADY_REGISTERED",
      `Task '${task}' is exported ${first === second ? `twice by ${first}` : `by both ${first} and ${second}`}: expected one task per name. Rename one of them.`,
      { task, first, second },
    );
  }
}

/** A module lies in handlers/tasks/ but exports no task. */
export class TaskNotExportedError extends TaskError {
  constructor(file: string) {
    super(
      "TASK_NOT_EXPORTED",
      `Module ${file} exports no task: expected at least one made by task(). Export it, or move code that is no task into a subfolder.`,
      { file },
    );
  }
}

/** A schedule expression, crontab field or time zone cannot be used. */
export class InvalidScheduleError extends TaskError {
  /** @param subject e.g. `hour '24' in schedule 'cron(0 24 * * ? *)'` */
  constructor(subject: string, expected: string) {
    super("SCHEDULE_INVALID", `Invalid ${cut(subject, MAX_REASON_CHARS)}: expected ${expected}.`, { subject });
  }
}

/** No schedule entry has that name. */
export class ScheduleNotFoundError extends TaskError {
  constructor(name: string) {
    super(
      "SCHEDULE_NOT_FOUND",
      `No schedule entry has the name ${echo(name)}: expected one that GET /schedules lists.`,
      {
        name,
      },
    );
  }
}

/** An entry was to be made that is there already. */
export class ScheduleExistsError extends TaskError {
  constructor(name: string) {
    super(
      "SCHEDULE_EXISTS",
      `Schedule entry ${echo(name)} exists: expected a name that no entry has. Use put to replace it, or change.`,
      { name },
    );
  }
}

/** An entry is not the one that was to be changed. */
export class ScheduleChangedError extends TaskError {
  constructor(name: string) {
    super(
      "SCHEDULE_CHANGED",
      `Schedule entry ${echo(name)} was left as it is: it is not the edition that was to be changed. Read it, and change what you find.`,
      { name },
    );
  }
}

/** An entry of `beatSchedule` was to be changed. */
export class StaticScheduleError extends TaskError {
  constructor(name: string) {
    super(
      "SCHEDULE_STATIC",
      `Schedule entry ${echo(name)} is declared by the service's code: expected a name that beatSchedule does not use. It can be paused, resumed and run here; change it in the code.`,
      { name },
    );
  }
}
