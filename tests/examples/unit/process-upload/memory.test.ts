import { Readable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { summariseUpload } from "../../../../handlers/examples/process-upload.ts";
import { seeded, uploadOf } from "./upload.ts";

const MEGABYTE = 1_000_000;
const CHUNK_BYTES = 64 * 1024;
/** Blocks from one look at the memory to the next. */
const LOOK_BLOCKS = 8;

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

it("a CSV of 64 MB is summed up in flat memory", { timeout: 60_000 }, async () => {
  const { block, rows } = tableBlock();
  const blocks = Math.ceil((64 * MEGABYTE) / block.length);
  let peak = 0;
  function* table() {
    yield Buffer.from("id,user,amount,active,day,note\n");
    for (let i = 0; i < blocks; i += 1) {
      for (let at = 0; at < block.length; at += CHUNK_BYTES) yield Buffer.from(block.subarray(at, at + CHUNK_BYTES));
      if (i % LOOK_BLOCKS === 0) peak = Math.max(peak, usedBytes());
    }
  }
  const before = usedBytes();

  const file = { sizeBytes: blocks * block.length, filename: "big.csv", contentType: "text/csv" };
  const summary = await summariseUpload(uploadOf(() => Readable.from(table()), file));

  expect(summary).toMatchObject({ kind: "csv", csv: { rows: rows * blocks, columnCount: 6, raggedRows: 0 } });
  expect(peak - before).toBeLessThan(50 * MEGABYTE);
});

/** Without garbage: the size of the process says more of the collector than of the code. */
function usedBytes(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** About 1 MB of rows of every type. */
function tableBlock(): { block: Buffer; rows: number } {
  const next = seeded(41);
  const rows = Array.from({ length: 16_000 }, (_, i) =>
    [
      i,
      `user${next(50_000)}`,
      (next(1_000_000) / 100).toFixed(2),
      next(2) === 0 ? "true" : "false",
      `2024-0${1 + next(9)}-1${next(10)}`,
      `"note ${next(9000)}, ""quoted"" and long enough"`,
    ].join(","),
  );
  return { block: Buffer.from(`${rows.join("\n")}\n`), rows: rows.length };
}
