/** The test kit: the real engine on a cloud in memory, with a turned clock. docs/guide/08-testing.md shows how. */

export {
  type Drained,
  type DrainOptions,
  type SentTask,
  type TestApp,
  type TestAppOptions,
  type TestRun,
  testApp,
} from "./app.ts";
export { TasksFailedError } from "./failures.ts";
export { matchers } from "./matchers.ts";
