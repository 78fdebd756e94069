/**
 * serverless-offline calls this in the place of an HTTP function: it passes the event to the function's sandbox, so that a
 * crash, a time-out or `process.exit` there ends as API Gateway ends it, and harms nothing else.
 *
 * Plain JavaScript: serverless-offline would load a TypeScript handler through a second compiler.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export async function handler(request, context) {
  const event = withBodyText(request);
  const invoke = globalThis[Symbol.for("lovage.invoke")];
  let result = await invoke(context.functionName, event);
  // AWS would start more sandboxes; a laptop lets the request wait for one, as long as API Gateway waits for a function.
  for (const end = Date.now() + 29_000; result.throttled && Date.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    result = await invoke(context.functionName, event);
  }
  if (result.ok) return JSON.parse(result.payload);
  if (event?.requestContext?.http === undefined) {
    // Invoked directly, not over HTTP: the caller gets the function's error.
    throw Object.assign(new Error(result.errorMessage), { name: result.errorType });
  }
  const statusCode = result.throttled ? 503 : 500;
  return {
    statusCode,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ message: statusCode === 503 ? "Service Unavailable" : "Internal Server Error" }),
  };
}

/**
 * API Gateway passes a body on as text; serverless-offline parses JSON, and passes `null`, `0`, `false` and `""` on as if there were none.
 * A body that it cannot tell from none, `null` or `""`, has a length; sent in chunks it has not, and counts as no body.
 */
function withBodyText(event) {
  if (event?.requestContext?.http === undefined || typeof event.body === "string") return event;
  const isAbsent = (event.body ?? null) === null && !(Number(event.headers?.["content-length"]) > 0);
  return isAbsent ? event : { ...event, body: JSON.stringify(event.body ?? null) };
}
