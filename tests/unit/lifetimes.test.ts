import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  MAX_LATE_SECONDS,
  MAX_TIMER_SECONDS,
  neededUntil,
  REFRESH_SECONDS,
  RETENTION_SECONDS,
  TIMER_SECONDS,
  UNDER_WAY_SECONDS,
} from "../../shared/lifetimes.ts";
import type { Message } from "../../shared/message/message.ts";
import { createLifetime } from "../../shared/results/record-ttl.ts";

const now = new Date("2026-11-22T08:00:00Z");
const message: Message = {
  v: 1,
  id: "019aaaaa-0000-7000-8000-000000000000",
  task: "t",
  attempt: 1,
  payload: null,
  queue: "default",
  sentAt: now.toISOString(),
  rootId: "019aaaaa-0000-7000-8000-000000000000",
};

describe("lifetimes", () => {
  it("nest: a record outlives every message of its task, however late its timer is sent, and its payload as well", () => {
    const lifetime = createLifetime({ clock: () => now, resultExpires: () => 86_400 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX_TIMER_SECONDS }), (countdown) => {
        const eta = new Date(now.getTime() + countdown * 1000);
        const late = countdown > 900 ? MAX_LATE_SECONDS : 0;
        const lastMessage = eta.getTime() / 1000 + late + RETENTION_SECONDS;
        expect(lifetime.unfinished(message, eta.toISOString())).toBeGreaterThan(lastMessage + REFRESH_SECONDS);
        expect(neededUntil(now, eta) / 1000).toBeGreaterThan(lastMessage + REFRESH_SECONDS);
        expect(now.getTime() / 1000 + UNDER_WAY_SECONDS).toBeGreaterThan(lastMessage);
      }),
    );
    expect(lifetime.final(message)).toBeGreaterThan(now.getTime() / 1000 + RETENTION_SECONDS + REFRESH_SECONDS);
    expect(TIMER_SECONDS).toBeGreaterThan(MAX_LATE_SECONDS);
    expect(UNDER_WAY_SECONDS).toBeGreaterThanOrEqual(MAX_TIMER_SECONDS + MAX_LATE_SECONDS + RETENTION_SECONDS);
  });
});
