/** Finds the places of a value that a JSON Schema marks. */

import type { Json } from "../message/json.ts";
import type { JsonSchema } from "./json-schema.ts";

export type Path = readonly string[];

/** The marked places of schemas. */
export interface Marks {
  /** Nothing is marked. */
  none: boolean;
  /** Paths in a value whose values are secret, none within another. */
  find(value: Json): Path[];
}

/** Schemas of the same value. */
const SAME = ["allOf", "anyOf", "oneOf"] as const;
const SAME_ONE = ["if", "then", "else"] as const;
const NAMED = ["properties", "patternProperties", "dependentSchemas"] as const;

export function createMarks(roots: readonly JsonSchema[]): Marks {
  const walks = roots.map((root) => ({ root, known: new Map<JsonSchema, boolean>() }));
  const none = !walks.some((walk) => holdsMark(walk, walk.root));
  return {
    none,
    find(value) {
      if (none) return [];
      const found = new Map<string, Path>();
      for (const { root, known } of walks) {
        for (const path of find({ root, known, seen: new Set() }, root, value, [])) {
          found.set(JSON.stringify(path), path);
        }
      }
      const isInner = (path: Path): boolean => path.some((_, depth) => found.has(JSON.stringify(path.slice(0, depth))));
      return [...found.values()].filter((path) => !isInner(path));
    },
  };
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isMarked(schema: JsonSchema): boolean {
  return schema.secret === true || schema.writeOnly === true;
}

/** Schemas that stand in a schema: each of these describes the same value as it. */
function sameIn(root: JsonSchema, schema: JsonSchema): JsonSchema[] {
  const listed = SAME.flatMap((name) => schema[name] ?? []);
  const single = [...SAME_ONE.map((name) => schema[name]), ...Object.values(named(schema, "dependentSchemas"))];
  return [...listed, ...single, referred(root, schema.$ref)].filter(isSchema);
}

function named(schema: JsonSchema, keyword: (typeof NAMED)[number]): JsonSchema {
  const value = schema[keyword];
  return isSchema(value) ? value : {};
}

/** Schemas of the parts of the value. */
function fieldSchemas(schema: JsonSchema, name: string): JsonSchema[] {
  const own = named(schema, "properties");
  const declared = Object.hasOwn(own, name) ? [own[name]] : [];
  const patterns = Object.entries(named(schema, "patternProperties")).flatMap(([pattern, part]) =>
    matches(pattern, name) ? [part] : [],
  );
  const others = declared.length + patterns.length === 0 ? [schema.additionalProperties] : [];
  return [...declared, ...patterns, ...others, schema.unevaluatedProperties].filter(isSchema);
}

function itemSchemas(schema: JsonSchema, index: number): JsonSchema[] {
  const { prefixItems, items } = schema;
  const first: unknown[] = Array.isArray(prefixItems) ? prefixItems : Array.isArray(items) ? items : [];
  const part: unknown = index < first.length ? first[index] : items;
  return [part, schema.contains, schema.unevaluatedItems, schema.additionalItems].filter(isSchema);
}

function matches(pattern: string, name: string): boolean {
  try {
    return new RegExp(pattern, "u").test(name);
  } catch {
    // Masked too often rather than too seldom.
    return true;
  }
}

/** The schema that a reference of the same document names. */
function referred(root: JsonSchema, ref: unknown): unknown {
  if (typeof ref !== "string" || !ref.startsWith("#")) return undefined;
  const parts = ref.split("/").slice(1);
  return parts.reduce<unknown>((held, part) => {
    const name = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
    return isSchema(held) || Array.isArray(held) ? Reflect.get(held, name) : undefined;
  }, root);
}

interface Document {
  root: JsonSchema;
  /** Whether a mark is in a schema, where that was asked before. */
  known: Map<JsonSchema, boolean>;
}

interface Walk extends Document {
  /** Schemas that have been applied to this value: a reference may come back to one. */
  seen: Set<JsonSchema>;
}

function find(walk: Walk, schema: JsonSchema, value: Json, path: Path): Path[] {
  if (value === null || walk.seen.has(schema) || !holdsMark(walk, schema)) return [];
  walk.seen.add(schema);
  if (isMarked(schema)) return [path];
  const same = sameIn(walk.root, schema).flatMap((part) => find(walk, part, value, path));
  const into = (parts: readonly JsonSchema[], held: Json, key: string): Path[] => {
    const below: Walk = { ...walk, seen: new Set() };
    return parts.flatMap((part) => find(below, part, held, [...path, key]));
  };
  const [fields, items] = [fieldsOf(schema), itemsOf(schema)];
  const isMarkedIn = (parts: readonly JsonSchema[]): boolean => parts.some((part) => holdsMark(walk, part));
  // A value of another kind than the one whose parts are marked may well be the secret.
  if (Array.isArray(value)) {
    if (items.length === 0 && isMarkedIn(fields)) return [path];
    return [...same, ...value.flatMap((item, index) => into(itemSchemas(schema, index), item, String(index)))];
  }
  if (typeof value === "object") {
    if (fields.length === 0 && isMarkedIn(items)) return [path];
    const held = Object.entries(value);
    return [...same, ...held.flatMap(([name, part]) => into(fieldSchemas(schema, name), part ?? null, name))];
  }
  return isMarkedIn([...fields, ...items]) ? [path] : same;
}

/** Schemas of the fields of an object. */
function fieldsOf(schema: JsonSchema): JsonSchema[] {
  const maps = [named(schema, "properties"), named(schema, "patternProperties")].flatMap((map) => Object.values(map));
  return [...maps, schema.additionalProperties, schema.unevaluatedProperties].filter(isSchema);
}

/** Schemas of the items of a list. */
function itemsOf(schema: JsonSchema): JsonSchema[] {
  const { prefixItems, items, contains, unevaluatedItems, additionalItems } = schema;
  return [prefixItems ?? [], items, contains, unevaluatedItems, additionalItems].flat().filter(isSchema);
}

/** Whether something in a schema is marked. */
function holdsMark({ root, known }: Document, schema: JsonSchema): boolean {
  const told = known.get(schema);
  if (told !== undefined) return told;
  const reached = new Set<JsonSchema>();
  const reach = (one: JsonSchema): boolean => {
    if (reached.has(one)) return false;
    reached.add(one);
    return isMarked(one) || [...sameIn(root, one), ...fieldsOf(one), ...itemsOf(one)].some(reach);
  };
  const holds = reach(schema);
  known.set(schema, holds);
  return holds;
}
