import { isDeepStrictEqual } from "node:util";
import type { SentTask } from "./ground.ts";

interface Sender {
  sent(task: { readonly name: string }): SentTask[];
}

/** Matchers for `expect.extend`. */
export const matchers = {
  /** Whether an app has sent a task; with `payload`, one with this payload. */
  toHaveSent(
    app: Sender,
    task: { readonly name: string },
    payload?: unknown,
  ): { pass: boolean; message: () => string } {
    const all = app.sent(task);
    const pass = all.some((one) => payload === undefined || isDeepStrictEqual(one.payload, payload));
    const seen = all.map((one) => `\n  ${JSON.stringify(one.payload)}`).join("") || " none";
    const wanted = payload === undefined ? "" : ` with ${JSON.stringify(payload)}`;
    return { pass, message: () => `Task '${task.name}'${wanted} was ${pass ? "" : "not "}sent. Sent were:${seen}` };
  },
};
