import { join, resolve } from "node:path";

/** The service's folder. */
export const ROOT = resolve(import.meta.dirname, "..");

/** Where everything that is made lies; never in git. */
export const WORK_FOLDER = join(ROOT, ".lovage");
