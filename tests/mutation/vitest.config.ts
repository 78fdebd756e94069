import { resolve } from "node:path";
import { defineConfig } from "vitest/config";
import { room } from "./rooms.ts";

/** One project without a global setup, so that Stryker starts vitest once and runs only the tests that reach a mutant. */
export default defineConfig({
  test: {
    root: resolve(import.meta.dirname, "../.."),
    include: [...room.tests],
    // A mutant that makes a test wait for ever is found by this.
    testTimeout: 10_000,
  },
});
