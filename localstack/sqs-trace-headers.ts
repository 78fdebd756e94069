/** The one system attribute that a sender may set, AWSTraceHeader, which fauxqs drops. Kept in memory, for the newest messages. */
import { isObject, type JsonObject, objectsOf, stringsOf } from "./json.ts";

const NAME = "AWSTraceHeader";
const MAX_REMEMBERED = 10_000;

export class TraceHeaders {
  readonly #byMessageId = new Map<string, string>();

  /** Notes the header of each message that a SendMessage or SendMessageBatch stored. */
  remember(request: JsonObject, answer: JsonObject): void {
    this.#set(answer.MessageId, request);
    const entries = objectsOf(request.Entries);
    for (const sent of objectsOf(answer.Successful)) {
      this.#set(sent.MessageId, entries.find((entry) => entry.Id === sent.Id) ?? {});
    }
  }

  /** Adds the header to each received message that has one, if the receive asks for it. */
  addTo(answer: JsonObject, request: JsonObject): void {
    const asked = [...stringsOf(request.AttributeNames), ...stringsOf(request.MessageSystemAttributeNames)];
    if (!asked.includes(NAME) && !asked.includes("All")) {
      return;
    }
    for (const message of objectsOf(answer.Messages)) {
      const header = this.#byMessageId.get(String(message.MessageId));
      if (header !== undefined) {
        message.Attributes = { ...(isObject(message.Attributes) ? message.Attributes : {}), [NAME]: header };
      }
    }
  }

  #set(messageId: unknown, message: JsonObject): void {
    const attributes = isObject(message.MessageSystemAttributes) ? message.MessageSystemAttributes : {};
    const header = isObject(attributes[NAME]) ? attributes[NAME].StringValue : undefined;
    if (typeof messageId !== "string" || typeof header !== "string") {
      return;
    }
    this.#byMessageId.set(messageId, header);
    const [oldest] = this.#byMessageId.keys();
    if (oldest !== undefined && this.#byMessageId.size > MAX_REMEMBERED) {
      this.#byMessageId.delete(oldest);
    }
  }
}
