import type { Metadata } from "sharp";

/** The containers of images, as far as libvips does not look: how many frames there are, and whether the last is all there. */

/** Whether the file goes as far as its container says. libvips takes a cut animation for a whole one, and of HEIC it reads the header alone. */
export function isWhole(bytes: Buffer, { format }: Metadata): boolean {
  if (format === "gif") return isWholeGif(bytes);
  if (format === "png") return isWholePng(bytes);
  return format !== "heif" || isWholeHeif(bytes);
}

/** Frames of a PNG, which libvips does not count: https://www.w3.org/TR/png-3/#acTL-chunk */
export function framesOf(bytes: Buffer, { format, pages = 1 }: Metadata): number {
  if (format !== "png") return pages;
  for (const { type, start } of chunksOf(bytes)) {
    if (type === "acTL" && start + 4 <= bytes.length) return bytes.readUInt32BE(start);
    if (type === "IDAT") return 1;
  }
  return 1;
}

/** Ends where one of its blocks does, with or without a trailer: https://www.w3.org/Graphics/GIF/spec-gif89a.txt */
function isWholeGif(bytes: Buffer): boolean {
  const colours = (packed = 0): number => (packed & 0x80 ? 3 * 2 ** ((packed & 7) + 1) : 0);
  let at = 13 + colours(bytes[10]);
  while (at < bytes.length) {
    const introducer = bytes[at];
    if (introducer === 0x21) at += 2;
    else if (introducer === 0x2c) at += 11 + colours(bytes[at + 9]);
    // The trailer; and whatever else it is, it was not cut.
    else return true;
    // Sub-blocks, of which an empty one is the last.
    for (let size = bytes[at] ?? -1; size !== 0; size = bytes[at] ?? -1) {
      if (size < 0) return false;
      at += 1 + size;
    }
    at += 1;
  }
  return at === bytes.length;
}

/** Ends where one of its chunks does, or in the last one, which is empty: https://www.w3.org/TR/png-3/#5Chunk-layout */
function isWholePng(bytes: Buffer): boolean {
  let end = 8;
  for (const chunk of chunksOf(bytes)) {
    if (chunk.type === "IEND") return true;
    end = chunk.end;
  }
  return end === bytes.length;
}

/** The chunks of a PNG; `end` may lie behind the end of the file. */
function* chunksOf(bytes: Buffer): Generator<{ type: string; start: number; end: number }> {
  for (let at = 8; at + 8 <= bytes.length; ) {
    const start = at + 8;
    const end = start + bytes.readUInt32BE(at) + 4;
    yield { type: bytes.toString("latin1", at + 4, start), start, end };
    at = end;
  }
}

/** Boxes that hold the image; others may write behind it what only looks like one. */
const IMAGE_BOX = /^(?:ftyp|meta|moov|mdat)$/;

/** None of its boxes goes on behind the end of the file: ISO/IEC 14496-12, 4.2. */
function isWholeHeif(bytes: Buffer): boolean {
  for (let at = 0; at + 8 <= bytes.length; ) {
    const isLong = bytes.readUInt32BE(at) === 1 && at + 16 <= bytes.length;
    const length = isLong ? Number(bytes.readBigUInt64BE(at + 8)) : bytes.readUInt32BE(at);
    if (!IMAGE_BOX.test(bytes.toString("latin1", at + 4, at + 8)) && at + length > bytes.length) return true;
    // The last box may go to the end of the file, however far that is: its length is 0.
    if (length < 8) return true;
    at += length;
    if (at > bytes.length) return false;
  }
  return true;
}
