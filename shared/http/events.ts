import type { Hono } from "hono";
import { handle, type LambdaContext, type LambdaEvent } from "hono/aws-lambda";

/** A function that API Gateway invokes. */
export type Http = (event: LambdaEvent, context?: LambdaContext) => Promise<unknown>;

/**
 * Answers events of API Gateway. In a stage that is not `$default` each path begins with the stage's name, which no route has; the stage's
 * own address leads to that with a slash at its end, below which the addresses of the dashboard are.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-stages.html
 */
export function answerEvents(api: Hono): Http {
  const answer = handle(api);
  return async (event, context) => {
    const prefix = `/${"stage" in event.requestContext ? event.requestContext.stage : "$default"}`;
    if (!("rawPath" in event) || event.rawPath === undefined || prefix === "/$default") return answer(event, context);
    if (event.rawPath === prefix) return { statusCode: 308, headers: { location: `${prefix}/` } };
    if (!event.rawPath.startsWith(`${prefix}/`)) return answer(event, context);
    return answer({ ...event, rawPath: event.rawPath.slice(prefix.length) }, context);
  };
}
