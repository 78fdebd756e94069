/**
 * Rules for keys, labels and groups in a message: the same where it is sent and where it is read. Texts are compared as
 * they are, unit by unit: case counts, and nothing is normalised, so an `é` of one character and one of two are two keys. A lone
 * surrogate is refused, for in UTF-8, as the table keeps it, every one of them is the same character.
 */

export const KEY_EXPECTED = "1 to 256 characters, none a lone surrogate";

/** Stands for something in the table. */
export function isKey(value: unknown): value is string {
  return isText(value, 256);
}

export const TAG_EXPECTED = "1 to 128 characters, none a lone surrogate";

export function isTag(value: unknown): value is string {
  return isText(value, 128);
}

/** Of one message: those of the call, of its task, and of the task that it runs again. */
export const MAX_MESSAGE_TAGS = 100;

export const MESSAGE_GROUP_ID_EXPECTED = "1 to 128 letters, digits and punctuation characters";

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html */
export function isMessageGroupId(value: unknown): value is string {
  return typeof value === "string" && /^[\x21-\x7e]{1,128}$/.test(value);
}

function isText(value: unknown, most: number): value is string {
  return typeof value === "string" && value.length >= 1 && value.length <= most && value.isWellFormed();
}
