/**
 * Tags of objects and buckets.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/CostAllocTagging.html
 */
import { S3Error } from "./error.ts";
import { childrenOf, parseXml, textOf, toXml } from "./xml.ts";

interface Tag {
  Key: string;
  Value: string;
}

/** The bounds of one kind of tags, and S3's sentences for them. */
interface Rules {
  readonly most: number;
  readonly tooMany: string;
  readonly system: string;
}

const OF_OBJECTS: Rules = {
  most: 10,
  tooMany: "Object tags cannot be greater than 10",
  system: "Your TagKey cannot be prefixed with aws:",
};
const OF_BUCKETS: Rules = {
  most: 50,
  tooMany: "Bucket tag count cannot be greater than 50",
  system: "System tags cannot be added/updated by requester",
};
const MAX_KEY_CHARS = 128;
const MAX_VALUE_CHARS = 256;
const CHARACTERS = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** Tags given as `a=1&b=2` in a header, as the document that GetObjectTagging answers. @throws S3Error */
export function tagsOf(headers: Readonly<Record<string, string>>): string | undefined {
  const tagging = headers["x-amz-tagging"];
  if (tagging === undefined || tagging === "") return undefined;
  return documentOf(
    [...new URLSearchParams(tagging)].map(([Key, Value]) => ({ Key, Value })),
    OF_OBJECTS,
  );
}

/** The document of PutObjectTagging, checked. @throws S3Error */
export function readTags(xml: string): string {
  return documentOf(tagsIn(xml), OF_OBJECTS);
}

/** The document of PutBucketTagging, checked; undefined for one without tags. @throws S3Error */
export function readBucketTags(xml: string): string | undefined {
  const tags = tagsIn(xml);
  return tags.length === 0 ? undefined : documentOf(tags, OF_BUCKETS);
}

function tagsIn(xml: string): Tag[] {
  const root = parseXml(xml);
  const sets = root === undefined ? [] : childrenOf(root, "TagSet");
  const [set] = sets;
  if (root?.name !== "Tagging" || set === undefined) throw S3Error.malformedXml();
  return childrenOf(set, "Tag").map((tag) => {
    const [key, value] = [textOf(tag, "Key"), textOf(tag, "Value")];
    if (key === undefined || value === undefined) throw S3Error.malformedXml();
    return { Key: key, Value: value };
  });
}

export function tagCount(document: string | undefined): number {
  return document === undefined ? 0 : (document.match(/<Tag>/g) ?? []).length;
}

function documentOf(tags: readonly Tag[], { most, tooMany, system }: Rules): string {
  if (tags.length > most) throw new S3Error("BadRequest", tooMany);
  const names = new Set<string>();
  for (const { Key, Value } of tags) {
    if (Key === "" || [...Key].length > MAX_KEY_CHARS || !CHARACTERS.test(Key)) {
      throw new S3Error("InvalidTag", "The TagKey you have provided is invalid", { TagKey: Key });
    }
    if ([...Value].length > MAX_VALUE_CHARS || !CHARACTERS.test(Value)) {
      throw new S3Error("InvalidTag", "The TagValue you have provided is invalid", { TagKey: Key, TagValue: Value });
    }
    if (/^aws:/i.test(Key)) {
      throw new S3Error("InvalidTag", system, { TagKey: Key });
    }
    if (names.has(Key)) {
      throw new S3Error("InvalidTag", "Cannot provide multiple Tags with the same key", { TagKey: Key });
    }
    names.add(Key);
  }
  return toXml("Tagging", { TagSet: tags.length === 0 ? "" : { Tag: tags.map((tag) => ({ ...tag })) } });
}
