import { head } from "../echo.ts";
import { InvalidPayloadError } from "../errors.ts";
import type { Json } from "../message/json.ts";
import type { TaskNode } from "../workflows/definition.ts";

/**
 * The payload of a task: what its signature knows, and the result before it.
 * @throws InvalidPayloadError for a result that cannot be put beside the known fields
 */
export function payloadWith({ task, payload, into, immutable }: TaskNode, input: Json): Json {
  if (immutable) return payload ?? null;
  if (into !== undefined) return { ...objectOf(task, payload ?? {}, "what is known of the payload"), [into]: input };
  if (payload === undefined) return input;
  // The known fields hold, whatever the result before says.
  return {
    ...objectOf(task, input, "the result before it"),
    ...objectOf(task, payload, "what is known of the payload"),
  };
}

function objectOf(task: string, value: Json, what: string): { [field: string]: Json } {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  const shown = head(JSON.stringify(value), 100);
  throw new InvalidPayloadError(task, [
    {
      message: `${what} is ${shown}, which has no fields: name the one that it becomes with into(), or leave it out with si()`,
    },
  ]);
}
