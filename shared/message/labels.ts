/** What may stand in a message as a key, a label or a group: the same where it is sent and where it is read. */

/** Stands for something in the table. */
export function isKey(value: unknown): value is string {
  return isText(value, 256);
}

export function isTag(value: unknown): value is string {
  return isText(value, 128);
}

export const MESSAGE_GROUP_ID_EXPECTED = "1 to 128 letters, digits and punctuation characters";

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html */
export function isMessageGroupId(value: unknown): value is string {
  return typeof value === "string" && /^[\x21-\x7e]{1,128}$/.test(value);
}

function isText(value: unknown, most: number): value is string {
  return typeof value === "string" && value.length >= 1 && value.length <= most;
}
