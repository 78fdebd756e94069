/** The test kit: the real engine on a cloud in memory, with a turned clock. docs/guide/08-testing.md shows how. */

export { type TestApp, type TestAppOptions, testApp } from "./app.ts";
export { TasksFailedError } from "./failures.ts";
export type { Drained, DrainOptions, SentTask, TestQueues, TestRun } from "./ground.ts";
export { matchers } from "./matchers.ts";
export type { Fault, FaultKind } from "./simulation/faults.ts";
export { NotEndedError, type SimulatedApp } from "./simulation/life.ts";
export { type Outside, outside } from "./simulation/outside.ts";
export { type Simulated, type SimulateOptions, SimulationError, simulate } from "./simulation/simulate.ts";
