/**
 * Checksums of objects that are made of parts: over all bytes, or over the checksums of the parts.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
import { createDigester, type Digester, isKnownDigest } from "./digests.ts";
import { S3Error } from "./error.ts";
import type { Checksum } from "./store.ts";
import { textOf, type XmlElement } from "./xml.ts";

type Headers = Readonly<Record<string, string>>;

const ALGORITHM = "x-amz-checksum-algorithm";
const TYPE = "x-amz-checksum-type";

/** The checksum that an upload asks for at its beginning, as headers that stay with it. @throws S3Error InvalidRequest, NotImplemented */
export function askedChecksum(headers: Headers): Record<string, string> {
  const { [ALGORITHM]: algorithm, [TYPE]: type } = headers;
  if (algorithm === undefined) {
    if (type === undefined) return {};
    throw new S3Error("InvalidRequest", `The ${TYPE} header can only be used with the ${ALGORITHM} header.`);
  }
  const name = algorithm.toLowerCase();
  if (!isKnownDigest(name)) throw S3Error.notImplemented(`An upload with a checksum of ${algorithm}`);
  const types = typesOf(name);
  const chosen = type ?? types[0] ?? "";
  if (!types.includes(chosen)) {
    throw new S3Error(
      "InvalidRequest",
      `The ${chosen} checksum type cannot be used with the ${name} checksum algorithm.`,
    );
  }
  return { [ALGORITHM]: name.toUpperCase(), [TYPE]: chosen };
}

/** The usual one first. Only of a CRC can the whole be known from parts. */
function typesOf(algorithm: string): readonly string[] {
  if (algorithm === "crc64nvme") return ["FULL_OBJECT"];
  return algorithm.startsWith("crc") ? ["COMPOSITE", "FULL_OBJECT"] : ["COMPOSITE"];
}

/** The headers of an upload that stay with its object, and those about its checksum. */
export function splitKept(kept: Headers): { headers: Record<string, string>; asked: Record<string, string> } {
  const isAsked = ([name]: [string, string]): boolean => name === ALGORITHM || name === TYPE;
  const all = Object.entries(kept);
  return {
    headers: Object.fromEntries(all.filter((one) => !isAsked(one))),
    asked: Object.fromEntries(all.filter(isAsked)),
  };
}

/** Both, as fields of a list. */
export function askedFields({ [ALGORITHM]: algorithm, [TYPE]: type }: Headers): Record<string, string> {
  return algorithm === undefined || type === undefined ? {} : { ChecksumAlgorithm: algorithm, ChecksumType: type };
}

/** The checksums that a completion lists for one part. @throws S3Error NotImplemented */
export function listedChecksums(part: XmlElement): Checksum[] {
  return part.children.flatMap(({ name }) => {
    if (!name.startsWith("Checksum")) return [];
    const algorithm = name.slice("Checksum".length).toLowerCase();
    if (!isKnownDigest(algorithm)) throw S3Error.notImplemented(`A part with ${name}`);
    return [{ algorithm, value: textOf(part, name) ?? "" }];
  });
}

/** Digests parts, one after the other. */
export class PartDigests {
  readonly #algorithms: readonly string[];
  readonly #whole: ReadonlyMap<string, Digester>;
  readonly #parts: Map<string, string>[] = [];

  constructor(algorithms: Iterable<string>) {
    this.#algorithms = [...new Set(algorithms)];
    this.#whole = this.#digesters();
  }

  async *add(part: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const digesters = this.#digesters();
    for await (const piece of part) {
      for (const digester of [...this.#whole.values(), ...digesters.values()]) digester.update(piece);
      yield piece;
    }
    this.#parts.push(new Map([...digesters].map(([algorithm, digester]) => [algorithm, digester.base64()])));
  }

  /** @param index of the part among those that were added */
  ofPart(index: number, algorithm: string): string | undefined {
    return this.#parts[index]?.get(algorithm);
  }

  /** Once, when all parts are there. */
  ofObject(algorithm: string, type: string): Checksum {
    if (type !== "COMPOSITE") return { algorithm, value: this.#whole.get(algorithm)?.base64() ?? "" };
    const digester = createDigester(algorithm);
    for (const part of this.#parts) digester?.update(Buffer.from(part.get(algorithm) ?? "", "base64"));
    return { algorithm, value: `${digester?.base64()}-${this.#parts.length}` };
  }

  #digesters(): Map<string, Digester> {
    return new Map(
      this.#algorithms.flatMap((algorithm) => {
        const digester = createDigester(algorithm);
        return digester === undefined ? [] : [[algorithm, digester] as const];
      }),
    );
  }
}
