/**
 * JSON is the only format on the wire. A value that it turns into another shows in the types (a Date becomes text), and is checked
 * against the schema in the form that it will have on arrival; what it would lose in silence is refused (json-writer.ts).
 */

export { MAX_LEVELS, toJsonText, unfitText } from "./json-writer.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * The type of a value of type T after it went through JSON: a Date is a string, `undefined` in a result is `null`. It is `never`, as it
 * is for a Map, a Promise or a BigInt, where a value of type T is refused.
 */
export type Jsonified<T> = unknown extends T
  ? Json
  : T extends void
    ? null
    : T extends Json
      ? T
      : T extends NodeJS.ArrayBufferView | ArrayBufferLike
        ? never
        : T extends { toJSON(): infer U }
          ? Jsonified<U>
          : T extends NotJson
            ? never
            : T extends readonly unknown[]
              ? { -readonly [K in keyof T]: Jsonified<T[K]> }
              : IsError<T> extends true
                ? never
                : T extends object
                  ? {
                      [K in keyof T as Field<K, T[K]>]:
                        | Exclude<Jsonified<T[K]>, null>
                        | Extract<T[K], null>
                        | ArrayNull<T[K]>;
                    }
                  : never;

type Callable = (...args: never[]) => unknown;

/** Values that the writer refuses. */
type NotJson =
  | bigint
  | symbol
  | Callable
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | WeakMap<WeakKey, unknown>
  | WeakSet<WeakKey>
  | WeakRef<WeakKey>
  | PromiseLike<unknown>
  | AsyncIterable<unknown>
  | Iterator<unknown, unknown, never>
  | RegExp;

/** An Error by its `cause`, which is `unknown`: `{ name, message }` alone may be data. */
type IsError<T> = T extends Error
  ? "cause" extends keyof T
    ? unknown extends T["cause"]
      ? true
      : false
    : false
  : false;

/** Fields that are left out of an object: methods, and those whose name is a symbol. */
type Field<K, Value> = K extends symbol ? never : Value extends Callable ? never : K;

/** Inside an object `undefined` is left out rather than `null`; the key stays optional, as it was. */
type ArrayNull<T> = undefined extends T ? undefined : never;

/** Bytes of `text` in UTF-8, which is what AWS counts. */
export function byteLength(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}

/** Parses text that Lovage itself wrote. Throws a SyntaxError. `__proto__` stays an ordinary key. */
export function parseJson(text: string): Json {
  return JSON.parse(text);
}
