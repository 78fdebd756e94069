/** For vitest: importing it gives `expect(app).toHaveSent(task, payload)`. */

import { expect } from "vitest";
import { matchers } from "./matchers.ts";

declare module "vitest" {
  interface Matchers<R> {
    /** The app has sent the task; with `payload`, once with this payload. */
    toHaveSent(task: { readonly name: string }, payload?: unknown): R;
  }
}

expect.extend(matchers);
