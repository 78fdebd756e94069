import { defineConfig } from "vitest/config";

/** One project per kind of test, so that each has its own time-out and can be run alone: `npx vitest run --project unit`. */
export default defineConfig({
  test: {
    coverage: {
      include: ["shared/**", "handlers/**", "localstack/**", "build/**", "cli/**"],
      reporter: ["text", "html"],
      reportsDirectory: ".lovage/coverage",
    },
    projects: [
      // A machine that is busy with other things must not fail what only computes.
      { test: { name: "unit", include: ["tests/{,examples/}unit/**/*.test.ts"], testTimeout: 60_000 } },
      {
        test: {
          name: "integration",
          globalSetup: ["tests/helpers/compile-template.ts"],
          include: ["tests/{,examples/}integration/**/*.test.ts"],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "faults",
          globalSetup: ["tests/helpers/compile-template.ts", "tests/faults/bundle.ts"],
          include: ["tests/faults/**/*.test.ts"],
          testTimeout: process.env.LOVAGE_FAULTS === "long" ? 3_600_000 : 600_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["tests/{,examples/}e2e/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      // Installs from the registry, for minutes: `npm run test:create`.
      {
        test: {
          name: "create",
          include: ["tests/create/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          maxWorkers: 1,
        },
      },
      {
        test: {
          name: "cloud",
          include: ["tests/{,examples/}cloud/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: "peers",
          include: ["tests/peers/**/*.test.ts"],
          testTimeout: 1_600_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
