import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expect, it } from "vitest";
import {
  InvalidOnceResultError,
  InvalidPayloadError,
  InvalidResultError,
  MaxRetriesExceededError,
  ResultTooLargeError,
  TaskRejectedError,
  TaskRevokedError,
  TaskTimeLimitError,
} from "../../../shared/errors.ts";
import type { RegisteredTask } from "../../../shared/task/registered-task.ts";
import { toRetryPolicy } from "../../../shared/task/retry-policy.ts";
import { createSecrets } from "../../../shared/task/secrets.ts";
import { Ignore, Reject, Retry } from "../../../shared/task/signals.ts";
import { isExpected, judge, type Thrown } from "../../../shared/worker/judge-error.ts";
import { FunctionEndedError } from "../../../shared/worker/time-limit.ts";

class Known extends Error {}

const RETRY = toRetryPolicy({ maxRetries: 2, backoff: { base: 10, jitter: false } });

const SCHEMA: StandardSchemaV1 = { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } };

const task: RegisteredTask = {
  name: "add",
  aliases: [],
  payloadVersion: 1,
  oldestVersion: 1,
  queue: "default",
  retry: RETRY,
  timeLimit: undefined,
  softTimeLimit: undefined,
  expires: undefined,
  rateLimit: undefined,
  concurrency: undefined,
  tags: [],
  ignoreResult: false,
  trackStarted: true,
  throws: [Known],
  schema: SCHEMA,
  resultSchema: undefined,
  secrets: createSecrets("add", { payloads: [SCHEMA] }, []),
  validate: async () => ({}),
  execute: async () => undefined,
  callHook: async () => {},
};

const revoked = new TaskRevokedError("id", "by hand");

const judged = (error: unknown, more: Partial<Thrown> = {}) =>
  judge({
    task,
    id: "id",
    attempt: 1,
    error,
    revoked: undefined,
    shared: false,
    seconds: 7,
    random: () => 0.5,
    ...more,
  });

describe("a thrown value", () => {
  it("is retried after the policy's delay, as long as there are retries", () => {
    const error = new Error("x");

    expect(judged(error)).toEqual({ outcome: "retry", cause: error, seconds: 10 });
    expect(judged(error, { attempt: 2 })).toEqual({ outcome: "retry", cause: error, seconds: 20 });
    const last = judged(error, { attempt: 3 });
    expect(last).toEqual({ outcome: "fail", error: new MaxRetriesExceededError("add", 2, error), cause: error });
  });

  it("is not retried by a policy that says so", () => {
    const error = new Error("x");

    expect(judged(error, { task: { ...task, retry: toRetryPolicy(undefined) } })).toEqual({
      outcome: "fail",
      error,
      cause: error,
    });
  });

  it.each([
    new InvalidPayloadError("add", []),
    new TaskTimeLimitError("add", 1),
    new ResultTooLargeError("add", 2, 1),
    new InvalidResultError("add", "it is a function"),
    new InvalidOnceResultError("add", "step", "it is a function"),
  ])("that would come again is not retried: $code", (error) => {
    expect(judged(error)).toEqual({ outcome: "fail", error, cause: error });
  });

  it("that asks for a retry has it, at its own time, whatever the policy says", () => {
    const cause = new InvalidPayloadError("add", []);
    const without = { ...task, retry: toRetryPolicy(undefined) };
    const bare = new Retry(undefined, undefined);

    expect(judged(new Retry(3, cause), { task: without })).toEqual({ outcome: "retry", cause, seconds: 3 });
    expect(judged(new Retry(0, cause))).toEqual({ outcome: "retry", cause, seconds: 0 });
    expect(judged(bare)).toEqual({ outcome: "retry", cause: bare, seconds: 10 });
    expect(judged(new Retry(3, cause), { attempt: 3 })).toMatchObject({ outcome: "fail", cause });
  });

  it("of a run that was revoked is its revoke", () => {
    expect(judged(new Error("x"), { revoked })).toEqual({ outcome: "revoke", error: revoked });
    expect(judged(new FunctionEndedError(), { revoked })).toEqual({ outcome: "revoke", error: revoked });
    expect(judged(new Retry(1, undefined), { revoked })).toEqual({ outcome: "revoke", error: revoked });
  });

  it("of a function that ended is a time limit, or cuts short a run that had to share its time", () => {
    const limit = new TaskTimeLimitError("add", 7);

    expect(judged(new FunctionEndedError())).toEqual({ outcome: "fail", error: limit, cause: limit });
    expect(judged(new FunctionEndedError(), { shared: true })).toEqual({ outcome: "cutShort" });
  });

  it("that ignores the task revokes it", () => {
    const error = new TaskRevokedError("id", "it ignored itself: nothing to do");

    expect(judged(new Ignore("nothing to do"))).toEqual({ outcome: "revoke", error });
  });

  it("that rejects the message fails it, or puts it back", () => {
    const reject = new Reject("no");

    expect(judged(reject)).toEqual({ outcome: "fail", error: new TaskRejectedError("add", "no"), cause: reject });
    expect(judged(new Reject("later", { requeue: true, countdown: 9 }))).toEqual({
      outcome: "requeue",
      reason: "later",
      seconds: 9,
    });
  });

  it("that answers with errors when it is looked at fails the task", () => {
    const error = new Retry(1, undefined);
    Object.defineProperty(error, "cause", {
      get: () => {
        throw new Known("no");
      },
    });

    expect(judged(error)).toEqual({ outcome: "fail", error, cause: new Known("no") });
  });

  it("is expected if the task says so", () => {
    expect(isExpected(task, new Known("x"))).toBe(true);
    expect(isExpected(task, new Error("x"))).toBe(false);
  });
});
