/**
 * Lifecycle configurations, which are checked and kept; nothing expires or moves by them here.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
 */
import { S3Error } from "./error.ts";
import { childrenOf, parseXml, textOf, type XmlElement } from "./xml.ts";

const MAX_RULES = 1000;
const MAX_ID_CHARS = 255;

/** The document of PutBucketLifecycleConfiguration. @throws S3Error */
export function readLifecycle(xml: string): string {
  const root = parseXml(xml);
  const rules = root === undefined ? [] : childrenOf(root, "Rule");
  if (rules.length === 0 || rules.length > MAX_RULES || !rules.every(isWhole)) throw S3Error.malformedXml();
  const ids = rules.flatMap((rule) => textOf(rule, "ID") ?? []);
  if (ids.some((id) => id.length > MAX_ID_CHARS)) {
    throw new S3Error("InvalidArgument", `ID length should not exceed allowed limit of ${MAX_ID_CHARS}`);
  }
  if (new Set(ids).size < ids.length) {
    throw new S3Error("InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule");
  }
  return xml;
}

/** Whether a rule says for what it is, what it does, and nothing twice. */
function isWhole(rule: XmlElement): boolean {
  const filters = childrenOf(rule, "Filter");
  const some = (name: string): XmlElement[] => childrenOf(rule, name);
  return (
    ["Enabled", "Disabled"].includes(textOf(rule, "Status") ?? "") &&
    filters.length + some("Prefix").length === 1 &&
    filters.every((one) => named(one, ["Prefix", "Tag", "And", "ObjectSizeGreaterThan", "ObjectSizeLessThan"]) <= 1) &&
    some("Expiration").every((one) => named(one, ["Days", "Date", "ExpiredObjectDeleteMarker"]) === 1) &&
    some("Transition").every((one) => named(one, ["Days", "Date"]) === 1 && named(one, ["StorageClass"]) === 1) &&
    some("NoncurrentVersionTransition").every((one) => named(one, ["NoncurrentDays", "StorageClass"]) === 2) &&
    some("NoncurrentVersionExpiration").every((one) => named(one, ["NoncurrentDays"]) === 1) &&
    some("AbortIncompleteMultipartUpload").every((one) => named(one, ["DaysAfterInitiation"]) === 1)
  );
}

/** How many of these an element has. */
function named(element: XmlElement, names: readonly string[]): number {
  return names.reduce((sum, name) => sum + childrenOf(element, name).length, 0);
}
