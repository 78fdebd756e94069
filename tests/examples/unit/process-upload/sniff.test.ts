import { deflateRawSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { EncodingEvidence } from "../../../../handlers/examples/process-upload/encoding.ts";
import { isImage, SNIFF_BYTES, signatureOf, sniff } from "../../../../handlers/examples/process-upload/sniff.ts";
import { noise } from "./upload.ts";

const UNDECLARED = { filename: "upload.bin", contentType: "application/octet-stream" };

async function sniffed(content: Buffer | string, declared = UNDECLARED, complete = true) {
  const bytes = Buffer.from(content);
  const evidence = new EncodingEvidence();
  evidence.add(bytes);
  const [detected, signature] = await Promise.all([evidence.detect(), signatureOf(bytes)]);
  if (signature !== undefined && isImage(signature, bytes)) return { kind: "image", ...signature };
  return sniff(bytes, { complete, encoding: detected?.encoding, signature, declared, csv: {} });
}

async function kindOf(content: Buffer | string, declared = UNDECLARED): Promise<string> {
  const { kind, contentType } = await sniffed(content, declared);
  return `${kind} ${contentType}`;
}

describe("sniff", () => {
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
    expect(await kindOf(content)).toBe("text text/plain");
  });

  it.each([
    [",", "text/csv"],
    [";", "text/csv"],
    ["|", "text/csv"],
    ["\t", "text/tab-separated-values"],
  ])("takes lines with as many '%s' each for a CSV, whatever was declared", async (delimiter, contentType) => {
    const content = ["id,name", '1,"Smith', 'and Sons"', "2,Bob"].join("\n").replaceAll(",", delimiter);

    expect(await sniffed(content, { filename: "cat.png", contentType: "image/png" })).toMatchObject({
      kind: "csv",
      contentType,
      shape: { delimiter, width: 2, preamble: 0 },
    });
  });

  it("prefers the semicolon where the commas are decimal", async () => {
    expect(await sniffed("a;b\n1,5;2,5\n3,5;4,5\n")).toMatchObject({ kind: "csv", shape: { delimiter: ";" } });
  });

  it("judges a table by its whole records, when the head ends within one", async () => {
    const head = Buffer.from("a,b,c\n1,2,3\n4,");

    expect(await sniffed(head, UNDECLARED, false)).toMatchObject({ kind: "csv" });
    expect(await sniffed(head)).toMatchObject({ kind: "text" });
  });

  it("takes any text declared as a CSV for one, but no JSON, no markup and no binary file", async () => {
    const declared = { filename: "names.CSV", contentType: "text/plain" };

    expect(await kindOf("Ann\nBob\n", declared)).toBe("csv text/csv");
    expect(await kindOf('[{"a": 1}]', declared)).toBe("text text/plain");
    expect(await kindOf("<!DOCTYPE html><p>a,b</p>", declared)).toBe("text text/html");
    expect(await kindOf("<?xml version='1.0'?><a/>", declared)).toBe("text application/xml");
    expect(await kindOf(noise(5000), declared)).toBe("file application/octet-stream");
  });

  it("never takes an SVG for an image to render", async () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';

    expect(await kindOf(svg)).toBe("text image/svg+xml");
    expect(await kindOf(`<?xml version="1.0"?>\n<!-- a -->\n${svg}`)).toBe("text image/svg+xml");
  });

  it.each([
    ["UTF-16 little endian", Buffer.from("\uFEFFa,b\n1,2\n", "utf16le")],
    ["UTF-16 big endian", Buffer.from("\uFEFFa,b\n1,2\n", "utf16le").swap16()],
    ["UTF-8 with a byte order mark", Buffer.from("\uFEFFa,b\n1,2\n")],
    ["windows-1252", Buffer.from("name,town\nJosé,Köln\n", "latin1")],
  ])("reads a CSV in %s", async (_, content) => {
    expect(await kindOf(content)).toBe("csv text/csv");
  });

  it("knows a head that ends within a character for UTF-8", async () => {
    const head = Buffer.from("é".repeat(SNIFF_BYTES)).subarray(0, SNIFF_BYTES - 1);

    expect(await sniffed(head, UNDECLARED, false)).toMatchObject({ kind: "text" });
  });

  it.each([
    ["PDF", "%PDF-1.4\n1 0 obj\n<<>>\nendobj\n", "file application/pdf"],
    ["gzip", gzipSync("a,b\n1,2\n"), "file application/gzip"],
    ["zip", zip("a.txt", "hello"), "file application/zip"],
    ["text with a zero byte", "hello\0world", "file application/octet-stream"],
    ["one byte", Buffer.from([0x89]), "file application/octet-stream"],
    ["TIFF with its directory far behind", Buffer.from("II*\0\xff\xff\xff\0", "latin1"), "image image/tiff"],
    ["PNG", Buffer.from("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "latin1"), "image image/png"],
    ["bitmap, which sharp cannot read", Buffer.from("BM\0\0\0\0\0\0", "latin1"), "file image/bmp"],
  ])("knows %s", async (_, content, expected) => {
    expect(await kindOf(content)).toBe(expected);
  });

  it("does not unpack a zip whose entry claims a small size and holds a large one", async () => {
    const bomb = zip("[Content_Types].xml", "a".repeat(50_000_000));
    const before = process.memoryUsage.rss();

    const kind = await kindOf(bomb);

    expect(bomb.length).toBeLessThan(SNIFF_BYTES);
    expect(kind).toMatch(/^file application\//);
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
