import { isObject } from "../json.ts";
import type { InvocationResult } from "./functions.ts";

/** API Gateway waits no longer, so nobody may. */
const GATEWAY_SECONDS = 29;

type Invoke = (functionName: string, event: unknown) => Promise<InvocationResult>;

/**
 * Bounds the requests that only wait. A read with `?wait=` holds a sandbox until a task has ended; a function has few of them on a
 * laptop, and when all wait, nothing else of it answers. "Up to 20 s" allows an earlier answer, so one read too many is passed on
 * without its `wait`: it tells the state as it is, and its caller asks again.
 *
 * @param most reads of one function that may wait at once
 */
export function boundWaitingReads(invoke: Invoke, most: number): Invoke {
  const waiting = new Map<string, number>();
  return async (functionName, event) => {
    const query = waitingQuery(event);
    if (query === undefined) return invoke(functionName, event);
    const count = waiting.get(functionName) ?? 0;
    if (count >= most) return invoke(functionName, withoutWait(event, query));
    waiting.set(functionName, count + 1);
    try {
      return await invoke(functionName, event);
    } finally {
      waiting.set(functionName, (waiting.get(functionName) ?? 1) - 1);
    }
  };
}

/** The query of a request that asks to wait; one that is no number, or too large, will be refused at once, and holds nothing. */
function waitingQuery(event: unknown): URLSearchParams | undefined {
  const raw =
    isObject(event) && isObject(event.requestContext) && event.requestContext.http ? event.rawQueryString : "";
  const query = new URLSearchParams(typeof raw === "string" ? raw : "");
  const seconds = Number(query.get("wait"));
  return seconds > 0 && seconds < GATEWAY_SECONDS ? query : undefined;
}

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html */
function withoutWait(event: unknown, query: URLSearchParams): unknown {
  query.delete("wait");
  return {
    ...(isObject(event) ? event : {}),
    rawQueryString: query.toString(),
    queryStringParameters: Object.fromEntries(query),
  };
}
