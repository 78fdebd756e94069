/** Tags of tables: those that a table is created with, and the pages in which they are listed. */
import { cut } from "../../shared/echo.ts";
import { type JsonObject, objectsOf } from "../json.ts";
import { DynamoDbError } from "./error.ts";

/** "Returns up to 10 tags": https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListTagsOfResource.html */
const PAGE_LENGTH = 10;

/** Up to how many a table has, and how long they are: https://docs.aws.amazon.com/general/latest/gr/aws_tagging.html */
const MAX_TAGS = 50;
const MAX_KEY = 128;
const MAX_VALUE = 256;

/** Tags that a table is to get beside those that it has, checked. @throws DynamoDbError */
export function checkedTags(given: unknown, present: readonly JsonObject[] = []): JsonObject[] {
  const tags = objectsOf(given);
  const keys = new Set<unknown>(present.map(({ Key }) => Key));
  const own = new Set<unknown>();
  for (const { Key: key, Value: value } of tags) {
    const fault = keyFault(key) ?? valueFault(value);
    if (fault !== undefined) throw DynamoDbError.validation(fault);
    if (own.has(key)) {
      throw DynamoDbError.validation(`Duplicate Tag Keys provided as input: Duplicate Tag Key found ${key}`);
    }
    own.add(key);
    keys.add(key);
  }
  if (keys.size > MAX_TAGS) {
    throw DynamoDbError.validation("Number of Tags exceed the current limit for the provided ResourceArn");
  }
  return tags;
}

function keyFault(key: unknown): string | undefined {
  if (typeof key !== "string" || key === "" || key.length > MAX_KEY) {
    return `The Tag Key provided is invalid, Key: ${cut(`${key ?? null}`)}`;
  }
  return key.startsWith("aws:") ? `Tag Key cannot be prefixed with aws:, Key: ${key}` : undefined;
}

function valueFault(value: unknown): string | undefined {
  const isGood = typeof value === "string" && value.length <= MAX_VALUE;
  return isGood ? undefined : `The Tag Value provided is invalid, Value: ${cut(`${value ?? null}`)}`;
}

/** The page behind a token, which is the key of the tag before it. @throws DynamoDbError */
export function pageOfTags(all: JsonObject, token: unknown): JsonObject {
  const tags = objectsOf(all.Tags);
  const last = token === undefined ? -1 : tags.findIndex((tag) => toToken(tag) === token);
  if (token !== undefined && last < 0) {
    throw DynamoDbError.validation(`The NextToken '${cut(String(token))}' is none of this table's.`);
  }
  const page = tags.slice(last + 1, last + 1 + PAGE_LENGTH);
  const end = page.at(-1);
  const hasMore = last + 1 + PAGE_LENGTH < tags.length;
  return { Tags: page, ...(hasMore && end && { NextToken: toToken(end) }) };
}

function toToken({ Key }: JsonObject): string {
  return Buffer.from(String(Key)).toString("base64");
}
