/** Definitions of workflows: written once, read by whoever comes to one of their tasks, and listed by their keys. */

import { randomUUID } from "node:crypto";
import { above, absent, type Item } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";
import { parseJson, toJsonText } from "../message/json.ts";
import { type LargeValues, loadJson, type StoredValue } from "../message/large-values.ts";
import { listInOrder, type Span } from "../table/in-order.ts";
import { definitionKey, definitionPartition } from "../table/keys.ts";
import type { Definition } from "./definition.ts";
import { remember } from "./known.ts";
import { readDefinition } from "./read-definition.ts";

/** A definition whose root is written bit by bit, for nobody has it whole. */
export interface DefinitionWriter {
  /** Adds text of the root. */
  push(text: string): Promise<void>;
  /** The rest of the definition, behind its root: with this it is there. May be asked once. False if it was there before. */
  define(rest: Omit<Definition, "root">): Promise<boolean>;
}

export interface Definitions {
  /** Stores a definition, once: of one id there is one. False if it was there before. */
  define(definition: Definition): Promise<boolean>;
  /** Stores a definition by its parts; as long as the last is not written, nothing refers to them. */
  write(id: string): DefinitionWriter;
  /** The definition, which this process keeps for a while; undefined if there is none, or none any more. */
  read(id: string): Promise<Definition | undefined>;
  /** Ids of the workflows that were sent, newest first. */
  list(span: Span): Promise<{ ids: string[]; cursor?: string }>;
}

/** The text of the definitions that one process knows: in memory it is several times as large. */
const MAX_KNOWN_CHARS = 16 * 1024 * 1024;

export function createDefinitions(options: {
  table: Table;
  clock: () => Date;
  largeValues: LargeValues;
  /** Seconds since 1970 until which an item is kept that is written now. */
  ttl: () => number;
}): Definitions {
  const { table, clock, largeValues, ttl } = options;
  const definitions = new Map<string, Promise<Definition | undefined>>();
  const chars = new Map<string, number>();

  const load = async (id: string, listed?: Item): Promise<Definition | undefined> => {
    const item = listed ?? (await table.get(definitionKey(id)));
    if (item === undefined) return undefined;
    const { text, key, parts } = item;
    if (text !== undefined) return readDefinition(id, parseJson(String(text)));
    chars.set(id, Number(item.sizeBytes));
    makeRoom(id);
    const ref = {
      key: String(key),
      sizeBytes: Number(item.sizeBytes),
      until: String(item.until),
      ...(parts !== undefined && { parts: Number(parts) }),
    };
    return readDefinition(id, await loadJson(largeValues, ref));
  };

  /** Forgets the oldest large definitions, but for this one. */
  const makeRoom = (id: string): void => {
    let sum = [...chars.values()].reduce((all, one) => all + one, 0);
    for (const [oldest, size] of chars) {
      if (sum <= MAX_KNOWN_CHARS) return;
      if (oldest === id) continue;
      chars.delete(oldest);
      definitions.delete(oldest);
      sum -= size;
    }
  };

  const read = (id: string, listed?: Item): Promise<Definition | undefined> => {
    const known = definitions.get(id);
    if (known !== undefined) return known;
    const loading = load(id, listed);
    const forgotten = remember(definitions, id, loading);
    if (forgotten !== undefined) chars.delete(forgotten);
    // A definition that could not be read is asked for again, and so is one that is not there yet.
    loading.then(
      (found) => found ?? definitions.delete(id),
      () => definitions.delete(id),
    );
    return loading;
  };

  /** The object lives as long as the item: the workflow may take longer than its definition says. */
  const end = (): Date => new Date(ttl() * 1000);

  const nameOf = (id: string) => ({ id, part: "definition" as const, version: randomUUID() });

  /** Dying before this leaves objects that nobody refers to. */
  const put = async (id: string, stored: StoredValue): Promise<boolean> => {
    const { applied } = await table.update({
      key: definitionKey(id),
      set: { ...("text" in stored ? { text: stored.text } : stored.ref), ttl: ttl() },
      when: absent("ttl"),
      likelyNew: true,
    });
    return applied;
  };

  return {
    async define(definition) {
      const { id } = definition;
      return put(id, await largeValues.store(nameOf(id), toJsonText(definition), end()));
    },

    write(id) {
      const writer = largeValues.write(nameOf(id));
      // Before the first text of the root.
      const opened = writer.push('{"root":');
      return {
        async push(text) {
          await opened;
          await writer.push(text);
        },
        async define(rest) {
          await writer.push(`,${toJsonText(rest).slice(1)}`);
          // It may stand under the id of an earlier call with its key.
          return put(rest.id, await writer.close(end()));
        },
      };
    },

    read: (id) => read(id),

    async list(span) {
      const filter = above("ttl", Math.floor(clock().getTime() / 1000));
      const reading = { partition: definitionPartition, filter, pageSize: span.limit };
      const { items, ...more } = await listInOrder(table, span, reading);
      // Definitions that the list has read are not read again; one that cannot be read says so when it is asked for.
      for (const item of items) read(String(item.sk), item).catch(() => {});
      return { ids: items.map(({ sk }) => String(sk)), ...more };
    },
  };
}
