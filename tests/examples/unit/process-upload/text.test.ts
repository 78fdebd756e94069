import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Decoder, type Encoding, NotTextError } from "../../../../handlers/examples/process-upload/decode.ts";
import { summariseText } from "../../../../handlers/examples/process-upload/text.ts";
import { chunksOf } from "./upload.ts";

function count(text: string, encoding: Encoding = "utf-8", chunkBytes = 7) {
  return summariseText(Readable.from(chunksOf(encode(text, encoding), chunkBytes)));
}

function encode(text: string, encoding: Encoding): Buffer {
  if (encoding === "windows-1252") return Buffer.from(text, "latin1");
  if (encoding === "utf-8") return Buffer.from(text);
  const bytes = Buffer.from(`\uFEFF${text}`, "utf16le");
  return encoding === "utf-16be" ? bytes.swap16() : bytes;
}

describe("summariseText", () => {
  it("counts lines, words, characters and the longest line", async () => {
    expect(await count("Grüße 👋🏽\n\n  drei   Wörter hier")).toEqual({
      encoding: "utf-8",
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
  it("reads windows-1252 once a byte above 127 is no UTF-8", () => {
    const decoder = new Decoder();

    const text = decoder.write(Buffer.from("plain ASCII, then caf")) + decoder.write(Buffer.from([0xe9, 0x20, 0x80]));

    expect(text + decoder.end()).toBe("plain ASCII, then café €");
    expect(decoder.encoding).toBe("windows-1252");
  });

  it.each([
    ["UTF-8 that turns invalid", [Buffer.from("größer"), Buffer.from([0x61, 0xff, 0x61])]],
    ["a zero byte", [Buffer.from("text"), Buffer.from("a\0b")]],
    ["mostly bytes above 127", [Buffer.from([0xe4, 0xf6, 0xfc, 0x61])]],
    ["a byte that windows-1252 does not have", [Buffer.from("some plain text \x8d here", "latin1")]],
    ["half a UTF-16 unit at the end", [Buffer.from([0xff, 0xfe, 0x61, 0x00, 0x62])]],
    ["half a UTF-16 pair", [Buffer.from("\uFEFF\ud83dab", "utf16le")]],
    ["half a UTF-8 character at the end", [Buffer.from("größ").subarray(0, -1)]],
  ])("refuses %s", (_, chunks) => {
    const decoder = new Decoder();

    expect(() => {
      for (const chunk of chunks) decoder.write(chunk);
      decoder.end();
    }).toThrow(NotTextError);
  });

  it("takes a byte order mark only at the very start", () => {
    const decoder = new Decoder();

    expect(decoder.write(Buffer.from("\uFEFFa\uFEFFb"))).toBe("a\uFEFFb");
    expect(decoder.write(Buffer.from("\uFEFFc"))).toBe("\uFEFFc");
  });
});
