/**
 * JSON is the only format on the wire. What plain `JSON.stringify` would change in silence (a Date becomes text, a Map
 * becomes `{}`) shows in the types, and is checked against the schema in the form that it will have on arrival.
 */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What a value of type T is after it went through JSON: a Date is a string, `undefined` in a result is `null`. */
export type Jsonified<T> = unknown extends T
  ? Json
  : T extends undefined
    ? null
    : T extends string | number | boolean | null
      ? T
      : T extends { toJSON(): infer U }
        ? Jsonified<U>
        : T extends bigint | symbol | ((...args: never[]) => unknown)
          ? never
          : T extends readonly unknown[]
            ? { -readonly [K in keyof T]: Jsonified<T[K]> }
            : T extends object
              ? {
                  [K in keyof T as T[K] extends (...args: never[]) => unknown ? never : K]:
                    | Exclude<Jsonified<T[K]>, null>
                    | Extract<T[K], null>
                    | ArrayNull<T[K]>;
                }
              : never;

/** Inside an object `undefined` is left out rather than `null`; the key stays optional, as it was. */
type ArrayNull<T> = undefined extends T ? undefined : never;

/** JSON text of `value`, where `undefined` stands for `null`. Throws a TypeError for a BigInt or a cycle. */
export function toJsonText(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}

/** Bytes of `text` in UTF-8, which is what AWS counts. */
export function byteLength(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}

/** Parses text that Lovage itself or a client wrote. Throws a SyntaxError. `__proto__` stays an ordinary key. */
export function parseJson(text: string): Json {
  return JSON.parse(text);
}
