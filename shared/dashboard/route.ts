/** The page's own addresses: behind `#`, so that they work under every prefix and no filter reaches a server's log. */

import { computed, signal } from "@preact/signals";
import { readRoute } from "./path.ts";

const address = signal(location.hash);
addEventListener("hashchange", () => {
  address.value = location.hash;
});

export const route = computed(() => readRoute(address.value));

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
