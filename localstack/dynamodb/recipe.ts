/** How a tree of plain objects is made anew with other values in the places of those that it was first made with. */
import { isObject, type JsonObject } from "../json.ts";

/** dynalite's comparison of two values. */
type Compare = (operator: string, value: unknown, others: unknown) => boolean;

export interface Recipe {
  /** A copy of the tree, with these values in the order of those that it was made from. */
  build(values: readonly unknown[]): unknown;
  /** Whether these values pass the checks that dynalite's parser makes of values, not of their types alone. */
  accepts(values: readonly unknown[], compare: Compare): boolean;
}

/** Makes a part of the tree. */
type Build = (values: readonly unknown[]) => unknown;
type Check = (values: readonly unknown[], compare: Compare) => boolean;
/** The places of values in their list, by the values themselves. */
type Places = ReadonlyMap<unknown, number>;

const TYPES = new Set(["S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"]);

/** @param values the objects that stand in the tree, told by their identity */
export function recipeOf(tree: unknown, values: readonly unknown[]): Recipe {
  const checks: Check[] = [];
  const build = toBuild(tree, new Map(values.map((value, place) => [value, place])), checks);
  return { build, accepts: (others, compare) => checks.every((check) => check(others, compare)) };
}

function toBuild(part: unknown, places: Places, checks: Check[]): Build {
  const place = places.get(part);
  if (place !== undefined) return (values) => values[place];
  if (Array.isArray(part)) {
    if (part.every(isPrimitive)) return () => [...part];
    const builds = part.map((child: unknown) => toBuild(child, places, checks));
    return (values) => builds.map((build) => build(values));
  }
  if (!isObject(part)) return () => part;
  const inner = Object.entries(part).filter(([, child]) => !isPrimitive(child));
  const builds = inner.map(([key, child]) => [key, toBuild(child, places, checks)] as const);
  const check = checkOf(part, places);
  if (check !== undefined) checks.push(check);
  const hasPrototype = Object.getPrototypeOf(part) !== null;
  return (values) => {
    const copy: JsonObject = hasPrototype ? { ...part } : Object.assign(Object.create(null), part);
    for (const [key, build] of builds) copy[key] = build(values);
    return copy;
  };
}

function isPrimitive(part: unknown): boolean {
  return typeof part !== "object" || part === null;
}

/** The check that the parser makes of the values in one part of a tree. */
function checkOf(part: Record<string, unknown>, places: Places): Check | undefined {
  const [, second, third]: readonly unknown[] = Array.isArray(part.args) ? part.args : [];
  const low = places.get(second);
  const high = places.get(third);
  if (part.type === "between" && low !== undefined && high !== undefined) {
    return (values, compare) => !compare("GT", values[low], values[high]);
  }
  if (part.type === "function" && part.name === "attribute_type" && low !== undefined) {
    return (values) => {
      const value = values[low];
      return isObject(value) && typeof value.S === "string" && TYPES.has(value.S);
    };
  }
  return undefined;
}
