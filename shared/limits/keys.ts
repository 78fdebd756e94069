import type { Key } from "../aws/dynamodb.ts";

/** A rate that was changed begins anew: slots taken under the old one say nothing. */
export function rateLimitKey(task: string, rateLimit: string): Key {
  return { pk: `rate#${task}`, sk: rateLimit };
}

export function concurrencyKey(task: string, key: string | undefined): Key {
  return { pk: `concurrency#${task}`, sk: key === undefined ? "all" : `key#${key}` };
}

export function debounceKey(task: string, key: string): Key {
  return { pk: `debounce#${task}`, sk: key };
}

/** Under a partition of its own: a key is a user's text, and may look like a key and a burst. */
export function pastBurstKey(task: string, key: string, burst: string): Key {
  return { pk: `burst#${task}#${burst}`, sk: key };
}
