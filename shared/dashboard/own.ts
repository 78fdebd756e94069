/** A field of a table by a name that anybody may have typed: `constructor` is none that it inherits. */
export function own<Value>(table: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
