/** Items as the SDK writes them. Lovage keeps texts, numbers and sets of texts; an attribute of another kind is not its own. */

import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { Item, Value } from "./change.ts";

type Attributes = Record<string, AttributeValue>;

export function toAttribute(value: Value): AttributeValue {
  if (typeof value === "string") return { S: value };
  if (typeof value === "number") return { N: String(value) };
  return { SS: [...value] };
}

export function toAttributes(item: Item): Attributes {
  const attributes: Attributes = {};
  for (const [name, value] of Object.entries(item)) {
    if (value !== undefined) attributes[name] = toAttribute(value);
  }
  return attributes;
}

export function fromAttributes(attributes: Attributes): Item {
  const item: Item = {};
  for (const [name, { S, N, SS }] of Object.entries(attributes)) {
    if (S !== undefined) item[name] = S;
    else if (N !== undefined) item[name] = Number(N);
    else if (SS !== undefined) item[name] = new Set(SS);
  }
  return item;
}
