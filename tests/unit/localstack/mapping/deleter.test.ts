import { DeleteMessageBatchCommand, type DeleteMessageBatchResult, SQSClient } from "@aws-sdk/client-sqs";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, expect, it } from "vitest";
import { systemClock } from "../../../../localstack/clock.ts";
import { createMessageDeleter, type MessageDeleter } from "../../../../localstack/mapping/deleter.ts";
import { callsOverHttp } from "../../../../localstack/mapping/queue-calls.ts";

const sqs = mockClient(SQSClient);
const VISIBLE_AT = 60_000;
const done: DeleteMessageBatchResult = { Successful: [], Failed: [] };
const failing = (...Ids: string[]): DeleteMessageBatchResult => ({
  Successful: [],
  Failed: Ids.map((Id) => ({ Id, SenderFault: false, Code: "InternalError", Message: "try again" })),
});

let lines: string[];
let now: number;
let deleter: MessageDeleter;

const messages = (...handles: string[]) =>
  handles.map((receiptHandle) => ({ receiptHandle, visibleAtMilliseconds: VISIBLE_AT }));
const numbered = (count: number) => messages(...Array.from({ length: count }, (_, index) => `m${index}`));
const callsMade = () =>
  sqs
    .commandCalls(DeleteMessageBatchCommand)
    .map(({ args: [{ input }] }) => input.Entries?.map((one) => one.ReceiptHandle));

beforeEach(() => {
  sqs.reset();
  lines = [];
  now = 0;
  const clock = {
    ...systemClock,
    now: () => now,
    async sleep(ms: number) {
      now += ms;
    },
  };
  deleter = createMessageDeleter({
    queue: callsOverHttp(new SQSClient({}), "http://q"),
    clock,
    log: (line) => lines.push(line),
  });
});

it("ten messages go into one call", async () => {
  sqs.on(DeleteMessageBatchCommand).resolves(done);

  await deleter.delete(numbered(25));

  expect(callsMade().map((handles) => handles?.length)).toEqual([10, 10, 5]);
  expect(deleter.deleted()).toBe(25);
});

it("messages that come while a call is under way share the next one", async () => {
  const first = Promise.withResolvers<DeleteMessageBatchResult>();
  sqs
    .on(DeleteMessageBatchCommand)
    .callsFakeOnce(() => first.promise)
    .resolves(done);

  const deletions = ["a", "b", "c"].map((handle) => deleter.delete(messages(handle)));
  first.resolve(done);
  await Promise.all(deletions);

  expect(callsMade()).toEqual([["a"], ["b", "c"]]);
});

it("only what SQS could not delete is tried again", async () => {
  sqs.on(DeleteMessageBatchCommand).resolvesOnce(failing("1")).resolvesOnce(failing("0")).resolves(done);

  await deleter.delete(messages("a", "b", "c"));

  expect(callsMade()).toEqual([["a", "b", "c"], ["b"], ["b"]]);
  expect(deleter.deleted()).toBe(3);
  expect(lines).toEqual([]);
});

it("a call that fails is repeated until the queue answers", async () => {
  sqs.on(DeleteMessageBatchCommand).rejectsOnce(new Error("ECONNREFUSED")).rejectsOnce(new Error("x")).resolves(done);

  await deleter.delete(messages("a"));

  expect(callsMade()).toEqual([["a"], ["a"], ["a"]]);
  expect(deleter.deleted()).toBe(1);
});

it("a deletion is given up when the message is visible again, and the log says so once", async () => {
  sqs.on(DeleteMessageBatchCommand).rejects(new Error("ECONNREFUSED"));

  await deleter.delete(messages("a", "b"));

  expect(now).toBeGreaterThan(VISIBLE_AT - 3000);
  expect(now).toBeLessThan(VISIBLE_AT);
  expect(lines).toEqual([expect.stringMatching(/^2 processed message\(s\) could not be deleted .* ECONNREFUSED/)]);
});

it("a receipt that SQS no longer knows is not tried again", async () => {
  const Failed = [{ Id: "0", SenderFault: true, Code: "ReceiptHandleIsInvalid" }];
  sqs.on(DeleteMessageBatchCommand).resolves({ Successful: [], Failed });

  await deleter.delete(messages("old"));

  expect(callsMade()).toHaveLength(1);
  expect(lines).toEqual([expect.stringContaining("ReceiptHandleIsInvalid")]);
});

it("closing waits for what is under way and gives up soon on a dead queue", async () => {
  sqs.on(DeleteMessageBatchCommand).rejects(new Error("ECONNREFUSED"));

  const deletion = deleter.delete(messages("a"));
  await deleter.close();
  await deletion;

  expect(callsMade().length).toBeLessThanOrEqual(3);
});
