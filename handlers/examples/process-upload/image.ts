import { buffer } from "node:stream/consumers";
import type { Metadata, Sharp } from "sharp";
import { quote, UploadError } from "./errors.ts";
import { framesOf, isWhole } from "./image-container.ts";
import { readBlocks, type Upload } from "./upload.ts";

/** The description of an image. */
export interface ImageSummary {
  format: string;
  /** Pixels as stored, before `orientation` is applied. */
  width: number;
  height: number;
  /** The EXIF orientation, 1 to 8; 5 to 8 show the image on its side. */
  orientation: number;
  /** More than 1 for an animation or a TIFF of several pages. */
  frames: number;
  hasAlpha: boolean;
  /** The first frame, upright, saved as a derived file; `null` for HEIC, of which only the header is read. */
  thumbnail: Thumbnail | null;
}

interface Thumbnail {
  name: string;
  contentType: string;
  width: number;
  height: number;
  sizeBytes: number;
}

const MAX_IMAGE_PIXELS = 50_000_000;
/** Some kinds of image cannot be decoded in strips, and a file of 2 KB can ask for 1 GB. */
const MAX_DECODE_BYTES = 350_000_000;
/** The encoded image is held in memory. */
const MAX_IMAGE_BYTES = 64 * 1024 * 1024;

const TOO_SHORT = "it ends too early";

const THUMBNAIL_PIXELS = 320;
const MAX_DECODE_SECONDS = 30;

/**
 * Reads the dimensions of an image and saves its thumbnail.
 * @throws {UploadError} when it is too large, by its header alone, before anything is decoded; when it cannot be decoded to its end
 */
export async function summariseImage(upload: Upload): Promise<ImageSummary> {
  const { filename, sizeBytes, signal } = upload;
  if (sizeBytes > MAX_IMAGE_BYTES)
    throw tooLarge(filename, `${sizeBytes} bytes`, `${MAX_IMAGE_BYTES / 1024 / 1024} MiB`);
  const bytes = await buffer(readBlocks(upload));
  const sharp = await loadSharp();
  const metadata = await attempt(filename, () => sharp(bytes, { limitInputPixels: false }).metadata());
  refuseTooLarge(filename, metadata);
  const image = {
    format: metadata.format,
    width: metadata.width,
    height: metadata.height,
    orientation: metadata.orientation ?? 1,
    frames: framesOf(bytes, metadata),
    hasAlpha: metadata.hasAlpha,
  };
  if (!isWhole(bytes, metadata)) throw broken(filename, TOO_SHORT);
  // sharp comes without a decoder of HEVC, whose patents are licensed.
  if (metadata.compression === "hevc") return { ...image, thumbnail: null };
  const { data, info } = await inTurn(() => {
    signal.throwIfAborted();
    return attempt(filename, () => thumbnail(sharp, bytes));
  });
  const name = "thumbnail.webp";
  const contentType = "image/webp";
  await upload.save(name, data, contentType);
  return { ...image, thumbnail: { name, contentType, width: info.width, height: info.height, sizeBytes: data.length } };
}

type SharpModule = typeof import("sharp").default;

let loading: Promise<SharpModule> | undefined;

/** Loads sharp with the first image: it is 20 MB of native code that most tasks never need. */
function loadSharp(): Promise<SharpModule> {
  loading ??= import("sharp").then(({ default: sharp }) => {
    // Each image is seen once, so a cache only holds memory.
    sharp.cache(false);
    // The formats that `sniff` lets through, and none that runs a program, as SVG and PDF do.
    sharp.block({ operation: ["VipsForeignLoad"] });
    sharp.unblock({
      operation: ["Jpeg", "Png", "Webp", "Nsgif", "Tiff", "Heif"].map((codec) => `VipsForeignLoad${codec}`),
    });
    return sharp;
  });
  return loading;
}

function refuseTooLarge(filename: string, metadata: Metadata): void {
  const { width, height } = metadata;
  const measured = `${width} x ${height} pixels`;
  if (width * height > MAX_IMAGE_PIXELS) {
    throw tooLarge(filename, measured, `${MAX_IMAGE_PIXELS / 1_000_000} megapixels`);
  }
  const bytes = width * height * bytesPerPixel(metadata);
  if (bytes > MAX_DECODE_BYTES) {
    const needed = `${measured}, which take ${Math.round(bytes / 1_000_000)} MB to decode`;
    throw tooLarge(filename, needed, `${MAX_DECODE_BYTES / 1_000_000} MB`);
  }
}

/** Memory that decoding takes, as measured with libvips 8.18: next to nothing where it goes row by row. */
function bytesPerPixel({ format, channels, depth, isProgressive }: Metadata): number {
  const sampleBytes = depth.endsWith("char") ? 1 : depth.endsWith("short") ? 2 : /int|float/.test(depth) ? 4 : 8;
  if (format === "heif") return sampleBytes === 1 ? 20 : 27;
  if (format === "jpeg") return isProgressive ? channels * 2 : 0;
  if (format === "png") return isProgressive ? channels * sampleBytes : 0;
  return Math.max(channels * sampleBytes, 4);
}

let lastTurn: Promise<unknown> = Promise.resolve();

/** Runs one decoding after the other: `MAX_DECODE_BYTES` must not be needed once per message of a batch. */
function inTurn<T>(decoding: () => Promise<T>): Promise<T> {
  const turn = lastTurn.then(decoding);
  lastTurn = turn.catch(() => {});
  return turn;
}

/** Faults that change no pixel: cameras and editors write them, and every browser shows the picture. */
const HARMLESS = /^VipsJpeg: (?:Corrupt JPEG data: \d+ extraneous bytes before marker|Invalid SOS parameters)/;

/** The first frame. */
async function thumbnail(sharp: SharpModule, bytes: Buffer) {
  try {
    return await decode("warning").toBuffer({ resolveWithObject: true });
  } catch (error) {
    const lines = error instanceof Error ? error.message.trim().split("\n") : [""];
    if (!lines.every((line) => HARMLESS.test(line.trim()))) throw error;
    return await decode("error").toBuffer({ resolveWithObject: true });
  }

  function decode(failOn: "warning" | "error"): Sharp {
    return sharp(bytes, { limitInputPixels: MAX_IMAGE_PIXELS, failOn })
      .timeout({ seconds: MAX_DECODE_SECONDS })
      .autoOrient()
      .resize({ width: THUMBNAIL_PIXELS, height: THUMBNAIL_PIXELS, fit: "inside", withoutEnlargement: true })
      .webp({ quality: 80 });
  }
}

/** Does one operation of sharp, whose every fault is the image's. */
async function attempt<T>(filename: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw broken(filename, reasonOf(error), error);
  }
}

/** libvips's own words are for those who know its insides; they stay as the error's cause. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  if (/premature end|truncat|unexpected end|read error|bad seek|unable to parse|not enough data/i.test(text)) {
    return TOO_SHORT;
  }
  if (/contains unsupported image format/i.test(text)) {
    return "it is cut, damaged, or coded in a way that is not supported here";
  }
  if (/timeout/i.test(text)) return `it takes longer than ${MAX_DECODE_SECONDS} s to decode`;
  if (/unsupported|not supported|no decod|not a whole number of bytes|bad labq/i.test(text))
    return "it is coded in a way that is not supported here";
  return "its data is damaged";
}

function broken(filename: string, reason: string, cause?: unknown): UploadError {
  const sentence = `Image ${quote(filename)} cannot be decoded (${reason}): expected a complete JPEG, PNG, WebP, GIF, AVIF, HEIC or TIFF. Save it again and upload the new file.`;
  return new UploadError("IMAGE_BROKEN", sentence, { cause });
}

function tooLarge(filename: string, measured: string, limit: string): UploadError {
  const sentence = `Image ${quote(filename)} has ${measured}: at most ${limit} are accepted. Scale it down and upload it again.`;
  return new UploadError("IMAGE_TOO_LARGE", sentence);
}
