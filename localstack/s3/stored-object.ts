/** One object: the headers that stay with it, its archive and its checksum, as answers tell them. */
import { S3Error } from "./error.ts";
import type { Checksum, S3Store, StoredObject } from "./store.ts";

/** Headers that S3 keeps with an object and gives back with it. */
const KEPT_HEADERS = [
  ...["cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires"],
  ...["x-amz-storage-class", "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id"],
  "x-amz-server-side-encryption-bucket-key-enabled",
];
const MAX_METADATA_BYTES = 2048;

/** The headers of an upload that stay with the object. @throws S3Error MetadataTooLarge */
export function keptHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept: Record<string, string> = { "content-type": "binary/octet-stream" };
  let metadataBytes = 0;
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith("x-amz-meta-")) {
      metadataBytes += name.length - "x-amz-meta-".length + Buffer.byteLength(value);
      kept[name] = value;
    } else if (KEPT_HEADERS.includes(name) && value !== "") {
      kept[name] = value;
    }
  }
  if (metadataBytes > MAX_METADATA_BYTES) {
    throw new S3Error("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size");
  }
  // How the bytes travelled, not what they are.
  const encodings = (kept["content-encoding"] ?? "").split(",").map((one) => one.trim());
  const encoding = encodings.filter((one) => one !== "aws-chunked").join(",");
  delete kept["content-encoding"];
  return encoding === "" ? kept : { ...kept, "content-encoding": encoding };
}

/** The archive in which an object lies: until it is restored, which is not done here, its bytes are not read. */
export function archiveOf({ headers }: StoredObject): string | undefined {
  const storageClass = headers["x-amz-storage-class"];
  return storageClass === "GLACIER" || storageClass === "DEEP_ARCHIVE" ? storageClass : undefined;
}

/** The object that a request names. @throws S3Error NoSuchKey */
export function requireObject(store: S3Store, bucket: string, key: string): StoredObject {
  const object = store.object(bucket, key);
  if (object === undefined) throw new S3Error("NoSuchKey", "The specified key does not exist.", { Key: key });
  return object;
}

export function checksumHeaders({ checksum }: Pick<StoredObject, "checksum">): Record<string, string> {
  return checksum === undefined
    ? {}
    : { [`x-amz-checksum-${checksum.algorithm}`]: checksum.value, "x-amz-checksum-type": typeOf(checksum) };
}

/** `ChecksumSHA256` and its like, in an answer's document. */
export function checksumFields({ checksum }: Pick<StoredObject, "checksum">): Record<string, string> {
  return checksum === undefined
    ? {}
    : { [`Checksum${checksum.algorithm.toUpperCase()}`]: checksum.value, ChecksumType: typeOf(checksum) };
}

/** One that was made of those of the parts ends in their number. */
export function typeOf({ value }: Checksum): "COMPOSITE" | "FULL_OBJECT" {
  return value.includes("-") ? "COMPOSITE" : "FULL_OBJECT";
}
