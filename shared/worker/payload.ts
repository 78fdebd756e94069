import { completePayload, isOfWorkflow } from "../canvas/let-go-on.ts";
import { InvalidMessageError, TaskError, ValueExpiredError } from "../errors.ts";
import { byteLength, parseJson, toJsonText } from "../message/json.ts";
import type { Message } from "../message/message.ts";
import { payloadVersionOf } from "../message/payload-version.ts";
import type { App } from "../task/current-app.ts";
import type { PayloadShape } from "../task/registered-task.ts";

/** A payload as JSON text, to be parsed anew for whoever gets it: a task may change its own; or why there is none any more. */
export type Payload = { shape: PayloadShape } & ({ text: string } | { text: undefined; gone: TaskError });

/**
 * The payload of a message, from S3 if it is large, and with the results that it takes from its workflow.
 * @throws what AWS does not say for good: the message comes back
 */
export async function loadPayload(app: App, message: Message): Promise<Payload> {
  const own = await loadOwn(app, message);
  const payload = { ...own, shape: { version: payloadVersionOf(message) } };
  if (payload.text === undefined || !isOfWorkflow(message)) return payload;
  const shape = { ...payload.shape, isCompleted: message.workflow.input !== undefined };
  try {
    return { text: await completePayload(app, message, payload.text), shape };
  } catch (error) {
    // It will be so each time.
    if (error instanceof TaskError) return { text: undefined, gone: error, shape };
    throw error;
  }
}

async function loadOwn(
  app: App,
  { payload, payloadRef }: Message,
): Promise<{ text: string } | { text: undefined; gone: TaskError }> {
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
