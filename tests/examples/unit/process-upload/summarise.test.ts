import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UploadError } from "../../../../handlers/examples/process-upload/errors.ts";
import type { Upload } from "../../../../handlers/examples/process-upload/upload.ts";
import { summariseUpload } from "../../../../handlers/examples/process-upload.ts";
import { noise, upload, uploadOf } from "./upload.ts";

/** Sums up a CSV of one stream, whose end or fault is not the file's. */
function summarise(stream: Readable, changes: Partial<Upload> = {}) {
  return summariseUpload(uploadOf(() => stream, { filename: "a.csv", contentType: "text/csv", ...changes }));
}

/** A stream that gives one chunk, and then neither more nor an end. */
function stalled(): Readable {
  const stream = new Readable({ read() {} });
  stream.push("a,b\n1,2\n");
  return stream;
}

describe("summariseUpload", () => {
  it("gives size and SHA-256 of a text, with its counts, in two passes", async () => {
    const { summary, opened, saved } = await upload("hello\nworld\n", {
      filename: "notes.txt",
      contentType: "text/plain",
    });

    expect(summary).toEqual({
      kind: "text",
      sizeBytes: 12,
      sha256: createHash("sha256").update("hello\nworld\n").digest("hex"),
      contentType: "text/plain",
      declaredContentType: "text/plain",
      text: {
        encoding: "utf-8",
        encodingCertainty: "certain",
        unreadable: 0,
        bytes: 12,
        lines: 2,
        words: 2,
        characters: 12,
        longestLine: 5,
      },
    });
    expect({ opened, saved: saved.size }).toEqual({ opened: 2, saved: 0 });
  });

  it("refuses a file of zero bytes", async () => {
    await expect(upload("", { filename: "empty\n.csv" })).rejects.toMatchObject({
      name: "UploadError",
      code: "UPLOAD_EMPTY",
      message:
        "Upload 'empty?.csv' has 0 bytes: expected at least 1. The transfer probably broke off; upload it again.",
    });
  });

  it("processes a file by what it is, and keeps what was declared", async () => {
    const { summary } = await upload("id,name\n1,Ann\n2,Bob\n", { filename: "cat.png", contentType: "image/png" });

    expect(summary).toMatchObject({
      kind: "csv",
      contentType: "text/csv",
      declaredContentType: "image/png",
      csv: { rows: 2 },
    });
  });

  it("never unpacks an archive", async () => {
    const bomb = gzipSync(Buffer.alloc(20_000_000));

    const { summary } = await upload(bomb, { filename: "table.csv.gz", contentType: "text/csv" });

    expect(summary).toEqual({
      kind: "file",
      file: { extension: "gz" },
      sizeBytes: bomb.length,
      sha256: createHash("sha256").update(bomb).digest("hex"),
      contentType: "application/gzip",
      declaredContentType: "text/csv",
    });
  });

  it.each(["a,b\n", "words "])("reports a text that turns binary far behind its head as a file (%j)", async (line) => {
    const bytes = Buffer.concat([Buffer.from(line.repeat(200_000)), noise(100_000)]);

    const { summary, opened } = await upload(bytes);

    expect(summary).toMatchObject({
      kind: "file",
      contentType: "application/octet-stream",
      sizeBytes: bytes.length,
      sha256: createHash("sha256").update(bytes).digest("hex"),
    });
    expect(opened).toBe(1);
  });

  it("refuses a declared CSV with a quote left open, and reads an undeclared one as text", async () => {
    const broken = 'a,b\n1,2\n3,4\n5,"6\n7,8\n';

    await expect(upload(broken, { filename: "t.csv" })).rejects.toMatchObject({
      code: "CSV_BROKEN",
      message:
        "CSV 't.csv' is broken at record 4: a quote is opened and never closed. Correct the file there and upload it again.",
    });
    const { summary, opened } = await upload(broken);
    expect(summary).toMatchObject({
      kind: "text",
      contentType: "text/plain",
      text: { lines: 5 },
      sizeBytes: broken.length,
    });
    expect(opened).toBe(3);
  });

  it("reads one endless line as text, unless it is declared as a CSV", async () => {
    const line = "a,b,".repeat(1_000_000);

    expect((await upload(line)).summary).toMatchObject({ kind: "text", text: { lines: 1, longestLine: 4_000_000 } });
    await expect(upload(line, { contentType: "text/csv" })).rejects.toMatchObject({ code: "CSV_BROKEN" });
  });

  it("reads a text whose characters are cut by every border", async () => {
    const text = `a${"é".repeat(50_000)}${"𝄞".repeat(50_000)}`;

    const { summary } = await upload(text, { chunkBytes: 4097 });

    expect(summary).toMatchObject({ kind: "text", text: { encoding: "utf-8", characters: 100_001 } });
  });

  it("tells its progress at most about ten times, and never backwards", async () => {
    const block = Buffer.alloc(1024 * 1024);
    const seen: number[] = [];
    const stream = Readable.from(Array.from({ length: 56 }, () => block));

    await summarise(stream, {
      sizeBytes: 56 * block.length,
      contentType: "application/octet-stream",
      filename: "zeros",
      progress: async ({ bytes, totalBytes }) => void seen.push(bytes / totalBytes),
    });

    expect(seen.length).toBeGreaterThan(5);
    expect(seen.length).toBeLessThanOrEqual(10);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });

  it("gives a result that survives JSON and any chunks, or an UploadError, for any bytes", async () => {
    const prefix = fc.constantFrom(
      "",
      "\x89PNG\r\n\x1a\n",
      "\xff\xd8\xff\xe0",
      "GIF89a",
      "PK\x03\x04",
      "\x1f\x8b\x08",
      "RIFF",
      "a,b\n1,2\n",
      "\xff\xfe",
      "\xef\xbb\xbf",
      '"',
      "%PDF",
      "ID3\x04\0\0",
      "<svg ",
    );
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc.string({ maxLength: 300 }).map((text) => Buffer.from(text)),
    );
    const filename = fc.constantFrom("a.csv", "b.png", "c.txt", "d", "e.tsv");
    const chunk = fc.integer({ min: 1, max: 300 });

    await fc.assert(
      fc.asyncProperty(prefix, body, filename, chunk, async (start, rest, name, chunkBytes) => {
        const bytes = Buffer.concat([Buffer.from(start, "latin1"), rest]);
        const results: unknown[] = [];
        for (const size of [chunkBytes, bytes.length + 1]) {
          const result = await upload(bytes, { filename: name, chunkBytes: size }).then(
            ({ summary }) => summary,
            (error: unknown) => {
              if (!(error instanceof UploadError)) throw error;
              return { code: error.code, message: error.message };
            },
          );
          expect(JSON.parse(JSON.stringify(result))).toEqual(result);
          results.push(result);
        }
        expect(results[0]).toEqual(results[1]);
      }),
      { seed: 31, numRuns: 400 },
    );
  });
});

describe("summariseUpload, when it is aborted", () => {
  const reason = new Error("revoked");

  it("destroys a stream that gives nothing more, and throws the reason", async () => {
    const controller = new AbortController();
    const stream = stalled();

    const work = summarise(stream, { signal: controller.signal });
    setImmediate(() => controller.abort(reason));

    await expect(work).rejects.toBe(reason);
    expect(stream.destroyed).toBe(true);
  });

  it("does not open a file any more", async () => {
    let opened = false;
    const open = async () => {
      opened = true;
      return stalled();
    };

    await expect(summarise(stalled(), { open, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(opened).toBe(false);
  });

  it("does not wait for a file that never opens, and destroys it if it opens after all", async () => {
    const controller = new AbortController();
    const late = Promise.withResolvers<Readable>();
    const stream = stalled();

    const work = summarise(stream, { open: () => late.promise, signal: controller.signal });
    setImmediate(() => controller.abort(reason));
    await expect(work).rejects.toBe(reason);
    late.resolve(stream);
    await new Promise(setImmediate);

    expect(stream.destroyed).toBe(true);
  });

  it("does not wait for a derived file that is never stored", async () => {
    const controller = new AbortController();
    const wide = () => Readable.from([`${"a,".repeat(20)}b\n${"1,".repeat(20)}2\n`]);
    const save = () => {
      setImmediate(() => controller.abort(reason));
      return new Promise<void>(() => {});
    };

    const work = summarise(stalled(), { open: async () => wide(), signal: controller.signal, save });

    await expect(work).rejects.toBe(reason);
  });

  it("stops an endless stream that always has data ready, and so leaves the event loop no turn by itself", async () => {
    const controller = new AbortController();
    let blocks = 0;
    function* endless() {
      for (;;) {
        blocks += 1;
        if (blocks === 3) setImmediate(() => controller.abort(reason));
        if (blocks === 1000) throw new Error("The event loop had no turn in 1,000 blocks.");
        yield Buffer.alloc(64 * 1024, "1,2\n");
      }
    }

    const work = summarise(Readable.from(endless()), { signal: controller.signal });

    await expect(work).rejects.toBe(reason);
    expect(blocks).toBeLessThan(10);
  });
});

describe("summariseUpload, when its surroundings fail,", () => {
  const fault = new Error("ECONNRESET");

  it("throws the stream's error as it came, so that it may be retried", async () => {
    const stream = stalled();
    setImmediate(() => stream.destroy(fault));

    await expect(summarise(stream)).rejects.toBe(fault);
  });

  it("throws the storage's errors as they came", async () => {
    const refuse = () => Promise.reject(fault);
    const opened: Readable[] = [];
    const open = async () => {
      const stream = Readable.from([`${"a,".repeat(20)}b\n`]);
      opened.push(stream);
      return stream;
    };

    await expect(summarise(stalled(), { open: refuse })).rejects.toBe(fault);
    await expect(summarise(stalled(), { open, save: refuse })).rejects.toBe(fault);
    expect(opened.map(({ destroyed }) => destroyed)).toEqual([true, true]);
  });

  it("stops when progress cannot be told, since the task is then no longer its own", async () => {
    const stream = Readable.from([
      Buffer.alloc(9 * 1024 * 1024, `${"a longer line".repeat(9)}\n`),
      Buffer.alloc(1024, "b\n"),
    ]);

    await expect(summarise(stream, { progress: () => Promise.reject(fault) })).rejects.toBe(fault);
    expect(stream.destroyed).toBe(true);
  });
});
