import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { summariseText } from "../../../../handlers/examples/process-upload/text.ts";
import { Decoder } from "../../../../handlers/examples/unknown-text/index.ts";
import { chunksOf, uploadOf } from "./upload.ts";

type Encoding = "utf-8" | "utf-16le" | "utf-16be";

function count(text: string, encoding: Encoding = "utf-8", chunkBytes = 7) {
  const bytes = encode(text, encoding);
  const upload = uploadOf(() => Readable.from(chunksOf(bytes, chunkBytes)), { sizeBytes: bytes.length });
  return summariseText({ encoding: { encoding, certainty: "certain" } }, upload);
}

function encode(text: string, encoding: Encoding): Buffer {
  if (encoding === "utf-8") return Buffer.from(text);
  const bytes = Buffer.from(`\uFEFF${text}`, "utf16le");
  return encoding === "utf-16be" ? bytes.swap16() : bytes;
}

describe("summariseText", () => {
  it("counts lines, words, characters and the longest line", async () => {
    expect(await count("Grüße 👋🏽\n\n  drei   Wörter hier")).toEqual({
      encoding: "utf-8",
      encodingCertainty: "certain",
      unreadable: 0,
      bytes: 39,
      lines: 3,
      words: 5,
      characters: 30,
      longestLine: 20,
    });
  });

  it.each([
    ["\n", 1],
    ["a\r\nb\r\n", 2],
    ["a\rb\rc", 3],
    ["a\n\rb", 3],
    ["a\r\n\r\nb", 3],
  ])("counts the lines of %j", async (text, lines) => {
    expect(await count(text, "utf-8", 1)).toMatchObject({ lines });
  });

  it.each(["utf-8", "utf-16le", "utf-16be"] as const)(
    "agrees with a naive count of any text in %s",
    async (encoding) => {
      const character = fc.oneof(
        fc.constantFrom("a", "b", " ", "\n", "\r", "\r\n", "\t", "é", "𝄞", "\u00a0", "\u3000", "\u2028"),
        fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
      );
      const text = fc.array(character, { minLength: 4, maxLength: 60 }).map((characters) => characters.join(""));

      await fc.assert(
        fc.asyncProperty(text, fc.integer({ min: 4, max: 90 }), async (raw, chunkBytes) => {
          const content = raw.replaceAll("\0", "0").replaceAll("\uFEFF", "1");
          const lines = content.split(/\r\n|\r|\n/);
          if (lines.at(-1) === "") lines.pop();

          expect(await count(content, encoding, chunkBytes)).toMatchObject({
            encoding,
            lines: lines.length,
            words: content.split(/\s+/u).filter((word) => word !== "").length,
            characters: [...content].length,
            longestLine: Math.max(0, ...lines.map((line) => [...line].length)),
          });
        }),
        { seed: 11, numRuns: 300 },
      );
    },
  );
});

describe("Decoder", () => {
  const decoded = async (encoding: string, ...blocks: Buffer[]) => {
    const decoder = new Decoder(encoding);
    let text = "";
    for await (const part of decoder.decode(Readable.from(blocks))) text += part;
    return { text, unreadable: decoder.unreadable };
  };

  it("shows characters that are none, and counts them", async () => {
    const blocks = [Buffer.from("gr"), Buffer.from([0xc3]), Buffer.from([0xb6, 0xff]), Buffer.from([0xe2, 0x82])];
    expect(await decoded("utf-8", ...blocks)).toEqual({ text: "grö\ufffd\ufffd", unreadable: 2 });
  });

  it("takes a byte order mark only at the very start", async () => {
    expect((await decoded("utf-8", Buffer.from("\uFEFFa\uFEFFb"), Buffer.from("\uFEFFc"))).text).toBe(
      "a\uFEFFb\uFEFFc",
    );
  });
});
