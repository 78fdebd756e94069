import { room } from "./tests/mutation/rooms.ts";

/** Mutation tests of one room: `ROOM=beat npm run mutation`, or worker, results, limits. A room takes a few minutes. */
export default {
  mutate: [...room.mutate],
  testRunner: "vitest",
  plugins: ["@stryker-mutator/vitest-runner"],
  // Without `related`, vitest does not look for the tests of a file by its imports: the room names them.
  vitest: { configFile: "tests/mutation/vitest.config.ts", related: false },
  coverageAnalysis: "perTest",
  concurrency: 1,
  timeoutMS: 5000,
  // Stryker would rewrite tsconfig.json with an API that TypeScript 7 does not have.
  tsconfigFile: "none",
  reporters: ["clear-text", "progress-append-only", "json"],
  jsonReporter: { fileName: `.serverless/mutation-${room.name}.json` },
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  tempDirName: ".serverless/stryker",
  ignorePatterns: ["node_modules/.cache", ".serverless", ".git", ".lovage"],
  thresholds: { high: 95, low: 85, break: room.score },
};
