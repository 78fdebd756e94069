import { InvalidMessageError, ValueExpiredError } from "../errors.ts";
import { byteLength, parseJson, toJsonText } from "../message/json.ts";
import type { Message } from "../message/message.ts";
import type { App } from "../task/current-app.ts";

/** A payload as JSON text, to be parsed anew for whoever gets it: a task may change its own; or why there is none any more. */
export type Payload = { text: string } | { text: undefined; gone: ValueExpiredError | InvalidMessageError };

/** The payload of a message, from S3 if it is large. @throws what S3 does not say for good: the message comes back */
export async function loadPayload(app: App, { payload, payloadRef }: Message): Promise<Payload> {
  if (payloadRef === undefined) return { text: toJsonText(payload) };
  let text: string;
  try {
    text = await app.largeValues.load(payloadRef);
  } catch (error) {
    if (!(error instanceof ValueExpiredError)) throw error;
    return { text: undefined, gone: error };
  }
  try {
    parseJson(text);
    return { text };
  } catch {
    const where = `the ${byteLength(text)} bytes under '${payloadRef.key}' are not JSON`;
    return { text: undefined, gone: new InvalidMessageError(`its payload cannot be read, for ${where}`) };
  }
}
