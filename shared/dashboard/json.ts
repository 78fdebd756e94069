/** JSON as the service sent it: an integer that a number cannot hold keeps its digits. */

/** A number of JSON that is kept as its text. */
export class ExactNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

interface Source {
  source?: string;
}

/**
 * Reads JSON. A number that `Number` would change becomes an `ExactNumber`, where the browser tells the number's own text
 * (https://tc39.es/proposal-json-parse-with-source/).
 */
export function readExact<T>(text: string): T {
  return JSON.parse(text, function reviver(_: string, value: unknown, context?: Source): unknown {
    if (typeof value !== "number" || context?.source === undefined) return value;
    return isExact(value, context.source) ? value : new ExactNumber(context.source);
  });
}

/** Whether a number is what its text says: `1.50` and `1e3` are, `1970670598291982290` is not. */
function isExact(value: number, source: string): boolean {
  return !/^-?\d+$/.test(source) || String(value) === source || Object.is(value, -0);
}

/** The text of a value, with its exact numbers, two spaces a level. @param indent null: all of it in one line */
export function writeExact(value: unknown, indent: string | null = ""): string {
  if (value instanceof ExactNumber) return value.text;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const deeper = indent === null ? null : `${indent}  `;
  const [open, between, close] = indent === null ? ["", ",", ""] : [`\n${deeper}`, `,\n${deeper}`, `\n${indent}`];
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    return `[${open}${value.map((one) => writeExact(one, deeper)).join(between)}${close}]`;
  }
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  if (entries.length === 0) return "{}";
  const colon = indent === null ? ":" : ": ";
  const fields = entries.map(([name, one]) => JSON.stringify(name) + colon + writeExact(one, deeper));
  return `{${open}${fields.join(between)}${close}}`;
}
