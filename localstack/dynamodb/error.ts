import type { JsonObject } from "../json.ts";

/** An answer that is an error: what DynamoDB would send with status 400, or 500 if the engine failed. */
export class DynamoDbError extends Error {
  readonly status: number;
  readonly body: JsonObject;

  constructor(type: string, message: string, status = 400, body: JsonObject = {}) {
    super(message);
    this.name = type.slice(type.indexOf("#") + 1);
    this.status = status;
    this.body = { __type: type, message, ...body };
  }

  static validation(message: string): DynamoDbError {
    return new DynamoDbError("com.amazon.coral.validate#ValidationException", message);
  }

  /** The sentence in which DynamoDB lists what its checks of a request have found. */
  static detected(faults: readonly string[]): DynamoDbError {
    const errors = faults.length === 1 ? "error" : "errors";
    return DynamoDbError.validation(`${faults.length} validation ${errors} detected: ${faults.join("; ")}`);
  }
}
