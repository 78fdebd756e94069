/**
 * The attributes of a message that is to be sent.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
 */

import { cut } from "../../shared/echo.ts";
import { isObject, type JsonObject } from "../json.ts";
import { invalid, type SqsRefusal } from "./errors.ts";
import { hasInvalidCharacters } from "./fauxqs.ts";
import { TRACE_HEADER } from "./kept-fields.ts";

const MAX_ATTRIBUTES = 10;
const MAX_BYTES = 256;
const NAME = /^[a-zA-Z0-9_.-]+$/;
const RESERVED = /^(aws\.|amazon\.)/i;
const TYPE = /^(String|Number|Binary)(\.|$)/;
/** Up to 38 digits, in the range of a DynamoDB number. */
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const FIELDS = ["DataType", "StringValue", "BinaryValue"];
/** The lists of values that the model has are not implemented by SQS itself; an SDK may send them empty. */
const LISTS = ["StringListValues", "BinaryListValues"];

/** Why SQS would refuse the attributes of a message, if it would. */
export function refuseMessageAttributes(message: JsonObject): SqsRefusal | undefined {
  const attributes = Object.entries(isObject(message.MessageAttributes) ? message.MessageAttributes : {});
  if (attributes.length > MAX_ATTRIBUTES) {
    return invalid(
      `Number of message attributes [${attributes.length}] exceeds the allowed maximum [${MAX_ATTRIBUTES}].`,
    );
  }
  for (const [name, attribute] of attributes) {
    const refusal = refuseName(name) ?? refuseAttribute(name, isObject(attribute) ? attribute : {});
    if (refusal !== undefined) return refusal;
  }
  return refuseSystemAttributes(message);
}

function refuseName(name: string): SqsRefusal | undefined {
  if (Buffer.byteLength(name) > MAX_BYTES) {
    return invalid(`Message (user) attribute names must be shorter than ${MAX_BYTES} Bytes`);
  }
  if (!NAME.test(name)) {
    return invalid(
      `The message attribute name '${cut(name)}' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), hyphen (-), and period (.) characters.`,
    );
  }
  if (RESERVED.test(name) || name.startsWith(".") || name.endsWith(".") || name.includes("..")) {
    return invalid(
      "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use. Additionally, they cannot start or end with '.'.",
    );
  }
  return undefined;
}

function refuseAttribute(name: string, attribute: JsonObject): SqsRefusal | undefined {
  const { DataType: type, StringValue: text, BinaryValue: bytes } = attribute;
  const unknown = Object.keys(attribute).find((field) => !FIELDS.includes(field) && !isEmptyList(field, attribute));
  if (unknown !== undefined) {
    return invalid(`Message (user) attribute '${name}' has the field ${unknown}: expected ${FIELDS.join(", ")}.`);
  }
  if (typeof type !== "string" || type === "") {
    return invalid(`The message attribute '${name}' must contain a non-empty message attribute type.`);
  }
  if (Buffer.byteLength(type) > MAX_BYTES) {
    return invalid(`Message (user) attribute types must be shorter than ${MAX_BYTES} Bytes`);
  }
  const [, kind = ""] = TYPE.exec(type) ?? [];
  if (kind === "") {
    return invalid(
      `The message attribute '${name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.`,
    );
  }
  const isBinary = kind === "Binary";
  const value = isBinary ? bytes : text;
  if (typeof value !== "string" || value === "" || (isBinary ? text : bytes) !== undefined) {
    return invalid(`Message (user) attribute '${name}' must contain a non-empty value of type '${kind}'.`);
  }
  if (isBinary && !BASE64.test(value)) {
    return invalid(`Message (user) attribute '${name}' must contain a value of type 'Binary' in base64.`);
  }
  if (kind === "Number" && !isNumber(value)) {
    return invalid(`Can't cast the value of message (user) attribute '${name}' to a number.`);
  }
  if (!isBinary && hasInvalidCharacters(value)) {
    return invalid(
      "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
    );
  }
  return undefined;
}

function isEmptyList(field: string, attribute: JsonObject): boolean {
  const value = attribute[field];
  return LISTS.includes(field) && Array.isArray(value) && value.length === 0;
}

function isNumber(text: string): boolean {
  const digits = text.replace(/e.*$/i, "").replaceAll(/\D/g, "").replace(/^0+/, "");
  return NUMBER.test(text) && digits.length <= 38 && Math.abs(Number(text)) < 1e126;
}

/** A sender may set the trace header, which is text, and nothing else. */
function refuseSystemAttributes(message: JsonObject): SqsRefusal | undefined {
  const attributes = isObject(message.MessageSystemAttributes) ? message.MessageSystemAttributes : {};
  for (const [name, attribute] of Object.entries(attributes)) {
    if (name !== TRACE_HEADER) {
      return invalid(`Message system attribute name '${name}' is invalid: expected ${TRACE_HEADER}.`);
    }
    if (!isObject(attribute) || attribute.DataType !== "String" || !attribute.StringValue) {
      return invalid(`Message system attribute '${name}' must contain a non-empty value of type 'String'.`);
    }
  }
  return undefined;
}
