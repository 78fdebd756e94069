/** Addresses of calls, and of pages. Pure. */

/** A path of parts that may hold anything, with a query of those fields that have a value. */
export function pathOf(parts: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): string {
  const asked = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(value)}`],
  );
  return parts.map(encodeURIComponent).join("/") + (asked.length > 0 ? `?${asked.join("&")}` : "");
}

interface Route {
  /** `["tasks", "<id>"]` */
  path: readonly string[];
  query: Readonly<Record<string, string>>;
}

/** Reads what stands behind `#`; an escape that cannot be read is taken as it is. */
export function readRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#?\/?/, "").split("?", 2);
  const parts = path.split("/").filter((part) => part !== "");
  return { path: parts.map(unescaped), query: Object.fromEntries(new URLSearchParams(query)) };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
