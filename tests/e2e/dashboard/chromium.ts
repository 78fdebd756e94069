import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Where the system's browser is; undefined where none is known. */
export const CHROMIUM = process.env.CHROMIUM ?? PLACES.find((place) => existsSync(place));

/** Nothing but the page is to be asked for. */
const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** @throws Error if no browser is known */
export function launch(): Promise<Browser> {
  if (CHROMIUM === undefined) throw new Error("Chromium is not installed; the variable CHROMIUM names another place.");
  return chromium.launch({ executablePath: CHROMIUM, args: QUIET });
}
