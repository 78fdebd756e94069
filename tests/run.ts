/**
 * Runs parts of the test suite one after another, says what each is, and how long it took:
 * `node tests/run.ts`, or `node tests/run.ts check` for those that take seconds. Ends with 1 if one fails; those after it are not run.
 */

import { spawnSync } from "node:child_process";

interface Part {
  name: string;
  /** The end of "types: …". */
  says: string;
  command: readonly string[];
}

const CHECKS: readonly Part[] = [
  { name: "types", says: "every TypeScript file compiles", command: ["tsc", "--noEmit"] },
  {
    name: "page",
    says: "the dashboard compiles, for a browser",
    command: ["tsc", "--noEmit", "-p", "shared/dashboard"],
  },
  { name: "lint", says: "Biome: style, floating promises, import cycles", command: ["biome", "check", "."] },
  { name: "unused", says: "knip: files, exports and packages that nothing uses", command: ["knip", "--no-progress"] },
  {
    name: "copies",
    says: "jscpd: code that stands twice",
    command: ["jscpd", "--reporters", "consoleFull", "--silent"],
  },
  {
    name: "house",
    says: "layers, spreads, glossary, sentences, docs",
    command: [
      "vitest",
      "run",
      "--project",
      "unit",
      "tests/unit/layers.test.ts",
      "tests/unit/spreads.test.ts",
      "unit/docs/",
    ],
  },
];

/** These wait for queues and processes more than they compute: four at once take a third of the time on two cores. */
const WAITING = ["--maxWorkers", "4"];

const TESTS: readonly Part[] = [
  { name: "unit", says: "logic alone, without network", command: ["vitest", "run", "--project", "unit"] },
  {
    name: "integration",
    says: "the engine on the embedded cloud",
    command: ["vitest", "run", "--project", "integration", ...WAITING],
  },
  {
    name: "e2e",
    says: "`npm start`, the package and the README, from outside",
    command: ["vitest", "run", "--project", "e2e", ...WAITING],
  },
  {
    name: "faults",
    says: "kills, lost answers, wrong clocks, double deliveries",
    command: ["vitest", "run", "--project", "faults", ...WAITING],
  },
];

const asked = process.argv[2];
const parts = asked === "check" ? CHECKS : [...CHECKS, ...TESTS];
const summary: string[] = [];
let failed = false;
for (const { name, says, command } of parts) {
  if (failed) {
    summary.push(`${name.padEnd(12)} not run`);
    continue;
  }
  console.log(`\n${name}: ${says}`);
  const startedAt = performance.now();
  const [program = "", ...words] = command;
  // npm puts the project's own programs, and its Node, first in the path of a script.
  failed = spawnSync(program, words, { stdio: "inherit" }).status !== 0;
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  summary.push(`${name.padEnd(12)} ${failed ? "FAILED" : "passed"}  ${seconds.padStart(6)} s`);
}
console.log(`\n${summary.join("\n")}`);
process.exitCode = failed ? 1 : 0;
