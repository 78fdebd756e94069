/** The digests that S3 knows, over bytes that come piece by piece; each is given in base64. */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

export interface Digester {
  update(piece: Buffer): void;
  base64(): string;
}

/** The digests that are computed here. S3 knows three of the kind XXHASH, too. */
const KNOWN = ["crc32", "crc32c", "crc64nvme", "md5", "sha1", "sha256", "sha512"];

export function isKnownDigest(algorithm: string): boolean {
  return KNOWN.includes(algorithm);
}

/** `undefined` for a name that is not among the known. */
export function createDigester(algorithm: string): Digester | undefined {
  switch (algorithm) {
    case "md5":
    case "sha1":
    case "sha256":
    case "sha512": {
      const hash = createHash(algorithm);
      return { update: (piece) => void hash.update(piece), base64: () => hash.digest("base64") };
    }
    case "crc32":
      return crcOf32Bits(crc32);
    case "crc32c":
      return crcOf32Bits(crc32c);
    case "crc64nvme":
      return crc64();
    default:
      return undefined;
  }
}

function crcOf32Bits(next: (piece: Buffer, value: number) => number): Digester {
  let value = 0;
  return {
    update(piece) {
      value = next(piece, value);
    },
    base64: () => base64Of(value),
  };
}

/** Both polynomials are written with their bits in reverse, as the tables run through a byte from its lowest bit. */
const CASTAGNOLI = 0x82f63b78n;
const NVME = 0x9a6c9329ac4bc9b5n;
const CASTAGNOLI_TABLE = tableOf(CASTAGNOLI).low;
const NVME_TABLE = tableOf(NVME);

/** The remainders of all bytes, their lower and their upper 32 bits, for numbers of 64 bits are slow. */
function tableOf(polynomial: bigint): { low: Uint32Array; high: Uint32Array } {
  const low = new Uint32Array(256);
  const high = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte += 1) {
    let value = BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) value = (value >> 1n) ^ (value & 1n ? polynomial : 0n);
    low[byte] = Number(value & 0xffffffffn);
    high[byte] = Number(value >> 32n);
  }
  return { low, high };
}

function crc32c(piece: Buffer, before: number): number {
  let value = ~before;
  for (const byte of piece) value = (value >>> 8) ^ (CASTAGNOLI_TABLE[(value ^ byte) & 0xff] ?? 0);
  return ~value >>> 0;
}

function crc64(): Digester {
  let low = -1;
  let high = -1;
  return {
    update(piece) {
      for (const byte of piece) {
        const index = (low ^ byte) & 0xff;
        low = ((low >>> 8) | (high << 24)) ^ (NVME_TABLE.low[index] ?? 0);
        high = (high >>> 8) ^ (NVME_TABLE.high[index] ?? 0);
      }
    },
    base64: () => base64Of(~high, ~low),
  };
}

/** Words of 32 bits, the highest first. */
function base64Of(...words: number[]): string {
  const bytes = Buffer.alloc(4 * words.length);
  for (const [index, word] of words.entries()) bytes.writeInt32BE(word | 0, 4 * index);
  return bytes.toString("base64");
}
