import { Readable } from "node:stream";
import { deflateRawSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { kindOf, look } from "../../../../handlers/examples/process-upload/kind.ts";
import { BLOCK_BYTES } from "../../../../handlers/examples/process-upload/upload.ts";
import { chunksOf, noise, uploadOf } from "./upload.ts";

const UNDECLARED = { filename: "upload.bin", contentType: "application/octet-stream" };

async function kind(content: Buffer | string, declared = UNDECLARED) {
  const bytes = Buffer.from(content);
  const upload = uploadOf(() => Readable.from(chunksOf(bytes, 50_000)), declared);
  return kindOf(await look(upload), upload);
}

async function typeOf(content: Buffer | string, declared = UNDECLARED): Promise<string> {
  const found = await kind(content, declared);
  return `${found.kind} ${found.contentType}`;
}

describe("The kind of a file", () => {
  it.each([
    ["prose with commas", "Dear Ann, hello.\nThe weather, here, is fine.\nYours, Bob\n"],
    ["two lines with one comma each", "Dear Sir, good day\nyours truly, Bob\n"],
    ["JSON lines", '{"a":1,"b":2}\n{"a":3,"b":4}\n{"a":5,"b":6}\n'],
    ["code whose lines end in a semicolon", "let a = 1;\nlet b = 2;\nlet c = 3;\n"],
    ["a Markdown table", "| a | b |\n|---|---|\n| 1 | 2 |\n"],
    ["a word that begins like a bitmap", "BMI is a ratio.\n"],
    ["a word that begins like a program", "MZ-80 was a computer.\n"],
    ["a word that begins like an MP3", "ID3 is a kind of tag.\n"],
    ["a single line", "a,b,c"],
    ["an empty text behind a byte order mark", "\uFEFF"],
  ])("takes %s for plain text", async (_, content) => {
    expect(await typeOf(content)).toBe("text text/plain");
  });

  it.each([
    [",", "text/csv"],
    [";", "text/csv"],
    ["|", "text/csv"],
    ["\t", "text/tab-separated-values"],
  ])("takes lines with as many '%s' each for a CSV, whatever was declared", async (delimiter, contentType) => {
    const content = ["id,name", '1,"Smith', 'and Sons"', "2,Bob"].join("\n").replaceAll(",", delimiter);

    expect(await kind(content, { filename: "cat.png", contentType: "image/png" })).toMatchObject({
      kind: "csv",
      contentType,
      shape: { delimiter, width: 2, preamble: 0 },
    });
  });

  it("prefers the semicolon where the commas are decimal", async () => {
    expect(await kind("a;b\n1,5;2,5\n3,5;4,5\n")).toMatchObject({ kind: "csv", shape: { delimiter: ";" } });
  });

  it("judges a table by its whole records, when the head ends within one", async () => {
    const record = '1,2,"three"\n';
    const head = `a,b,c\n${record.repeat(BLOCK_BYTES / record.length)}`.slice(0, BLOCK_BYTES - 3);

    expect(await kind(`${head}"4,5,6\n7,8,9"\n`)).toMatchObject({ kind: "csv" });
    expect(await kind("a,b,c\n1,2,3\n4,")).toMatchObject({ kind: "text" });
  });

  it("takes any text declared as a CSV for one, but no JSON, no markup and no binary file", async () => {
    const declared = { filename: "names.CSV", contentType: "text/plain" };

    expect(await typeOf("Ann\nBob\n", declared)).toBe("csv text/csv");
    expect(await typeOf('[{"a": 1}]', declared)).toBe("text text/plain");
    expect(await typeOf("<!DOCTYPE html><p>a,b</p>", declared)).toBe("text text/html");
    expect(await typeOf("<?xml version='1.0'?><a/>", declared)).toBe("text application/xml");
    await expect(kind(noise(5000), declared)).rejects.toMatchObject({ code: "CSV_NO_TABLE" });
  });

  it("never takes an SVG for an image to render", async () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';

    expect(await typeOf(svg)).toBe("text image/svg+xml");
    expect(await typeOf(`<?xml version="1.0"?>\n<!-- a -->\n${svg}`)).toBe("text image/svg+xml");
  });

  it.each([
    ["UTF-16 little endian", Buffer.from("\uFEFFa,b\n1,2\n", "utf16le")],
    ["UTF-16 big endian", Buffer.from("\uFEFFa,b\n1,2\n", "utf16le").swap16()],
    ["UTF-8 with a byte order mark", Buffer.from("\uFEFFa,b\n1,2\n")],
    ["windows-1252", Buffer.from("name,town\nJosé,Köln\n", "latin1")],
  ])("reads a CSV in %s", async (_, content) => {
    expect(await typeOf(content)).toBe("csv text/csv");
  });

  it("knows a head that ends within a character for UTF-8", async () => {
    expect(await kind(`a${"é".repeat(BLOCK_BYTES)}`)).toMatchObject({ kind: "text", encoding: { encoding: "utf-8" } });
  });

  it.each([
    ["PDF", "%PDF-1.4\n1 0 obj\n<<>>\nendobj\n", "file application/pdf"],
    ["gzip", gzipSync("a,b\n1,2\n"), "file application/gzip"],
    ["zip", zip("a.txt", "hello"), "file application/zip"],
    ["text with a zero byte", "hello\0world", "file application/octet-stream"],
    ["program with a table of UTF-16", Buffer.from("\0asm\x01\0\0\0a\0,\0b\0\n\0".repeat(9)), "file application/wasm"],
    ["one byte", Buffer.from([0x89]), "file application/octet-stream"],
    ["TIFF with its directory far behind", Buffer.from("II*\0\xff\xff\xff\0", "latin1"), "image image/tiff"],
    ["PNG", Buffer.from("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "latin1"), "image image/png"],
    ["bitmap, which sharp cannot read", Buffer.from("BM\0\0\0\0\0\0", "latin1"), "file image/bmp"],
  ])("knows %s", async (_, content, expected) => {
    expect(await typeOf(content)).toBe(expected);
  });

  it("does not unpack a zip whose entry claims a small size and holds a large one", async () => {
    const bomb = zip("[Content_Types].xml", "a".repeat(50_000_000));
    const before = process.memoryUsage.rss();

    const type = await typeOf(bomb);

    expect(bomb.length).toBeLessThan(BLOCK_BYTES);
    expect(type).toMatch(/^file application\//);
    expect(process.memoryUsage.rss() - before).toBeLessThan(20_000_000);
  });
});

/** A zip file of one entry, whose header claims that it unpacks to 10 bytes. */
function zip(name: string, content: string): Buffer {
  const packed = deflateRawSync(content);
  const header = Buffer.alloc(30);
  header.write("PK\x03\x04", "latin1");
  header.writeUInt16LE(20, 4);
  header.writeUInt16LE(8, 8);
  header.writeUInt32LE(packed.length, 18);
  header.writeUInt32LE(10, 22);
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, Buffer.from(name), packed, Buffer.from("PK\x05\x06".padEnd(22, "\0"), "latin1")]);
}
