/** Secrets: places in a payload, result or progress that are marked, and whose values are shown to nobody. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { InvalidOptionError, InvalidPayloadError } from "../errors.ts";
import type { Json } from "../message/json.ts";
import { inputSchemaOf, type JsonSchema, outputSchemaOf } from "./json-schema.ts";
import { createMarks, type Marks, type Path } from "./secret-places.ts";

/** Stands where a secret is; an edited payload keeps the value that it stands for. */
const SECRET = "[secret]";

/** A place in a record, by the names on the way to it; `*` is each field, or each item. */
export type SecretPlace = `${Part}${"" | `.${string}`}`;

type Part = "payload" | "result" | "progress";

export const PARTS: readonly Part[] = ["payload", "result", "progress"];

const PLACE = /^(payload|result|progress)(\.[^.]{1,200}){0,30}$/;

const PLACE_EXPECTED = "places such as 'result.token', 'payload.cards.*.number' or 'result'";

/** @throws InvalidOptionError */
export function checkSecrets(places: unknown): void {
  const isFit = Array.isArray(places) && places.every((place) => typeof place === "string" && PLACE.test(place));
  if (!isFit) throw new InvalidOptionError("secrets", places, PLACE_EXPECTED);
}

/** The schemas that mark secrets. */
export interface TaskSchemas {
  payloads: readonly StandardSchemaV1[];
  result?: StandardSchemaV1 | undefined;
}

/** The secrets of one task. */
export interface Secrets {
  /** Whether a part of its records may hold one. */
  has(part: Part): boolean;
  /** The value with `[secret]` at each marked place; `null` stays, for it hides nothing. */
  mask(part: Part, value: Json): Json;
  /**
   * The payload with the values of another, which is asked for only then, at the marked places where it says `[secret]`.
   * @throws InvalidPayloadError for one that stands for no value there
   */
  restore(payload: Json, original: () => Json | Promise<Json>): Promise<Json>;
  /** Faults of a payload, of which none repeats a secret. */
  clean(payload: Json, issues: readonly StandardSchemaV1.Issue[]): readonly StandardSchemaV1.Issue[];
  /** Whether a text repeats a secret of a payload, or four characters in a row of it. */
  repeats(payload: Json, text: string): boolean;
}

/** The longest part of a text, and of a secret, that are compared. In characters. */
const MAX_COMPARED_CHARS = 20_000;
/** So many characters in a row give a secret away. */
const WINDOW_CHARS = 4;

/**
 * @param schemas mark secrets of every version of the payload and of the result by `secret: true` (zod's `.meta()`, valibot's `metadata()`, arktype's `.configure()`) or JSON
 * Schema's `writeOnly: true`. A schema that cannot say itself as JSON Schema marks none.
 * @param places marks of the option `secrets`
 */
export function createSecrets(name: string, schemas: TaskSchemas, places: readonly string[]): Secrets {
  const byPart = new Map<Part, Marks>();
  // Made when first asked: a worker that starts must not wait for it.
  const marksOf = (part: Part): Marks => {
    const known = byPart.get(part) ?? createMarks(schemasOf(part, schemas, places));
    byPart.set(part, known);
    return known;
  };
  const textsOf = (payload: Json): string[] =>
    marksOf("payload")
      .find(payload)
      .flatMap((path) => leaves(valueAt(payload, path)));
  const repeats = (payload: Json, text: string): boolean => {
    const looked = text.slice(0, MAX_COMPARED_CHARS);
    const parts = new Set(windowsOf(looked));
    return textsOf(payload).some((secret) =>
      secret.length < WINDOW_CHARS
        ? secret !== "" && looked.includes(secret)
        : windowsOf(secret.slice(0, MAX_COMPARED_CHARS)).some((part) => parts.has(part)),
    );
  };
  return {
    has: (part) => !marksOf(part).none,
    mask: (part, value) => (marksOf(part).none ? value : replaced(value, marksOf(part).find(value), () => SECRET)),
    async restore(payload, original) {
      const kept = marksOf("payload")
        .find(payload)
        .filter((path) => valueAt(payload, path) === SECRET);
      if (kept.length === 0) return payload;
      const old = await original();
      return replaced(payload, kept, (_, path) => earlier(name, old, payload, path));
    },
    clean(payload, issues) {
      if (marksOf("payload").none) return issues;
      const secret = marksOf("payload").find(payload);
      return issues.map(({ message, path = [] }) => {
        const keys = path.map((part) => (typeof part === "object" ? part.key : part));
        const isWithin = secret.some((place) => place.every((key, index) => key === String(keys[index])));
        return { path: keys, message: isWithin || repeats(payload, message) ? UNSAID : message };
      });
    },
    repeats,
  };
}

const UNSAID = "it does not fit, and the reason is not shown, for it may repeat a secret";

/** Of a task that no module exports, nobody knows what is secret: all is. */
export const ALL_SECRET: Pick<Secrets, "has" | "mask"> = {
  has: () => true,
  mask: (_, value) => (value === null ? value : SECRET),
};

function schemasOf(part: Part, { payloads, result }: TaskSchemas, places: readonly string[]): JsonSchema[] {
  const options = { unrepresentable: "any" };
  const ofResult = part === "result" && result ? toList(outputSchemaOf(result, options)) : [];
  const own = part === "payload" ? payloads.flatMap((one) => toList(inputSchemaOf(one, options))) : ofResult;
  const named = places
    .map((place) => place.split("."))
    .filter(([first]) => first === part)
    .map(([, ...path]) => path.reduceRight<JsonSchema>(within, { secret: true }));
  return [...own, ...named];
}

function toList(schema: JsonSchema | undefined): JsonSchema[] {
  return schema === undefined ? [] : [schema];
}

/** A schema of a value that has another one under a name. */
function within(inner: JsonSchema, name: string): JsonSchema {
  return name === "*" ? { additionalProperties: inner, items: inner } : { properties: { [name]: inner } };
}

/** A copy of a value with others at these places. */
function replaced(value: Json, paths: readonly Path[], by: (value: Json, path: Path) => Json): Json {
  const copy = paths.length === 0 ? value : structuredClone(value);
  for (const path of paths) {
    const last = path.at(-1);
    if (last === undefined) return by(value, path);
    const holder = valueAt(copy, path.slice(0, -1));
    if (Array.isArray(holder)) holder[Number(last)] = by(holder[Number(last)] ?? null, path);
    else if (typeof holder === "object" && holder !== null) holder[last] = by(holder[last] ?? null, path);
  }
  return copy;
}

function valueAt(value: Json | undefined, path: Path): Json | undefined {
  return path.reduce<Json | undefined>((held, key) => {
    if (Array.isArray(held)) return held[Number(key)];
    return typeof held === "object" && held !== null && Object.hasOwn(held, key) ? held[key] : undefined;
  }, value);
}

/** The value that an edited payload keeps. A list of another length may have moved its items, and another's secret must not be taken. */
function earlier(task: string, original: Json, edited: Json, path: Path): Json {
  const isMoved = path.some((_, depth) => {
    const [old, now] = [original, edited].map((value) => valueAt(value, path.slice(0, depth)));
    return Array.isArray(old) && Array.isArray(now) && old.length !== now.length;
  });
  const value = isMoved ? undefined : valueAt(original, path);
  if (value !== undefined && value !== null) return value;
  const message = `'${SECRET}' stands for no value that was there before, so give one`;
  throw new InvalidPayloadError(task, [{ message, path }]);
}

/** The texts in a value, as a sentence would repeat them. */
function leaves(value: Json | undefined): string[] {
  if (value === undefined || value === null) return [];
  if (typeof value === "object") return Object.values(value).flatMap(leaves);
  const text = String(value);
  const written = JSON.stringify(text).slice(1, -1);
  return written === text ? [text] : [text, written];
}

function windowsOf(text: string): string[] {
  return Array.from({ length: Math.max(0, text.length - WINDOW_CHARS + 1) }, (_, from) =>
    text.slice(from, from + WINDOW_CHARS),
  );
}
