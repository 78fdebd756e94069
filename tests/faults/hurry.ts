import { objectsOf, parseObject } from "../../localstack/json.ts";
import type { Call, Route } from "./proxy.ts";

/** No message waits longer: as long as a function's time lasts at most, so that waiting for its end still means something. */
const MOST_SECONDS = 9;

/**
 * Shortens what would only be waited for: the minute after which a message returns from the dead-letter queue, and the hiding
 * of one whose task another worker holds. Coming early is the harder case: the task may still be held.
 */
export function hurry(route: Route): Route {
  return (call, forward) => route(call, (passed) => forward(shortened(passed)));
}

function shortened(call: Call): Call {
  if (call.operation !== "SQS.SendMessageBatch" && call.operation !== "SQS.ChangeMessageVisibility") return call;
  const request = parseObject(call.body.toString());
  if (request === undefined) return call;
  for (const entry of [request, ...objectsOf(request.Entries)]) {
    for (const name of ["DelaySeconds", "VisibilityTimeout"]) {
      if (typeof entry[name] === "number") entry[name] = Math.min(entry[name], MOST_SECONDS);
    }
  }
  return { ...call, body: Buffer.from(JSON.stringify(request)) };
}
