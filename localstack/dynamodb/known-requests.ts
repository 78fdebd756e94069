/**
 * Requests whose form was let in before. The checks of a request of one item depend on its texts, the names and the types of its
 * values, and hardly on the values; so a request of a known form is made out of the checked one, with its own values put in.
 */
import { isObject, type JsonObject } from "../json.ts";
import { plainTypeOf } from "./attribute-values.ts";
import { BoundedCache } from "./bounded-cache.ts";
import type { Compare } from "./conditions.ts";
import { type Recipe, recipeOf } from "./recipe.ts";

interface Form {
  readonly key: string;
  /** In the order of the request. */
  readonly values: readonly unknown[];
}

interface Kind {
  readonly operation: string;
  readonly origin: string | undefined;
}

const MAX_FORMS = 1000;
const MAX_KEY_LENGTH = 16_384;
const OPERATIONS = new Set(["DeleteItem", "GetItem", "PutItem", "UpdateItem"]);
const VALUES = new Set(["ExpressionAttributeValues", "Item", "Key"]);
/** Far below the size at which an item is refused. */
const MAX_CHARACTERS = 100_000;

export class KnownRequests {
  readonly #recipes = new BoundedCache<Recipe>(MAX_FORMS, MAX_KEY_LENGTH);
  readonly #compare: Compare;

  constructor(compare: Compare) {
    this.#compare = compare;
  }

  /**
   * The request as it is carried out.
   * @param check lets in a request of a form that is not known, or throws
   * @param origin tells the requests of one origin, which are the same but for their values
   */
  admit(request: JsonObject, check: (request: JsonObject) => JsonObject, { operation, origin }: Kind): JsonObject {
    const form = OPERATIONS.has(operation) ? formOf(request, operation, origin) : undefined;
    if (form === undefined) return check(request);
    const known = this.#recipes.get(form.key);
    if (known?.accepts(form.values, this.#compare)) return made(known, form);
    // Names and values stand in the parsed expressions by now.
    const { ExpressionAttributeNames: _names, ExpressionAttributeValues: _values, ...rest } = check(request);
    const recipe = recipeOf(rest, form.values);
    this.#recipes.set(form.key, recipe);
    return made(recipe, form);
  }
}

function made(recipe: Recipe, { values }: Form): JsonObject {
  const request = recipe.build(values);
  if (!isObject(request)) throw new Error("A request that was let in is no object.");
  return request;
}

/** Undefined for a request with a value that must be looked at, or with a member that is neither a text nor a map. */
function formOf(request: JsonObject, operation: string, origin: string | undefined): Form | undefined {
  const values: unknown[] = [];
  let key = origin ?? operation;
  let characters = 0;
  for (const name of Object.keys(request)) {
    const member = request[name];
    if (member === undefined) continue;
    const isOfValues = VALUES.has(name);
    if (!isOfValues && origin !== undefined) continue;
    key += `\n${name} `;
    if (!isOfValues) {
      if (typeof member !== "string" && typeof member !== "boolean" && name !== "ExpressionAttributeNames")
        return undefined;
      key += JSON.stringify(member);
      continue;
    }
    if (!isObject(member)) return undefined;
    for (const attribute of Object.keys(member)) {
      const value = member[attribute];
      const type = plainTypeOf(value);
      if (type === undefined || !isObject(value)) return undefined;
      const content = value[type];
      if (typeof content === "string") characters += content.length;
      key += origin === undefined ? `${JSON.stringify(attribute)}${type}` : `${type} `;
      values.push(value);
    }
  }
  return characters > MAX_CHARACTERS ? undefined : { key, values };
}
