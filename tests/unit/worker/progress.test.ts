import { describe, expect, it } from "vitest";
import { createApp } from "../../../shared/index.ts";
import { createLog } from "../../../shared/log.ts";
import type { Json } from "../../../shared/message/json.ts";
import type { Claim } from "../../../shared/results/claims.ts";
import { createProgress } from "../../../shared/worker/progress.ts";
import { aMessage } from "../../helpers/message.ts";

const claim: Claim = {
  message: aMessage(),
  fence: 1,
  starts: 1,
  tracked: true,
  startedAt: new Date("2026-05-13T08:00:00.000Z"),
};

const ground = (store: () => Promise<boolean> = async () => true) => {
  const written: Json[] = [];
  const lines: string[] = [];
  const failed = new AbortController();
  const state = { now: 0, lost: 0 };
  const log = createLog({}, (line) => lines.push(line));
  const app = createApp({}, { log, clock: () => new Date(state.now) });
  const results = {
    ...app.results,
    progress: (_claim: Claim, json: Json) => {
      written.push(json);
      return store();
    },
  };
  const lost = () => {
    state.lost += 1;
  };
  const progress = createProgress({ ...app, results }, claim, { log, failed: failed.signal, lost });
  return { progress, written, lines, failed, state };
};

describe("progress", () => {
  it("is written at once, and then once a second at most", async () => {
    const { progress, written, state } = ground();
    for (const now of [0, 1, 999, 1000, 1999, 2000]) {
      state.now = now;
      await progress({ now });
    }

    expect(written).toEqual([{ now: 0 }, { now: 1000 }, { now: 2000 }]);
    expect(state.lost).toBe(0);
  });

  it("ends a run that another worker has taken over", async () => {
    const { progress, state } = ground(async () => false);
    await progress(1);

    expect(state.lost).toBe(1);
  });

  it("that cannot be stored costs a line in the log, and no run", async () => {
    const { progress, state, lines } = ground(async () => {
      throw new Error("no table");
    });
    await progress(1);

    expect(state.lost).toBe(0);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("Progress could not be stored");
    expect(lines[0]).toContain("no table");
  });

  it("of a task that has failed is told nobody", async () => {
    const { progress, written, failed } = ground();
    failed.abort(new Error("it has failed"));

    await expect(progress(1)).rejects.toThrow("it has failed");
    expect(written).toEqual([]);
  });

  it("that is no JSON is refused also where it would not be written", async () => {
    const { progress } = ground();
    await progress(1);

    await expect(progress(1n)).rejects.toMatchObject({ code: "OPTION_INVALID" });
  });
});
