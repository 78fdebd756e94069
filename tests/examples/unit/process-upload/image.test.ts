import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { seeded, upload } from "./upload.ts";

const FORMATS = ["jpeg", "png", "webp", "gif", "tiff", "avif"] as const;
type Format = (typeof FORMATS)[number];

const photos = new Map<Format, Buffer>();
function photo(format: Format): Buffer {
  return photos.get(format) ?? Buffer.alloc(0);
}

/** Pixels with something to compress, the same ones in every run. */
function canvas(width: number, height: number) {
  const next = seeded(21);
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => ((i / 7) % 200) + next(40));
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

beforeAll(async () => {
  const image = canvas(400, 300);
  for (const format of FORMATS) photos.set(format, await image.clone().toFormat(format, { effort: 1 }).toBuffer());
});

describe("An image", () => {
  it.each(FORMATS)("in %s gives its dimensions and a thumbnail, whatever was declared", async (format) => {
    const { summary, saved, opened } = await upload(photo(format), { filename: "list.csv", contentType: "text/csv" });

    expect(summary).toMatchObject({
      kind: "image",
      contentType: `image/${format}`,
      declaredContentType: "text/csv",
      sizeBytes: photo(format).length,
      image: {
        width: 400,
        height: 300,
        orientation: 1,
        frames: 1,
        thumbnail: { name: "thumbnail.webp", width: 320, height: 240 },
      },
    });
    const thumbnail = saved.get("thumbnail.webp");
    expect(thumbnail?.contentType).toBe("image/webp");
    expect(await sharp(thumbnail?.body).metadata()).toMatchObject({ format: "webp", width: 320, height: 240 });
    expect(opened).toBe(2);
  });

  it("that is small is not enlarged", async () => {
    const { summary } = await upload(await canvas(7, 5).png().toBuffer());

    expect(summary).toMatchObject({ image: { width: 7, height: 5, thumbnail: { width: 7, height: 5 } } });
  });

  it("that lies on its side gets an upright thumbnail", async () => {
    const { summary } = await upload(await canvas(400, 300).withMetadata({ orientation: 6 }).jpeg().toBuffer());

    expect(summary).toMatchObject({
      image: { width: 400, height: 300, orientation: 6, thumbnail: { width: 240, height: 320 } },
    });
  });

  it("that is animated gives its number of frames and a thumbnail of the first", async () => {
    const frames = await Promise.all(
      [0, 90, 180].map((hue) =>
        canvas(60, 120)
          .modulate({ hue, brightness: 1 + hue / 360 })
          .png()
          .toBuffer(),
      ),
    );
    const animation = await sharp(frames, { join: { animated: true } })
      .gif({ effort: 1 })
      .toBuffer();

    const { summary, saved } = await upload(animation);

    expect(summary).toMatchObject({
      image: { width: 60, height: 120, frames: 3, thumbnail: { width: 60, height: 120 } },
    });
    expect((await sharp(saved.get("thumbnail.webp")?.body).metadata()).pages ?? 1).toBe(1);
  });

  it("from a Samsung camera, with its harmless fault, is accepted", async () => {
    const jpeg = Buffer.from(photo("jpeg"));
    const scan = jpeg.indexOf(Buffer.from([0xff, 0xda]));
    // The end of the spectral selection: 63 in every sequential JPEG, 0 in theirs.
    jpeg[scan + 6 + 2 * jpeg.readUInt8(scan + 4)] = 0;
    await expect(sharp(jpeg).toBuffer()).rejects.toThrow("Invalid SOS parameters");

    const { summary } = await upload(jpeg);

    expect(summary).toMatchObject({ kind: "image", image: { width: 400 } });
  });

  it.each(FORMATS.flatMap((format) => [0.2, 0.6, 0.95].map((share) => [format, share] as const)))(
    "in %s, cut off after %d of its bytes, is refused as broken",
    async (format, share) => {
      const bytes = photo(format);

      await expect(upload(bytes.subarray(0, bytes.length * share))).rejects.toMatchObject({
        name: "UploadError",
        code: "IMAGE_BROKEN",
        message: expect.stringMatching(/^Image 'upload.bin' cannot be decoded \(.{5,}\): expected a complete JPEG/),
      });
    },
  );

  it.each(["jpeg", "png", "gif"] as const)(
    "in %s, with a hole of zeros inside, is refused as broken",
    async (format) => {
      const bytes = Buffer.from(photo(format));
      const middle = Math.floor(bytes.length / 2);
      bytes.fill(0, middle, middle + 500);

      await expect(upload(bytes)).rejects.toMatchObject({ code: "IMAGE_BROKEN" });
    },
  );

  it("of 30,000 x 30,000 pixels in a small file is refused by its header, without decoding", async () => {
    const before = process.memoryUsage.rss();

    await expect(upload(blankPng(30_000, 30_000), { filename: "bomb.png" })).rejects.toMatchObject({
      code: "IMAGE_TOO_LARGE",
      message:
        "Image 'bomb.png' has 30000 x 30000 pixels: at most 50 megapixels are accepted. Scale it down and upload it again.",
    });
    expect(process.memoryUsage.rss() - before).toBeLessThan(30_000_000);
  });

  it("of few bytes that take 900 MB to decode is refused by its header", async () => {
    const avif = Buffer.from(photo("avif"));
    // The image's size as the container tells it: `ispe`, version, width, height.
    const ispe = avif.indexOf("ispe");
    avif.writeUInt32BE(7000, ispe + 8);
    avif.writeUInt32BE(7000, ispe + 12);

    await expect(upload(avif)).rejects.toMatchObject({
      code: "IMAGE_TOO_LARGE",
      message: expect.stringContaining("7000 x 7000 pixels, which take 980 MB to decode: at most 350 MB"),
    });
  });

  it("of more bytes than may be held is refused", async () => {
    const png = Buffer.alloc(70 * 1024 * 1024);
    blankPng(10, 10).copy(png);

    await expect(upload(png)).rejects.toMatchObject({
      code: "IMAGE_TOO_LARGE",
      message: expect.stringContaining("64 MiB"),
    });
  });

  it("that is an SVG in disguise is not rendered", async () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';

    expect((await upload(svg, { contentType: "image/png" })).summary).toMatchObject({
      kind: "text",
      contentType: "image/svg+xml",
    });
    await expect(upload(`GIF8\0${svg}`)).rejects.toMatchObject({ code: "IMAGE_BROKEN" });
    await expect(sharp(Buffer.from(svg)).metadata()).rejects.toThrow("unsupported image format");
  });
});

/** A valid PNG header, followed by a few bytes of the pixels it promises. */
function blankPng(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.writeUInt8(8, 8);
  const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.alloc(10_000))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

/** 64 x 40 red pixels as pillow-heif 1.1 writes them, coded by x265. */
const HEIC = Buffer.from(
  "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9jAAAAAERAAAEAAQAAAAABoQABAAAAAAAAABgAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/WlwcnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAKAAAAAEAAAAAAAAAAv///+gAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAAACBtZGF0AAAAFCgBrwQY+Mpx1//zIR+fgLhh0hHn",
  "base64",
);

describe("An image that others show", () => {
  it("is told by its header if it is HEIC, which is not decoded here", async () => {
    const { summary, saved } = await upload(HEIC, { filename: "photo.heic", contentType: "image/heic" });

    expect(summary).toMatchObject({ kind: "image", image: { format: "heif", width: 64, height: 40, thumbnail: null } });
    expect(saved.size).toBe(0);
  });

  it("is shown here, too, though stray bytes stand before a marker", async () => {
    const jpeg = photo("jpeg");
    const end = 4 + jpeg.readUInt16BE(4);
    const stray = Buffer.concat([jpeg.subarray(0, end), Buffer.from([0x12, 0x34]), jpeg.subarray(end)]);

    expect((await upload(stray)).summary).toMatchObject({ image: { width: 400, height: 300, frames: 1 } });
  });

  it("counts its frames, also those of a PNG", async () => {
    const control = chunk("acTL", Buffer.from([0, 0, 0, 3, 0, 0, 0, 0]));
    const png = photo("png");
    const header = 8 + 25;

    const { summary } = await upload(Buffer.concat([png.subarray(0, header), control, png.subarray(header)]));

    expect(summary).toMatchObject({ image: { format: "png", frames: 3 } });
  });

  it.each(["gif", "webp", "png", "heic"] as const)(
    "is refused when it is cut anywhere, its animation too: %s",
    async (kind) => {
      const bytes = kind === "heic" ? HEIC : kind === "png" ? await animatedPng() : await animation(kind);
      expect((await upload(bytes)).summary).toMatchObject({ image: { frames: kind === "heic" ? 1 : 3 } });

      for (const share of [0.5, 0.8, 0.97]) {
        await expect(upload(bytes.subarray(0, Math.floor(bytes.length * share)))).rejects.toMatchObject({
          code: "IMAGE_BROKEN",
          message: expect.stringContaining("it ends too early"),
        });
      }
    },
  );

  it.each(["png", "heic"] as const)("may have bytes behind its end: %s", async (kind) => {
    const bytes = Buffer.concat([kind === "png" ? await animatedPng() : HEIC, Buffer.from("and a camera's own words")]);

    expect((await upload(bytes)).summary).toMatchObject({ kind: "image", image: { width: 64 } });
  });
});

/** Three frames of 64 x 40 pixels. */
async function animation(format: "gif" | "webp"): Promise<Buffer> {
  const frames = await Promise.all(
    ["red", "green", "blue"].map((colour) => canvas(64, 40).tint(colour).png().toBuffer()),
  );
  return sharp(frames, { join: { animated: true } })
    .toFormat(format)
    .toBuffer();
}

/** https://www.w3.org/TR/png-3/#apng-frame-based-animation */
async function animatedPng(): Promise<Buffer> {
  const png = await canvas(64, 40).png().toBuffer();
  const header = 8 + 25;
  const start = png.indexOf("IDAT");
  const data = png.subarray(start + 4, start + 4 + png.readUInt32BE(start - 4));
  const control = (sequence: number): Buffer => {
    const fields = Buffer.alloc(26);
    for (const [index, value] of [sequence, 64, 40].entries()) fields.writeUInt32BE(value, 4 * index);
    fields.writeUInt16BE(10, 20);
    fields.writeUInt16BE(100, 22);
    return chunk("fcTL", fields);
  };
  const frame = (sequence: number): Buffer => {
    const number = Buffer.alloc(4);
    number.writeUInt32BE(sequence);
    return chunk("fdAT", Buffer.concat([number, data]));
  };
  return Buffer.concat([
    png.subarray(0, header),
    chunk("acTL", Buffer.from([0, 0, 0, 3, 0, 0, 0, 0])),
    control(0),
    chunk("IDAT", data),
    ...[control(1), frame(2), control(3), frame(4)],
    chunk("IEND", Buffer.alloc(0)),
  ]);
}
