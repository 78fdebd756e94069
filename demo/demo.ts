/**
 * `npm run demo`: the tutorial, whole, on real input. Starts the local cloud and the service on free ports, does every step
 * over HTTP, shows a table, and stops. Ends with 0 only if every step gave what it should.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "../localstack/client.ts";
import { startService } from "../localstack/service.ts";
import { createSteps, type Outcome } from "./steps.ts";

const COLUMNS = ["step", "id", "state", "attempts", "time", ""] as const;

/** One line that is written over while work goes on; nothing at all when nobody watches. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${text}`);
}

function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = COLUMNS.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [line(COLUMNS), line(widths.slice(0, -1).map((width) => "─".repeat(width))), ...rows.map(line)].join("\n");
}

function row(name: string, { id, state, attempts, milliseconds, note }: Outcome): string[] {
  // The other columns take 88 characters; what follows them must not break the line.
  const room = Math.max(20, (process.stdout.columns ?? 160) - 89);
  const short = note.length > room ? `${note.slice(0, room - 1)}…` : note;
  return [name, id, state, String(attempts), `${Math.round(milliseconds)} ms`, short];
}

async function main(): Promise<number> {
  const began = performance.now();
  const outbox = await mkdtemp(join(tmpdir(), "lovage-outbox-"));
  progress("Starting the local cloud and the service …");
  const service = await startService({ environment: { LOVAGE_OUTBOX: outbox, LOVAGE_TASKS: "handlers/examples" } });
  const stop = (): void => void service.stop().then(() => process.exit(130));
  process.once("SIGINT", stop);
  try {
    const steps = createSteps(service, createClient(service.url), outbox);
    const rows: string[][] = [];
    for (const [index, step] of steps.entries()) {
      progress(`${index + 1}/${steps.length} ${step.name} …`);
      try {
        rows.push(row(step.name, await step.run()));
      } catch (error) {
        progress("");
        if (rows.length > 0) console.log(formatTable(rows));
        console.error(`\nStep '${step.name}' failed: ${error instanceof Error ? error.message : String(error)}`);
        console.error(`\nWhat the service printed last:\n${service.output().split("\n").slice(-30).join("\n")}`);
        return 1;
      }
    }
    progress("");
    console.log(formatTable(rows));
    console.log(
      `\nAll ${steps.length} steps gave what they should, in ${Math.round((performance.now() - began) / 1000)} s.\nTo look at it in a browser: npm start, and http://127.0.0.1:3000`,
    );
    return 0;
  } finally {
    process.off("SIGINT", stop);
    await service.stop();
    await rm(outbox, { recursive: true, force: true });
  }
}

process.exitCode = await main();
