/** The committed lists of tests that are left out, `left-out/*.json`, and how outcomes compare with them. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Outcome } from "./pytest.ts";

/** Each note says why in a few words, and has the tests: a file, a class, a test, or a test with its parameters in brackets. */
const notesSchema = z.record(z.string(), z.array(z.string()));

const listSchema = z.strictObject({
  /** The test needs an operation, an option or a service that the embedded cloud does not have; docs/local-cloud.md has it. */
  "not emulated": notesSchema,
  /** The test looks into the other emulator, or needs its account, its port, its clock. */
  "insides of moto": notesSchema,
  /** AWS answers otherwise than the test expects. */
  "wrong about AWS": notesSchema,
  /** AWS answers as the test expects, the embedded cloud does not; docs/local-cloud.md has the row. */
  "known difference": notesSchema,
});

type List = z.infer<typeof listSchema>;

interface Entry {
  readonly reason: string;
  readonly test: string;
}

export interface Comparison {
  /** How many asked the cloud and passed. */
  readonly passed: number;
  /** How many failed and are in the list, by reason. */
  readonly leftOut: ReadonlyMap<string, number>;
  /** Those that failed and are not in the list, with their message. */
  readonly unexpected: readonly string[];
  /** Entries of the list whose tests all pass. */
  readonly passing: readonly string[];
  /** Entries of the list that name no test, or a test that another entry names, too. */
  readonly idle: readonly string[];
}

export function readList(service: string): List {
  const file = join(import.meta.dirname, "left-out", `${service}.json`);
  return listSchema.parse(JSON.parse(readFileSync(file, "utf8")));
}

/** Compares the outcomes of one service's tests with its list. */
export function compare(outcomes: readonly Outcome[], list: List): Comparison {
  const entries = Object.entries(list).flatMap(([reason, notes]) =>
    Object.values(notes).flatMap((tests) => tests.map((test): Entry => ({ reason, test }))),
  );
  const met = new Map<Entry, Outcome[]>(entries.map((entry) => [entry, []]));
  const leftOut = new Map<string, number>();
  const unexpected: string[] = [];
  for (const outcome of outcomes) {
    const entry = entries.find(({ test }) => covers(test, nameOf(outcome)));
    if (entry !== undefined) met.get(entry)?.push(outcome);
    if (outcome.outcome !== "failed") continue;
    if (entry === undefined) unexpected.push(`${nameOf(outcome)}: ${outcome.message.replaceAll(/\s+/g, " ")}`);
    else leftOut.set(entry.reason, (leftOut.get(entry.reason) ?? 0) + 1);
  }
  const named = (wanted: (covered: Outcome[]) => boolean) =>
    entries.filter((entry) => wanted(met.get(entry) ?? [])).map(({ test }) => test);
  return {
    passed: outcomes.filter(({ outcome, asked }) => outcome === "passed" && asked).length,
    leftOut,
    unexpected,
    passing: named((covered) => covered.length > 0 && covered.every(({ outcome }) => outcome === "passed")),
    idle: named((covered) => covered.length === 0),
  };
}

/** `tests/test_sqs/test_sqs.py::test_a` without its folder. */
function nameOf({ id }: Outcome): string {
  return id.replace(/^tests\/test_[a-z0-9]+\//, "");
}

function covers(test: string, name: string): boolean {
  return name === test || (name.startsWith(test) && /^(::|\[|\/)/.test(name.slice(test.length)));
}
