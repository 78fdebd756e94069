/**
 * Rooms of mutation tests. Each names the files that decide in it, and tests that need no emulator: with them a mutant costs less than a
 * second, with the emulators 11. Its score is the one that was measured last, rounded down: a run that ends below fails.
 */
interface Room {
  readonly mutate: readonly string[];
  readonly tests: readonly string[];
  readonly score: number;
}

const ROOMS: Readonly<Record<string, Room>> = {
  beat: {
    mutate: ["shared/schedules/{clock-changes,cron-fields,crontab,schedule-expression,timing,zone}.ts"],
    tests: [
      "tests/unit/schedules/{cron-fields,crontab,schedule-expression,refused-expressions,timing,timing-edges,zone}.test.ts",
    ],
    score: 93,
  },
  limits: { mutate: ["shared/limits/*.ts"], tests: ["tests/unit/limits/*.test.ts"], score: 91 },
  results: {
    mutate: ["shared/results/{conditions,content,once-ledger,record-ttl,idempotency-keys}.ts"],
    tests: ["tests/unit/results/*.test.ts"],
    score: 97,
  },
  worker: {
    mutate: ["shared/worker/{batch,judge-error,open-calls,progress}.ts"],
    tests: ["tests/unit/worker/*.test.ts"],
    score: 98,
  },
};

const name = process.env.ROOM ?? "beat";
const chosen = ROOMS[name];
if (chosen === undefined) {
  throw new Error(`There is no room '${name}': expected one of ${Object.keys(ROOMS).join(", ")}. Set ROOM to one.`);
}

/** The room that the environment names as `ROOM`. */
export const room = { name, ...chosen };
