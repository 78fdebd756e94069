import sharp from "sharp";

/** A small seeded generator (mulberry32), so that every run of the demo makes the same files. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A CSV of orders, and what its statistics must come to. */
export function makeCsv(
  rows: number,
  random: () => number,
): { text: string; rows: number; amountMax: number; amountMean: number } {
  const cities = ["Berlin", "São Paulo", "New York", "Tōkyō", '"Nowhere, ""really"""'];
  const lines = ["order,city,amount,paid,ordered_on"];
  let sum = 0;
  let amountMax = 0;
  for (let row = 1; row <= rows; row++) {
    const amount = Math.round(random() * 100_000) / 100;
    sum += amount;
    amountMax = Math.max(amountMax, amount);
    const day = new Date(Date.UTC(2026, 0, 1 + Math.floor(random() * 300))).toISOString().slice(0, 10);
    lines.push(`${row},${cities[Math.floor(random() * cities.length)]},${amount},${random() < 0.8},${day}`);
  }
  return { text: `${lines.join("\n")}\n`, rows, amountMax, amountMean: sum / rows };
}

/** A JPEG of coloured noise over a gradient. */
export async function makeJpeg(width: number, height: number, random: () => number): Promise<Buffer> {
  const pixels = Buffer.alloc(width * height * 3);
  for (let index = 0; index < pixels.length; index += 3) {
    const x = ((index / 3) % width) / width;
    const y = Math.floor(index / 3 / width) / height;
    pixels[index] = 255 * x;
    pixels[index + 1] = 255 * y;
    pixels[index + 2] = 160 + random() * 80;
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 85 })
    .toBuffer();
}
