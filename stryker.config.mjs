/**
 * Mutation tests of one room: `ROOM=beat npm run mutation`, or worker, results, limits. Each mutant runs that room's tests in processes
 * of its own, for Stryker's runner for vitest does not switch mutants in vitest 5. A room takes from an hour to a night.
 */

const ROOMS = {
  beat: { tests: ["tests/unit/beat"], score: 0 },
  limits: {
    tests: ["limits", "keys", "rate-limit", "bursts"].map((name) => `tests/integration/engine/${name}.test.ts`),
    score: 0,
  },
  results: {
    tests: ["tests/unit/results", "store", "list", "once", "idempotency", "large"].map(integration),
    score: 0,
  },
  worker: {
    tests: ["tests/unit/worker", "life", "redelivery", "runs", "bounds", "outcomes", "fifo"].map(integration),
    score: 0,
  },
};

function integration(name) {
  return name.includes("/") ? name : `tests/integration/engine/${name}.test.ts`;
}

const name = process.env.ROOM ?? "beat";
const room = ROOMS[name];
if (room === undefined)
  throw new Error(`There is no room '${name}': expected one of ${Object.keys(ROOMS).join(", ")}.`);

export default {
  mutate: [`shared/${name}/**/*.ts`],
  testRunner: "command",
  commandRunner: {
    command: `vitest run --project unit --project integration --bail 1 --reporter dot ${room.tests.join(" ")}`,
  },
  concurrency: 2,
  timeoutMS: 60_000,
  tsconfigFile: "none",
  reporters: ["clear-text", "progress-append-only"],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  tempDirName: ".serverless/stryker",
  ignorePatterns: ["node_modules/.cache", ".serverless", ".git", ".lovage"],
  // The score that was measured last; a lower one fails.
  thresholds: { high: 95, low: 85, break: room.score },
};
