/** Runs Python tests against a cloud, and reads how each ended. */

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { installations } from "../cloud/peers.ts";
import type { Stage } from "./stage.ts";

const outcomeSchema = z.strictObject({
  id: z.string(),
  outcome: z.enum(["passed", "failed", "skipped"]),
  /** Whether the test sent the cloud a request; one that did not tells nothing about it. */
  asked: z.boolean(),
  message: z.string(),
});

/** How one test ended. */
export type Outcome = z.infer<typeof outcomeSchema>;

export interface Suite {
  /** Names the file of the outcomes: `embedded-sqs`. */
  readonly name: string;
  /** Plugins of pytest in this folder. */
  readonly plugins: readonly string[];
  /** A file or folder of tests. */
  readonly tests: string;
}

/** A cloud of others takes ten minutes for the suite of S3, and longer on a busy machine. */
const PYTEST_MINUTES = 25;

/** Runs the suite; the outcomes stay in `.lovage/peers/outcomes/`. @throws Error if pytest itself failed */
export async function runPytest({ name, plugins, tests }: Suite, stage: Stage): Promise<Outcome[]> {
  const { folder } = installations.suites;
  const outcomes = join(folder, "..", "outcomes");
  mkdirSync(outcomes, { recursive: true });
  const file = join(outcomes, `${name}.jsonl`);
  rmSync(file, { force: true });
  const home = mkdtempSync(join(tmpdir(), "lovage-suite-"));
  const options = ["-p", "no:cacheprovider", "--quiet", "--tb=no", "--no-header", "--timeout=90"];
  const chosen = ["outcomes", ...plugins].flatMap((plugin) => ["-p", plugin]);
  try {
    await pytest([...options, ...chosen, tests], {
      PATH: `${join(folder, "venv/bin")}:${process.env.PATH}`,
      HOME: home,
      TMPDIR: home,
      LANG: "C.UTF-8",
      TZ: "UTC",
      // Ids of tests that are made from a set have one order only then.
      PYTHONHASHSEED: "0",
      // Each command of the AWS CLI is a process, which would compile hundreds of modules.
      PYTHONPYCACHEPREFIX: join(folder, "../bytecode"),
      PYTHONPATH: `${import.meta.dirname}:${folder}`,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_DEFAULT_REGION: "us-east-1",
      AWS_CONFIG_FILE: join(import.meta.dirname, "aws-config"),
      AWS_ENDPOINT_URL: stage.endpoint,
      // moto's names for a cloud that is not in its own process.
      TEST_SERVER_MODE: "true",
      TEST_SERVER_MODE_ENDPOINT: stage.endpoint,
      LOVAGE_RESET: stage.resetUrl,
      LOVAGE_ACCOUNT: stage.account,
      LOVAGE_OUTCOMES: file,
    });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  return lines.map((line) => outcomeSchema.parse(JSON.parse(line)));
}

/** Ends well also when tests have failed: that is pytest's status 1. */
function pytest(options: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const { folder } = installations.suites;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const limits = { timeout: PYTEST_MINUTES * 60_000, killSignal: "SIGKILL", maxBuffer: 64 * 1024 * 1024 } as const;
  execFile(
    join(folder, "venv/bin/python"),
    ["-m", "pytest", ...options],
    { cwd: folder, env, ...limits },
    (error, stdout, stderr) => {
      if (error === null || error.code === 1) return resolve();
      const lastLines = `${stdout}\n${stderr}`.trim().split("\n").slice(-20).join("\n");
      reject(new Error(`pytest failed or took more than ${PYTEST_MINUTES} minutes:\n${lastLines}`, { cause: error }));
    },
  );
  return promise;
}
