import { defineConfig } from "vitest/config";

/** The tests that judge mutants of the engine (npm run mutation): those that need no process of their own. */
export default defineConfig({
  test: {
    globalSetup: ["tests/helpers/compile-template.ts"],
    include: ["tests/unit/**/*.test.ts", "tests/integration/engine/**/*.test.ts"],
    exclude: ["tests/unit/{layers,config}.test.ts", "tests/unit/{docs,bench,build,localstack}/**"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
