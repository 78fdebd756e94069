/**
 * The one writer of JSON. Plain `JSON.stringify` makes `null` of NaN and `{}` of a Map without a word; here every value goes
 * through unchanged, or is refused with its place. Only those parts are left out in silence that the type `Jsonified` leaves out:
 * properties that are `undefined` or functions.
 */

import { types } from "node:util";
import { cut, echo, placeText } from "../echo.ts";
import { describeError, isError } from "../stored-error.ts";

/** How many lists and objects may lie in each other: more would end the stack of whoever reads it. */
export const MAX_LEVELS = 1000;

/** More than these are more than 50 MB of JSON, whatever they are. Few objects that hold each other often have as many. */
const MAX_MEMBERS = 26_214_400;

/** A value that cannot be JSON, its place, and the reason. */
export interface Unfit {
  path: readonly (string | number)[];
  /** As in "it is NaN, which JSON would make null". */
  reason: string;
}

/** Makes the error for what cannot be written. */
export type Refuse = (unfit: Unfit) => Error;

/** The fault and its place, for the middle of a sentence. */
export function unfitText({ path, reason }: Unfit): string {
  return path.length === 0 ? reason : `at '${placeText(path)}' ${reason}`;
}

/**
 * JSON text of `value`, where `undefined` stands for `null`.
 *
 * A walk before that of `JSON.stringify` finds what that would change: together they take about half as long again as the one, where a
 * replacer would take twice as long. Forms, such as that of a Date, are asked for once.
 * @param refuse makes the error that is thrown for what cannot be written. @defaultValue a TypeError
 */
export function toJsonText(value: unknown, refuse: Refuse = notJson): string {
  const walk: Walk = { path: [], above: [], level: 0, members: 0 };
  try {
    return JSON.stringify(prepare(value, walk, true)) ?? "null";
  } catch (error) {
    const path = walk.path.slice(0, walk.level);
    if (error instanceof Unfitness) throw refuse({ path: error.path ?? path, reason: error.message });
    // A getter, a toJSON() or a Proxy throws; or the text would be longer than a text can be.
    throw refuse({ path, reason: `it cannot be read (${cut(describeError(error).message)})` });
  }
}

function notJson(unfit: Unfit): Error {
  return new TypeError(`This value is no JSON: ${unfitText(unfit)}.`);
}

/** How far the walk has come. Entries of its lists behind `level` are of an earlier branch. */
interface Walk {
  path: (string | number)[];
  above: object[];
  level: number;
  members: number;
}

class Unfitness extends Error {
  readonly path: readonly (string | number)[] | undefined;

  constructor(reason: string, path?: readonly (string | number)[]) {
    super(reason);
    this.path = path;
  }
}

/**
 * `value` as JSON.stringify is to get it: itself, unless it holds something with a form of its own, which is asked for once.
 * @param isListed in a list, or at the top, nothing can be left out
 */
function prepare(value: unknown, walk: Walk, isListed: boolean): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
    case "undefined":
      return value;
    case "number":
      if (Number.isFinite(value)) return value;
      throw new Unfitness(`it is ${value}, which JSON would make null`);
    case "object":
      return value === null ? null : prepareObject(value, walk, false);
    case "bigint":
    case "function":
      return prepareOddity(value, walk, isListed);
    case "symbol":
      throw new Unfitness("it is a symbol, which JSON would leave out");
  }
}

function prepareOddity(value: bigint | object, walk: Walk, isListed: boolean): unknown {
  // A service may have given BigInt a form: BigInt.prototype.toJSON.
  const own = formOf(Object(value), walk);
  if (own) return prepareForm(own.form, walk, isListed);
  if (typeof value === "bigint") throw new Unfitness("it is a BigInt, for which JSON has no number: make it text");
  if (isListed) throw new Unfitness("it is a function, which JSON would leave out");
  // Some libraries make their promises of plain objects.
  if (walk.path[walk.level - 1] === "then") throw new Unfitness(NOT_AWAITED, walk.path.slice(0, walk.level - 1));
  return undefined;
}

/** @param isForm it was given as a form, so JSON.stringify gets a copy, which it does not ask for another */
function prepareObject(value: object, walk: Walk, isForm: boolean): unknown {
  const { level } = walk;
  if (level >= MAX_LEVELS) throw tooDeep(value, walk);
  const isList = Array.isArray(value);
  const isPlain = isList || isPlainObject(value);
  if (!isPlain && holdsBytes(value)) throw new Unfitness("it holds bytes: make them base64 text, or a file");
  if (!isPlain && types.isDate(value) && Number.isNaN(value.getTime())) {
    throw new Unfitness("it is an invalid Date, which JSON would make null");
  }
  const own = isForm ? undefined : formOf(value, walk);
  if (own) return prepareForm(own.form, walk, true);
  if (!isPlain && types.isBoxedPrimitive(value)) return prepare(value.valueOf(), walk, true);
  if (!isPlain) refuseUnfit(value);

  walk.above[level] = value;
  walk.level = level + 1;
  const prepared = isList ? prepareList(value, walk, isForm) : prepareFields(value, walk, isForm || !isPlain);
  walk.level = level;
  return prepared;
}

/** The value that `toJSON()` gave. */
function prepareForm(form: unknown, walk: Walk, isListed: boolean): unknown {
  return typeof form === "object" && form !== null ? prepareObject(form, walk, true) : prepare(form, walk, isListed);
}

function formOf(value: object, { path, level }: Walk): { form: unknown } | undefined {
  if (!("toJSON" in value && typeof value.toJSON === "function")) return undefined;
  return { form: value.toJSON.call(value, String(path[level - 1] ?? "")) };
}

function prepareList(list: readonly unknown[], walk: Walk, isCopied: boolean): unknown {
  const at = walk.level - 1;
  count(list.length, walk);
  let copy: unknown[] | undefined = isCopied ? [] : undefined;
  for (let index = 0; index < list.length; index++) {
    walk.path[at] = index;
    const member = list[index];
    const prepared = prepare(member, walk, true);
    if (copy === undefined && prepared !== member) copy = Array.from({ length: index }, (_, before) => list[before]);
    if (copy) copy[index] = prepared;
  }
  return copy ?? list;
}

function prepareFields(value: object, walk: Walk, isCopied: boolean): unknown {
  const at = walk.level - 1;
  const names = Object.keys(value);
  count(names.length, walk);
  if (!hasFields(value, names)) throw new Unfitness(`it is ${nameOf(value)}, of which JSON would see no field`);
  let copy = isCopied ? emptyCopy() : undefined;
  for (let index = 0; index < names.length; index++) {
    const name = names[index] ?? "";
    walk.path[at] = name;
    const member = value[name];
    const prepared = prepare(member, walk, false);
    if (copy === undefined && prepared !== member) {
      copy = emptyCopy();
      for (const before of names.slice(0, index)) copy[before] = value[before];
    }
    if (copy) copy[name] = prepared;
  }
  return copy ?? value;
}

/** Without a prototype, so that a field `__proto__` stays one. */
function emptyCopy(): Record<string, unknown> {
  return Object.create(null);
}

/** Whether JSON sees what the object is: its fields `names`, or that it is empty. */
function hasFields(value: object, names: readonly string[]): value is Record<string, unknown> {
  return names.length > 0 || (isPlainObject(value) && Reflect.ownKeys(value).length === 0);
}

/** Of this realm or another. */
function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

function count(members: number, walk: Walk): void {
  walk.members += members;
  if (walk.members > MAX_MEMBERS) throw new Unfitness(`with it there are more than ${MAX_MEMBERS} values in all`);
}

function tooDeep(value: object, { path, above }: Walk): Unfitness {
  const seen = new Set<object>();
  const again = [...above, value].findIndex((one) => seen.has(one) || !seen.add(one));
  if (again < 0) return new Unfitness(`it lies deeper than ${MAX_LEVELS} levels`);
  return new Unfitness("it is a cycle: it lies within itself", path.slice(0, again));
}

function holdsBytes(value: object): boolean {
  return ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value);
}

const NOT_AWAITED = "it is a promise that was not awaited";

/** Objects whose fields, if they have any, are not what they hold. */
const UNFIT: readonly (readonly [(value: object) => boolean, string])[] = [
  [types.isMap, "it is a Map, which JSON would make {}: make it an object or a list"],
  [types.isSet, "it is a Set, which JSON would make {}: make it a list"],
  [types.isRegExp, "it is a RegExp, which JSON would make {}: take its source"],
  [isError, "it is an error: take its name and message"],
  [(value) => types.isPromise(value) || hasMethod(value, "then"), NOT_AWAITED],
  [
    (value) => hasMethod(value, Symbol.asyncIterator),
    "it is a stream or async generator that was not read: make a list",
  ],
  [
    (value) => hasMethod(value, Symbol.iterator) && hasMethod(value, "next"),
    "it is an iterator or generator that was not run: make a list",
  ],
  [
    (value) => types.isWeakMap(value) || types.isWeakSet(value) || value instanceof WeakRef,
    "it is a weak reference, which JSON would make {}",
  ],
];

function refuseUnfit(value: object): void {
  const reason = UNFIT.find(([isUnfit]) => isUnfit(value))?.[1];
  if (reason !== undefined) throw new Unfitness(reason);
}

function hasMethod(value: object, name: PropertyKey): boolean {
  return typeof Reflect.get(value, name) === "function";
}

function nameOf(value: object): string {
  const type: unknown = value.constructor;
  return typeof type === "function" ? `an instance of ${echo(type.name)}` : "an object";
}
