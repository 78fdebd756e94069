import { DynamoDbError } from "../error.ts";

/** The statement is not PartiQL, or not of the part of it that is emulated. AWS's words, with the reason after them. */
export function malformed(reason: string): DynamoDbError {
  return DynamoDbError.validation(`Statement wasn't well formed, can't be processed: ${reason}`);
}
