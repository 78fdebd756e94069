import { describe, expect, it } from "vitest";
import { failureKind } from "../../../shared/results/failure-kind.ts";
import type { StoredError } from "../../../shared/stored-error.ts";

const stack = (...frames: string[]): string =>
  ["SmtpError: no such mailbox", ...frames.map((one) => `    at ${one}`)].join("\n");
const error: StoredError = {
  name: "SmtpError",
  message: "no such mailbox 17",
  code: "550",
  stack: stack(
    "node:internal/process/task_queues:95:5",
    "send (/var/task/node_modules/nodemailer/lib/smtp.js:12:3)",
    "deliver (/var/task/handlers/tasks/email.ts:41:9)",
    "execute (/var/task/shared/worker/run.ts:9:1)",
  ),
};
const kind = failureKind("send_email", error);

describe("the kind of a failure", () => {
  it("is the task, the class, the code and the place of the task's own code", () => {
    expect(kind).toEqual({
      fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
      task: "send_email",
      name: "SmtpError",
      code: "550",
      place: "deliver handlers/tasks/email.ts",
    });
  });

  it.each<[string, StoredError]>([
    ["another message", { ...error, message: "no such mailbox 18 at 2026-11-27T10:00:00Z" }],
    ["another line", { ...error, stack: (error.stack ?? "").replace(":41:9", ":57:2") }],
    [
      "another folder of the build",
      { ...error, stack: (error.stack ?? "").replaceAll("/var/task/", "file:///srv/build-7/") },
    ],
    ["an async frame", { ...error, stack: (error.stack ?? "").replace("at deliver", "at async deliver") }],
    [
      "Windows",
      { ...error, stack: (error.stack ?? "").replace("/var/task/handlers/tasks/", "C:\\app\\handlers\\tasks\\") },
    ],
  ])("is the same with %s", (_, other) => {
    expect(failureKind("send_email", other).fingerprint).toBe(kind.fingerprint);
  });

  it.each<[string, string, StoredError]>([
    ["another task", "send_bill", error],
    ["another class", "send_email", { ...error, name: "TypeError" }],
    ["another code", "send_email", { ...error, code: "421" }],
    ["another function", "send_email", { ...error, stack: (error.stack ?? "").replace("deliver", "greet") }],
    ["another file", "send_email", { ...error, stack: (error.stack ?? "").replace("email.ts", "bill.ts") }],
  ])("is another one with %s", (_, task, other) => {
    expect(failureKind(task, other).fingerprint).not.toBe(kind.fingerprint);
  });

  it("is that of the cause where the error says only that it failed too often", () => {
    const tooOften = {
      name: "MaxRetriesExceededError",
      message: "failed 3 times",
      code: "MAX_RETRIES_EXCEEDED",
      cause: error,
    };

    expect(failureKind("send_email", { ...tooOften, stack: error.stack ?? "" }).fingerprint).toBe(kind.fingerprint);
  });

  it("does without a stack, and with one of foreign frames alone", () => {
    expect(failureKind("a", { name: "E", message: "" }).place).toBeUndefined();
    expect(failureKind("a", { name: "E", message: "", stack: stack("x (node:fs:1:1)") }).place).toBeUndefined();
    expect(
      failureKind("a", { name: "E", message: "", stack: "E\n  at file:///var/task/handlers/a.mjs:1:2" }).place,
    ).toBe("(anonymous) task/handlers/a.mjs");
  });

  it("leaves out the hash in the name of a bundle's chunk", () => {
    const place = (file: string) =>
      failureKind("a", { name: "E", message: "", stack: stack(`f (/var/task/${file}:1:2)`) }).place;

    expect(place("chunks/email-AB12CD34.mjs")).toBe(place("chunks/email-ZZ99YY88.mjs"));
  });
});
