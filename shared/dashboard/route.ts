/** The page's own addresses: behind `#`, so that they work under every prefix and no filter reaches a server's log. */

import { computed, signal } from "@preact/signals";

export interface Route {
  /** `["tasks", "<id>"]` */
  path: readonly string[];
  query: Readonly<Record<string, string>>;
}

const address = signal(location.hash);
addEventListener("hashchange", () => {
  address.value = location.hash;
});

export const route = computed(() => readRoute(address.value));

/** Reads what stands behind `#`; an escape that cannot be read is taken as it is. */
function readRoute(hash: string): Route {
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

/** The address of a page; fields of the query without a value are left out. */
export function linkTo(path: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): string {
  const asked = new URLSearchParams(
    Object.entries(query).filter((field): field is [string, string] => field[1] !== undefined && field[1] !== ""),
  ).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${asked === "" ? "" : `?${asked}`}`;
}

/** Goes to an address. @param replace it takes the place of the one before, as while one types */
export function goTo(link: string, replace = false): void {
  if (replace) history.replaceState(null, "", link);
  else history.pushState(null, "", link);
  address.value = location.hash;
}
