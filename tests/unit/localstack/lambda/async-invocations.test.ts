import { describe, expect, it } from "vitest";
import { type AsyncConfig, createAsyncInvocations } from "../../../../localstack/lambda/async-invocations.ts";
import type { InvocationResult } from "../../../../localstack/lambda/functions.ts";
import { virtualClock } from "../../../helpers/virtual-clock.ts";

const QUEUE = "arn:aws:sqs:us-east-1:000000000000:dead";
const failed: InvocationResult = { ok: false, errorType: "TypeError", errorMessage: "no", trace: ["at here"] };
const throttled: InvocationResult = {
  ok: false,
  errorType: "TooMany",
  errorMessage: "Rate Exceeded.",
  throttled: true,
};

/** Hands one event over, and lets seven hours pass. */
async function fate(config: AsyncConfig | undefined, answer: (call: number) => InvocationResult) {
  const clock = virtualClock("2026-01-01T00:00:00Z");
  const calls: string[] = [];
  const sent: [string, Record<string, unknown>][] = [];
  const logged: string[] = [];
  const invocations = createAsyncInvocations({
    clock,
    configs: new Map(config && [["beat", config]]),
    log: (line) => logged.push(line),
    region: "eu-central-1",
    send: async (arn, { body, attributes }) => {
      sent.push([arn, { ...JSON.parse(body), ...(attributes && { attributes }) }]);
    },
    invoke: async () => {
      calls.push(new Date(clock.now()).toISOString().slice(11, 19));
      return answer(calls.length);
    },
  });
  const settled = invocations.invoke("beat", { schedule: "daily" });
  await clock.runTo("2026-01-01T07:00:00Z");
  await settled;
  return { calls, sent, logged };
}

describe("an asynchronous invocation", () => {
  it("that succeeds at once leaves nothing", async () => {
    const { calls, sent, logged } = await fate({ onFailure: QUEUE }, () => ({ ok: true, payload: "null" }));

    expect([calls, sent, logged]).toEqual([["00:00:00"], [], []]);
  });

  it("is tried again after one minute, and after two more; then its record goes to the destination", async () => {
    const { calls, sent } = await fate({ onFailure: QUEUE }, () => failed);

    expect(calls).toEqual(["00:00:00", "00:01:00", "00:03:00"]);
    expect(sent).toEqual([
      [
        QUEUE,
        {
          version: "1.0",
          timestamp: "2026-01-01T00:03:00.000Z",
          requestContext: {
            requestId: expect.any(String),
            functionArn: "arn:aws:lambda:eu-central-1:000000000000:function:beat:$LATEST",
            condition: "RetriesExhausted",
            approximateInvokeCount: 3,
          },
          requestPayload: { schedule: "daily" },
          responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
          responsePayload: { errorType: "TypeError", errorMessage: "no", trace: ["at here"] },
        },
      ],
    ]);
  });

  // https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
  it("that succeeds, at once or later, has its record at the destination for success", async () => {
    const config = { onSuccess: QUEUE };
    const { sent } = await fate(config, (call) => (call < 3 ? failed : { ok: true, payload: '{"sum":3}' }));

    expect(sent).toEqual([
      [
        QUEUE,
        {
          version: "1.0",
          timestamp: "2026-01-01T00:03:00.000Z",
          requestContext: {
            requestId: expect.any(String),
            condition: "Success",
            approximateInvokeCount: 3,
            functionArn: "arn:aws:lambda:eu-central-1:000000000000:function:beat:$LATEST",
          },
          requestPayload: { schedule: "daily" },
          responseContext: { statusCode: 200, executedVersion: "$LATEST" },
          responsePayload: { sum: 3 },
        },
      ],
    ]);
    expect((await fate(config, () => failed)).sent).toEqual([]);
  });

  it("that fails for good goes to the function's dead-letter queue itself", async () => {
    const { sent, logged } = await fate({ deadLetterArn: QUEUE }, () => failed);

    const attributes = { RequestID: expect.any(String), ErrorCode: "200", ErrorMessage: "no" };
    expect(sent).toEqual([[QUEUE, { schedule: "daily", attributes }]]);
    expect(logged.join()).not.toContain("was dropped");
  });

  it("succeeds at a retry", async () => {
    const { calls, sent } = await fate({ onFailure: QUEUE }, (call) =>
      call < 3 ? failed : { ok: true, payload: "1" },
    );

    expect([calls.length, sent]).toEqual([3, []]);
  });

  it("is tried as often as the function says, and for as long", async () => {
    expect((await fate({ maximumRetryAttempts: 0, onFailure: QUEUE }, () => failed)).calls).toHaveLength(1);
    expect((await fate({ maximumRetryAttempts: 1 }, () => failed)).calls).toHaveLength(2);

    const short = await fate({ maximumEventAgeSeconds: 60, onFailure: QUEUE }, () => failed);
    expect(short.calls).toEqual(["00:00:00", "00:01:00"]);
    expect(short.sent[0]?.[1]).toMatchObject({ requestContext: { condition: "EventAgeExceeded" } });
  });

  it("of a throttled function waits, up to six hours, and uses up no retry", async () => {
    const { calls, sent } = await fate({ onFailure: QUEUE }, () => throttled);
    expect(calls.slice(0, 4)).toEqual(["00:00:00", "00:00:01", "00:00:03", "00:00:07"]);
    expect(sent[0]?.[1]).toMatchObject({
      requestContext: { condition: "EventAgeExceeded", approximateInvokeCount: 0 },
      requestPayload: { schedule: "daily" },
    });
    expect(sent[0]?.[1]).not.toHaveProperty("responsePayload");

    const later = await fate({ onFailure: QUEUE }, (call) => (call <= 5 ? throttled : failed));
    expect(later.calls).toHaveLength(8);
  });

  it("is dropped when it declares no destination, and that is said", async () => {
    const { logged } = await fate(undefined, () => failed);

    expect(logged.at(-1)).toBe(
      "An event of function 'beat' was dropped (RetriesExhausted): it declares no destination for it.",
    );
  });
});
